/* SPDX-License-Identifier: Apache-2.0
 *
 * e2b-state: what is done to the whole state while no backend runs: put into one archive, taken
 * from one, removed. The backend's lock is held meanwhile, so nobody starts one.
 *
 * Files of sandboxes belong to mapped ids. An ordinary user does the work inside the holder
 * namespace, where these are ids as any; root does it outside, where they are shifted. Either way
 * an archive holds the ids of the inside, and so fits another range.
 */
#ifndef E2B_KEEP_KEEP_H
#define E2B_KEEP_KEEP_H

#include "common/error.h"

struct keep {
    int state;         /* the state directory */
    uint32_t shift;    /* what id 0 of the inside is here */
    uint32_t id_count; /* 1: all files are ours */
};

/* Is it part of the state that is kept, as a path relative to the state directory? */
bool keep_holds(const char *path);
/* And does it belong to the sandboxes' ids? */
bool keep_is_inside(const char *path);
/* The names at the top of it, NULL-terminated. */
extern const char *const keep_names[];

bool keep_export(const struct keep *keep, int out, struct error *err);
bool keep_import(const struct keep *keep, int in, struct error *err);
bool keep_reset(const struct keep *keep, struct error *err);

#endif
