/* SPDX-License-Identifier: Apache-2.0
 *
 * A stream as gzip members of 1 MiB, compressed on all cores and written in their order: every
 * gunzip reads them as one. Memory is bounded by the number of cores, not by the stream.
 */
#ifndef E2B_CLI_PACK_MEMBERS_H
#define E2B_CLI_PACK_MEMBERS_H

#include "common/error.h"

struct members;

struct members *members_start(int fd, struct error *err);
bool members_write(struct members *m, const void *bytes, size_t len, struct error *err);
/* What is left, and how much was written in all. */
bool members_finish(struct members *m, uint64_t *size, struct error *err);
/* At any time; ends the threads. */
void members_free(struct members *m);

#endif
