/* SPDX-License-Identifier: Apache-2.0
 *
 * The signature of a webhook's body: base64(sha256(secret ‖ body)), standard alphabet, without
 * padding. Needs libcrypto, so it is linked only by those who have that.
 */
#ifndef E2B_COMMON_WEBHOOK_SIGN_H
#define E2B_COMMON_WEBHOOK_SIGN_H

#include "common/util.h"

enum { WEBHOOK_SIGNATURE = 44 };

bool webhook_sign(const char *secret, const void *body, size_t len,
                  char text[static WEBHOOK_SIGNATURE]);

#endif
