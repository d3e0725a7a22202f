/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/signature.h"
#include "common/base64.h"
#include "common/http1.h"

#include <openssl/evp.h>
#include <string.h>

void signature_make(const struct signature_input *in, char text[static SIGNATURE_TEXT]) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    const char *const parts[] = {in->path,
                                 ":",
                                 in->operation,
                                 ":",
                                 in->user,
                                 ":",
                                 in->token,
                                 in->expiration ? ":" : "",
                                 in->expiration ? in->expiration : ""};
    text[0] = '\0';
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; ok && i < ARRAY_LEN(parts); i++)
        ok = EVP_DigestUpdate(md, parts[i], strlen(parts[i])) == 1;
    ok = ok && EVP_DigestFinal_ex(md, digest, &len) == 1 && len == 32;
    EVP_MD_CTX_free(md);
    if (!ok)
        return; /* "" is no valid signature */
    memcpy(text, "v1_", 3);
    base64_encode(digest, len, text + 3);
    char *pad = strchr(text + 3, '=');
    if (pad)
        *pad = '\0';
}

/* What the request says of its signature; absent ones are NULL. */
struct claim {
    const char *path, *user, *signature, *expiration;
    int64_t expires;
};

static bool read_claim(struct exchange *x, struct claim *c, struct error *err) {
    static const char *const names[] = {"path", "username", "signature", "signature_expiration"};
    const char **const values[] = {&c->path, &c->user, &c->signature, &c->expiration};
    uint64_t number = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        *values[i] = exchange_param(x, names[i], 0, err);
        if (!*values[i] && err->kind)
            return false;
    }
    if (c->expiration &&
        (!slice_number((struct slice){c->expiration, strlen(c->expiration)}, &number) ||
         number > INT64_MAX))
        return error_set(err, ERR_INVALID, "invalid signature_expiration: '%s'", c->expiration);
    c->expires = (int64_t)number;
    return true;
}

static bool matches(const struct claim *c, const char *token, const char *operation) {
    char expected[SIGNATURE_TEXT];
    const struct signature_input input = {
        .path = c->path ? c->path : "",
        .operation = operation,
        .user = c->user ? c->user : "",
        .token = token,
        .expiration = c->expiration,
    };
    signature_make(&input, expected);
    return *expected && ids_equal_secret(expected, c->signature);
}

bool signature_check(const struct sandbox *sandbox, struct exchange *x, const char *operation,
                     struct error *err) {
    struct claim claim;
    if (!*sandbox->access_token)
        return true;
    const char *token = exchange_header(x, "X-Access-Token");
    if (token && *token)
        return ids_equal_secret(token, sandbox->access_token) ||
               error_set(err, ERR_UNAUTHENTICATED,
                         "access token present in header but does not match");
    if (!read_claim(x, &claim, err))
        return false;
    if (!claim.signature)
        return error_set(err, ERR_UNAUTHENTICATED, "missing signature query parameter");
    if (!matches(&claim, sandbox->access_token, operation))
        return error_set(err, ERR_UNAUTHENTICATED, "invalid signature");
    if (claim.expiration && claim.expires < clock_now_ms() / 1000)
        return error_set(err, ERR_UNAUTHENTICATED, "signature is already expired");
    return true;
}

struct sandbox *signature_find(struct core *core, struct exchange *x) {
    struct error err = ERROR_INIT;
    struct claim claim;
    struct sandbox *first = sandbox_first(core);
    if (!read_claim(x, &claim, &err))
        return NULL;
    if (!claim.signature)
        return first && !sandbox_older(first) && first->state == SANDBOX_RUNNING ? first : NULL;
    bool is_write = slice_is(exchange_head(x)->method, "POST");
    for (struct sandbox *s = first; s; s = sandbox_older(s))
        if (s->state == SANDBOX_RUNNING && *s->access_token &&
            matches(&claim, s->access_token, is_write ? "write" : "read"))
            return s;
    return NULL;
}
