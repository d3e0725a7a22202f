/* SPDX-License-Identifier: Apache-2.0
 *
 * The default template `base`: a root directory synthesized from the host (accounts, /etc by an
 * allow-list, the package database) and, where the host's /usr cannot be used as it is, a layer to
 * lie above it. Kept under state/base/KEY, where KEY says for whom and what of: another one is made
 * beside it, so running sandboxes keep theirs. Never half-made: a directory with that name is
 * whole.
 *
 * Files are made inside the holder namespace, so that they belong to the sandboxes' ids.
 */
#ifndef E2B_IMAGE_BASE_H
#define E2B_IMAGE_BASE_H

#include "common/error.h"

struct base_config {
    const char *state; /* directory; base/ is made in it */
    int holder;        /* the holder's user namespace */
    uint32_t id_base;  /* what root inside is outside */
    uint32_t id_count;
    const char *sudo;     /* program to be sudo where the host's cannot be used: e2b-agent */
    bool usr_is_idmapped; /* the host's /usr is mounted with the ids of the inside (root only) */
    void (*report)(void *ctx, const char *line); /* progress; may be NULL */
    void *ctx;
};

enum { BASE_NAME = 64 };

/* Names of layers relative to `state`. */
struct base {
    char root[BASE_NAME]; /* lower of "/" */
    char usr[BASE_NAME];  /* above the host's /usr; "" if that is used alone */
};

enum base_found { BASE_NONE, BASE_OLDER, BASE_CURRENT };
/* Looks for it and makes nothing: in a fraction of a millisecond. An older one is of another state
 * of the host, and good for use. */
enum base_found base_find(const struct base_config *config, struct base *base);
/* Finds or makes the current one. Milliseconds when it is there; else it blocks for a second or
 * two. */
bool base_prepare(const struct base_config *config, struct base *base, struct error *err);

#endif
