/* SPDX-License-Identifier: Apache-2.0
 *
 * Access tokens of sandboxes: hex HMAC-SHA256 of the id (with a prefix for its ports) under a seed
 * that never leaves the store, so a token needs no row of its own and is the same after a restart.
 */
#include "backend/core/core.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

bool token_load_seed(struct core *core, struct error *err) {
    static const char name[] = "token-seed";
    bool found;
    if (!store_setting_get(core->config.store, name, core->seed, CORE_SEED, &found, err))
        return false;
    if (found)
        return true;
    ids_random(core->seed, CORE_SEED);
    return store_setting_put(core->config.store, name, core->seed, CORE_SEED, err);
}

bool token_make(const struct core *core, const char *name, char token[static TOKEN_TEXT]) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!HMAC(EVP_sha256(), core->seed, CORE_SEED, (const unsigned char *)name, strlen(name),
              digest, &len) ||
        len != (TOKEN_TEXT - 1) / 2)
        return false;
    ids_hex(digest, len, token);
    return true;
}
