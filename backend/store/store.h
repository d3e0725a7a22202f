/* SPDX-License-Identifier: Apache-2.0
 *
 * The only memory of the backend: one SQLite file, in WAL with synchronous=NORMAL, so what was
 * committed survives kill -9 of the daemon and a clean reboot. Opened by one daemon, used on its
 * loop's thread; each table family has its own file and header.
 *
 * A change of state and what tells of it are written between store_begin and store_commit.
 * A full disk is ERR_NO_SPACE, a file that somebody else has locked ERR_UNAVAILABLE.
 */
#ifndef E2B_STORE_STORE_H
#define E2B_STORE_STORE_H

#include "common/error.h"

struct store;

/* Creates the file (0600) or checks and migrates what is there. */
struct store *store_open(const char *path, struct error *err);
/* Another connection to what is open already, for reading, on any thread. */
struct store *store_open_reader(const char *path, struct error *err);
void store_close(struct store *store);

bool store_begin(struct store *store, struct error *err);
/* A failed commit has rolled back. */
bool store_commit(struct store *store, struct error *err);
void store_rollback(struct store *store);

/* What was committed has to be moved from the log into the file now and then, and that waits for
 * the disk. `due` tells, on the loop, that it is time; store_checkpoint does it, on any thread. */
void store_on_checkpoint_due(struct store *store, void (*due)(void *ctx), void *ctx);
void store_checkpoint(const char *path);
const char *store_path(const struct store *store);

/* Single values by name. `found` is false when there is none; a value of another size is an error.
 */
bool store_setting_get(struct store *store, const char *name, void *value, size_t size, bool *found,
                       struct error *err);
bool store_setting_put(struct store *store, const char *name, const void *value, size_t size,
                       struct error *err);

#endif
