/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes made unreadable for whoever has the state file and not the key file beside it: AES-256-GCM
 * with a random nonce, bound to a name so that one value cannot be put in the place of another.
 */
#ifndef E2B_CORE_SEAL_H
#define E2B_CORE_SEAL_H

#include "common/error.h"

enum {
    SEAL_KEY = 32,
    SEAL_NONCE = 12,
    SEAL_TAG = 16,
    SEAL_MORE = SEAL_NONCE + SEAL_TAG, /* a sealed value is that much longer */
};

/* Reads the key file, or makes one (0600) if there is none and `may_make`. */
bool seal_key_load(const char *path, bool may_make, unsigned char key[static SEAL_KEY],
                   struct error *err);
/* `sealed` has room for len + SEAL_MORE bytes. */
bool seal(const unsigned char key[static SEAL_KEY], const char *name, const void *value, size_t len,
          unsigned char *sealed, struct error *err);
/* `value` has room for len - SEAL_MORE bytes. False when it was not sealed so. */
bool unseal(const unsigned char key[static SEAL_KEY], const char *name, const unsigned char *sealed,
            size_t len, unsigned char *value);

#endif
