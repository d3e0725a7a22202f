/* SPDX-License-Identifier: Apache-2.0
 *
 * Was it read as it was named? What nobody expects anything of is not even counted.
 */
#include "backend/unpack/unpack.h"
#include "common/ids.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *prefix;
    const EVP_MD *(*md)(void);
    size_t digits;
} algorithms[] = {{"sha256:", EVP_sha256, 64}, {"sha512:", EVP_sha512, 128}};

static const EVP_MD *find(const char *text) {
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        const size_t len = strlen(algorithms[i].prefix), digits = algorithms[i].digits;
        if (strncmp(text, algorithms[i].prefix, len) == 0 && strlen(text) == len + digits &&
            strspn(text + len, "0123456789abcdef") == digits)
            return algorithms[i].md();
    }
    return NULL;
}

bool digest_begin(struct digest *digest, const char *expected, struct error *err) {
    *digest = (struct digest){.ctx = NULL};
    if (!*expected)
        return true;
    const EVP_MD *md = find(expected);
    if (!md)
        return error_set(err, ERR_INVALID, "'%.150s' is no digest that can be checked", expected);
    digest->ctx = EVP_MD_CTX_new();
    if (!digest->ctx || EVP_DigestInit_ex(digest->ctx, md, NULL) != 1) {
        digest_free(digest);
        return error_set(err, ERR_INTERNAL, "cannot check a digest");
    }
    snprintf(digest->expected, sizeof(digest->expected), "%s", expected);
    return true;
}

void digest_add(struct digest *digest, const void *bytes, size_t len) {
    if (digest->ctx)
        EVP_DigestUpdate(digest->ctx, bytes, len);
}

bool digest_end(struct digest *digest, const char *what, struct error *err) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len;
    if (!digest->ctx)
        return true;
    bool ok = EVP_DigestFinal_ex(digest->ctx, bytes, &len) == 1;
    digest_free(digest);
    if (!ok)
        return error_set(err, ERR_INTERNAL, "cannot check a digest");
    ids_hex(bytes, len, hex);
    const char *expected = strchr(digest->expected, ':') + 1;
    return strcmp(hex, expected) == 0 ||
           error_set(err, ERR_INVALID, "%s is damaged: it should be %.*s%s, and is %s", what,
                     (int)(expected - digest->expected), digest->expected, expected, hex);
}

void digest_free(struct digest *digest) {
    EVP_MD_CTX_free(digest->ctx);
    digest->ctx = NULL;
}
