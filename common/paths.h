/* SPDX-License-Identifier: Apache-2.0
 *
 * Where things live.
 *
 *   runtime   $E2B_HOME/run, else $XDG_RUNTIME_DIR/e2b, else /run/user/UID/e2b (root: /run/e2b),
 *             else /tmp/e2b-UID: the socket and its lock
 *   state     $E2B_HOME, else $XDG_DATA_HOME/e2b, else ~/.local/share/e2b: everything that is kept
 *   programs  beside the running program (build tree), else ../libexec/e2b (installed anywhere)
 */
#ifndef E2B_COMMON_PATHS_H
#define E2B_COMMON_PATHS_H

#include "common/error.h"

enum { PATHS_MAX = 4096 };

struct paths {
    char runtime[PATHS_MAX];
    char state[PATHS_MAX];
};

/* Names only; nothing is created. */
bool paths_find(struct paths *paths, struct error *err);
/* Creates both 0700 and refuses a runtime directory that somebody else owns or can write. */
bool paths_create(const struct paths *paths, struct error *err);
/* Where the backend of this state directory said that it listens; false if it is paths->runtime, or
 * nothing is known. The environment of whoever started it need not have been ours. */
bool paths_elsewhere(const struct paths *paths, char runtime[static PATHS_MAX]);
/* The full name of one of our own programs or modules ("e2bd", "e2b-agent", "e2b-remote.so"). */
bool paths_program(const char *name, char path[static PATHS_MAX], struct error *err);

#define PATHS_SOCKET "e2b.sock"
#define PATHS_LOCK   "e2b.lock"
#define PATHS_LOG    "e2bd.log" /* in the state directory */
#define PATHS_OWNER  "lock"     /* there, too: locked by the backend, holds its runtime directory */

#endif
