/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/gunzip.h"

enum { GZIP_ONLY = 15 + 16 };

struct gunzip *gunzip_new(void) {
    struct gunzip *g = calloc(1, sizeof(*g));
    if (!g || inflateInit2(&g->z, GZIP_ONLY) != Z_OK) {
        free(g);
        return NULL;
    }
    g->at_start = true;
    return g;
}

void gunzip_free(struct gunzip *g) {
    if (g)
        inflateEnd(&g->z);
    free(g);
}

bool gunzip_next(struct gunzip *g, const void *bytes, size_t len, size_t *used) {
    g->z.next_in = (Bytef *)(uintptr_t)bytes;
    g->z.avail_in = (uInt)len;
    g->z.next_out = (Bytef *)g->plain;
    g->z.avail_out = sizeof(g->plain);
    if (len)
        g->at_start = false;
    int rc = inflate(&g->z, Z_NO_FLUSH);
    *used = len - g->z.avail_in;
    g->plain_at = 0;
    g->plain_len = sizeof(g->plain) - g->z.avail_out;
    if (rc == Z_STREAM_END) {
        g->at_start = true;
        rc = inflateReset(&g->z);
    }
    return rc == Z_OK || rc == Z_BUF_ERROR; /* the latter: nothing to do without more bytes */
}
