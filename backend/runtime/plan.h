/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan of a sandbox: everything that will be done to make it, decided before anything is done.
 * Built from a template and the request, validated, printed by a dry run, executed in one pass,
 * never changed afterwards.
 */
#ifndef E2B_RUNTIME_PLAN_H
#define E2B_RUNTIME_PLAN_H

#include "common/error.h"
#include "backend/agent/protocol.h"

#include <jansson.h>

/* One mount of the root file system: lower layers under an own upper. */
struct plan_overlay {
    char target[AGENT_TARGET];
    const char *const *lowers; /* names of layers, topmost first; resolved by the runtime */
    size_t lower_count;
};

struct plan_limits {
    uint64_t memory_bytes;
    uint32_t processes;
    uint32_t files;
    uint64_t disk_bytes;
    uint32_t cpus; /* quota: that many whole processors */
};

/* What the sandbox may reach, as prefixes "a.b.c.d/n"; the longest wins, and allow beats deny. */
struct plan_network {
    bool internet; /* else only what is allowed by name */
    const char *const *allow;
    size_t allow_count;
    const char *const *deny;
    size_t deny_count;
};

/* Where volumes appear (absolute paths, none twice, outer ones first) and which. */
struct plan_mounts {
    char *const *at; /* path, id of the volume, path, ... */
    size_t count;    /* of pairs */
};
#define plan_mount_target(mounts, i) ((mounts)->at[2 * (i)])
#define plan_mount_volume(mounts, i) ((mounts)->at[2 * (i) + 1])

struct plan {
    char id[32];                      /* sandbox id, also its hostname */
    char template_id[AGENT_TEMPLATE]; /* told inside, in /run/e2b */
    struct plan_overlay overlays[ZYGOTE_MAX_OVERLAYS];
    size_t overlay_count;
    struct plan_limits limits;
    struct plan_network network;
    bool resumes;   /* its directory is there, with all that it wrote before */
    bool alone;     /* no more like it will be asked for */
    bool keeps_tmp; /* what is in its /tmp is written as everything else */
    struct plan_mounts mounts;
};

extern const struct plan_limits plan_default_limits;

bool plan_check(const struct plan *plan, struct error *err);
/* Can a volume be mounted there? */
bool plan_check_mount(const char *target, struct error *err);
bool plan_check_mounts(const struct plan_mounts *mounts, struct error *err);
/* A deep copy, for as long as the plan waits to be carried out. */
bool plan_copy(struct plan *to, const struct plan *from, struct error *err);
void plan_free(struct plan *plan); /* of a copy */

#endif
