/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets and signatures.
 */
#include "cli/webhook/webhook.h"

#include "common/ids.h"
#include "common/paths.h"
#include "common/webhook_sign.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

char *webhook_secret_read(const char *file, struct error *err) {
    size_t len;
    cleanup_secret char *secret = resource_read(file, WEBHOOK_MAX_SECRET, &len, err);
    if (!secret) {
        error_wrap(err, "cannot read the secret");
        return NULL;
    }
    bool is_text = !memchr(secret, '\0', len);
    secret[strcspn(secret, "\r\n")] = '\0';
    if (is_text && *secret)
        return steal_ptr(&secret);
    error_set(err, ERR_INVALID, is_text ? "the secret is empty" : "the secret is no text");
    return NULL;
}

void webhook_secret_free(char **secret) {
    if (*secret)
        explicit_bzero(*secret, strlen(*secret));
    free(*secret);
}

void webhook_secret_make(char secret[static WEBHOOK_SECRET]) {
    unsigned char bytes[20];
    ids_random(bytes, sizeof(bytes));
    memcpy(secret, "whsec_", 6);
    ids_hex(bytes, sizeof(bytes), secret + 6);
}

typedef bool sign_function(const char *secret, const void *body, size_t len,
                           char text[static WEBHOOK_SIGNATURE]);

static sign_function *load(struct error *err) {
    char path[PATHS_MAX];
    if (!paths_program("e2b-sign.so", path, err))
        return NULL;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    sign_function *sign = NULL;
    if (module)
        *(void **)&sign = dlsym(module, WEBHOOK_SIGN_SYMBOL);
    if (sign)
        return sign;
    error_set(err, ERR_UNSUPPORTED, "cannot load the part that makes signatures: %s", dlerror());
    error_hint(err, "is libcrypto (OpenSSL) installed?");
    return NULL;
}

bool webhook_verify(const char *secret, const void *body, size_t len, const char *signature,
                    bool *valid, struct error *err) {
    static sign_function *sign;
    char expected[WEBHOOK_SIGNATURE];
    if (!sign && !(sign = load(err)))
        return false;
    if (!sign(secret, body, len, expected))
        return error_set(err, ERR_INTERNAL, "cannot make a signature");
    *valid = ids_equal_secret(expected, signature);
    return true;
}
