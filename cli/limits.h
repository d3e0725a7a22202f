/* SPDX-License-Identifier: Apache-2.0
 *
 * The limits of a sandbox, or of all on this machine, as a person reads them.
 */
#ifndef E2B_CLI_LIMITS_H
#define E2B_CLI_LIMITS_H

#include <jansson.h>
#include <stdio.h>

/* A title and a line each: "memory: 1 GiB, by cgroup v2 memory.max", "cpu: unlimited: ...". NULL:
 * nothing. */
void limits_print(FILE *out, const char *title, const json_t *limits);

#endif
