/* SPDX-License-Identifier: Apache-2.0
 *
 * Inflates a gzip stream (of any number of members) a bounded piece at a time, so that what unpacks
 * to a thousand times its size costs no more memory than anything else.
 */
#ifndef E2B_ENVD_GUNZIP_H
#define E2B_ENVD_GUNZIP_H

#include "common/util.h"

#include <zlib.h>

enum { GUNZIP_PLAIN = 64 << 10 };

struct gunzip {
    z_stream z;
    bool at_start; /* between members: here the stream may end */
    size_t plain_len, plain_at;
    char plain[GUNZIP_PLAIN]; /* [plain_at, plain_len) is to be dealt with */
};

struct gunzip *gunzip_new(void); /* NULL: no memory */
void gunzip_free(struct gunzip *g);
/* Fills `plain`, which must be dealt with, from some of the bytes. False: not gzip. */
bool gunzip_next(struct gunzip *g, const void *bytes, size_t len, size_t *used);

#endif
