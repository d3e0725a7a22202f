/* SPDX-License-Identifier: Apache-2.0
 *
 * A few sandboxes made ahead, by the plan that was asked for last, so that the next one like it is
 * there at once: they are whole, with their ids, groups and network, and nothing has run in them.
 * After a burst there are more, for the next one. They go when nobody has asked for some seconds,
 * and die with the daemon: no other ever knows of them.
 */
#ifndef E2B_RUNTIME_SPARES_H
#define E2B_RUNTIME_SPARES_H

#include "backend/runtime/plan.h"

struct runtime;
struct guest;
struct spares;

struct spares *spares_start(struct runtime *rt, unsigned count);
void spares_stop(struct spares *s); /* forgets them; their guests are gone already */

/* The spare with the plan's id, which is the caller's from now on; NULL: it is none. */
struct guest *spares_take(struct spares *s, const struct plan *plan);
/* A sandbox by this plan was asked for: more like it are made when there is nothing else to do. */
void spares_expect(struct spares *s, const struct plan *plan);
void spares_fill(struct spares *s);

#endif
