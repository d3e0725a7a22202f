/* SPDX-License-Identifier: Apache-2.0
 *
 * What a sandbox starts from, and the names by which it is called: "[namespace/]alias[:tag]" or
 * "id[:tag]". Those that were made here stay in memory, so sandboxes may borrow from theirs, and
 * one that a sandbox is made of cannot be deleted.
 */
#ifndef E2B_CORE_TEMPLATE_H
#define E2B_CORE_TEMPLATE_H

#include "backend/runtime/overlays.h"
#include "backend/store/templates.h"
#include "common/error.h"
#include "common/ids.h"

#define TEMPLATE_DEFAULT_TAG "default"
enum { TEMPLATE_REFERENCE = 256 };

struct core;

struct template {
    const char *id, *build_id, *alias;          /* alias NULL: none */
    const char *default_user, *default_workdir; /* workdir NULL: the user's home */
    const char *name, *tag;                     /* of one that was made here; "": none */
    const char *sandbox_id;                     /* of which it is a snapshot */
    const char *start_cmd, *ready_cmd;          /* of one that was built; "" or NULL: none */
    struct pairs env;
    struct overlays overlays; /* none: the base's */
    int64_t cpus, memory_mb;  /* 0: as is usual */
    int64_t created_ms;
    struct template *next;
};

/* ERR_NOT_FOUND with the contract's text, ERR_INVALID for what cannot be a name. */
const struct template *template_resolve(const struct core *core, const char *reference,
                                        struct error *err);
/* What a sandbox says that it was made of. */
const struct template *template_by_id(const struct core *core, const char *id,
                                      const char *build_id);
/* The parts of a reference; a namespace that is ours is left out. */
bool template_parse_name(const char *text, char name[static TEMPLATE_REFERENCE],
                         char tag[static TEMPLATE_REFERENCE], struct error *err);
bool template_is_base(const char *name);
const struct template *template_base(void);
/* A name for a new one; the default tag if it has none. */
bool template_check_name(const char *text, char name[static TEMPLATE_REFERENCE],
                         char tag[static TEMPLATE_REFERENCE], struct error *err);

/* ---- templates.c: those that were made here ---- */
bool templates_load(struct core *core, struct error *err);
void templates_free(struct core *core);
struct template *template_new(const struct template_row *row, struct error *err);
void template_free(struct template *template);
/* Is a sandbox made of it? build_id NULL: of any build of it. */
bool template_is_used(const struct core *core, const char *id, const char *build_id);
/* One that was recorded. It gets its name, and whichever had it loses it. */
bool template_add(struct core *core, struct template_row *row, struct error *err);
/* Oldest first. */
const struct template *template_first(const struct core *core);
const struct template *template_newest(const struct core *core);
/* ERR_INVALID while a sandbox is made of it. */
bool template_delete(struct core *core, const char *reference, struct error *err);

#endif
