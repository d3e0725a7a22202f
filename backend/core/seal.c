/* SPDX-License-Identifier: Apache-2.0
 *
 * A sealed value is its nonce, its tag, then the cipher text.
 */
#include "backend/core/seal.h"
#include "common/ids.h"
#include "common/io.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

bool seal_key_load(const char *path, bool may_make, unsigned char key[static SEAL_KEY],
                   struct error *err) {
    cleanup_buf struct buf bytes = BUF_INIT(4096);
    if (may_make && access(path, F_OK) < 0 && errno == ENOENT) {
        ids_random(key, SEAL_KEY);
        return io_write_file(path, key, SEAL_KEY, 0600, err);
    }
    if (!io_read_file(path, &bytes, err))
        return false;
    if (bytes.len != SEAL_KEY)
        return error_set(err, ERR_INTERNAL, "%s is no key", path);
    memcpy(key, bytes.data, SEAL_KEY);
    return true;
}

static bool encrypt(EVP_CIPHER_CTX *ctx, const unsigned char *key, const char *name,
                    const void *value, size_t len, unsigned char *sealed) {
    unsigned char *text = sealed + SEAL_MORE;
    int n;
    return EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, sealed) == 1 &&
           EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)name, (int)strlen(name)) == 1 &&
           EVP_EncryptUpdate(ctx, text, &n, value, (int)len) == 1 &&
           EVP_EncryptFinal_ex(ctx, text + n, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, SEAL_TAG, sealed + SEAL_NONCE) == 1;
}

bool seal(const unsigned char key[static SEAL_KEY], const char *name, const void *value, size_t len,
          unsigned char *sealed, struct error *err) {
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    ids_random(sealed, SEAL_NONCE);
    bool ok = ctx && len < INT32_MAX && encrypt(ctx, key, name, value, len, sealed);
    EVP_CIPHER_CTX_free(ctx);
    return ok || error_set(err, ERR_INTERNAL, "the value cannot be encrypted");
}

static bool decrypt(EVP_CIPHER_CTX *ctx, const unsigned char *key, const char *name,
                    const unsigned char *sealed, size_t len, unsigned char *value) {
    unsigned char tag[SEAL_TAG];
    int n;
    memcpy(tag, sealed + SEAL_NONCE, SEAL_TAG); /* it asks for bytes that it might change */
    return EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, sealed) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)name, (int)strlen(name)) == 1 &&
           EVP_DecryptUpdate(ctx, value, &n, sealed + SEAL_MORE, (int)(len - SEAL_MORE)) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, SEAL_TAG, tag) == 1 &&
           EVP_DecryptFinal_ex(ctx, value + n, &n) == 1;
}

bool unseal(const unsigned char key[static SEAL_KEY], const char *name, const unsigned char *sealed,
            size_t len, unsigned char *value) {
    if (len < SEAL_MORE || len > INT32_MAX)
        return false;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx && decrypt(ctx, key, name, sealed, len, value);
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}
