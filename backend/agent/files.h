/* SPDX-License-Identifier: Apache-2.0
 *
 * The file operations of a sandbox, run by a short-lived child of PID 1 that may block and
 * allocate. It works as the sandbox's root and gives what it makes to the user, as the hosted
 * service does; paths are resolved here, inside, so that the daemon never does.
 */
#ifndef E2B_AGENT_FILES_H
#define E2B_AGENT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is `op` one of HELPER_FILE_*? */
bool files_serves(uint32_t op);
/* Does it and answers on `sock`; exits the process when nobody listens there any more. */
void files_serve(int sock, uint32_t op, const char *user, char *const *args, size_t arg_count);

/* The same for a volume, from outside of every sandbox: `root` is its directory, in which this
 * process shuts itself up before it looks at a path. */
bool files_serves_volume(uint32_t op);
void files_serve_volume(int sock, uint32_t op, int root, char *const *args, size_t arg_count);

#endif
