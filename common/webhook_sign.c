/* SPDX-License-Identifier: Apache-2.0
 *
 * See webhook_sign.h.
 */
#include "common/webhook_sign.h"

#include "common/base64.h"

#include <openssl/evp.h>
#include <string.h>

enum { HASH = 32, PADDED = 45 };

bool webhook_sign(const char *secret, const void *body, size_t len,
                  char text[static WEBHOOK_SIGNATURE]) {
    unsigned char hash[HASH];
    char padded[PADDED];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(md, secret, strlen(secret)) == 1 &&
              EVP_DigestUpdate(md, body, len) == 1 && EVP_DigestFinal_ex(md, hash, NULL) == 1;
    EVP_MD_CTX_free(md);
    if (!ok)
        return false;
    base64_encode(hash, HASH, padded);
    memcpy(text, padded, WEBHOOK_SIGNATURE - 1); /* 32 bytes make 43 characters and one '=' */
    text[WEBHOOK_SIGNATURE - 1] = '\0';
    return true;
}
