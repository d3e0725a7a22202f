/* SPDX-License-Identifier: Apache-2.0
 *
 * The hash of the files of a COPY, and the archive that is uploaded for it: a gzipped tar, the same
 * bytes for the same files wherever and by whomever it is made. In a module of its own,
 * e2b-pack.so, because libarchive and libcrypto are of no use to most commands.
 */
#ifndef E2B_CLI_PACK_PACK_H
#define E2B_CLI_PACK_PACK_H

#include "cli/pack/tree.h"

enum { PACK_HASH = 64 + 1 };

struct pack_watch {
    /* Hears of input that was dealt with; false ends the work with ERR_TIMEOUT. */
    bool (*step)(void *ctx, uint64_t bytes);
    void *ctx;
};

struct pack_api {
    /* The filesHash of "COPY source dest" in hexadecimal. */
    bool (*hash)(const struct tree *tree, const char *source, const char *dest,
                 const struct pack_watch *watch, char hash[static PACK_HASH], struct error *err);
    /* Writes the archive to `fd` (from where it stands) and hashes in the same pass. */
    bool (*write)(const struct tree *tree, const char *source, const char *dest,
                  const struct pack_watch *watch, int fd, char hash[static PACK_HASH],
                  uint64_t *size, struct error *err);
};

/* The one symbol of e2b-pack.so. */
#define PACK_SYMBOL "e2b_pack"
extern const struct pack_api e2b_pack;

/* Opens the module; it stays open until the program ends. */
const struct pack_api *pack_load(struct error *err);

#endif
