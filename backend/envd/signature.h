/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may use /files: the access token in a header, or a pre-signed URL, whose signature is made of
 * the path, the operation, the user and the token, so that it names the sandbox as well.
 */
#ifndef E2B_ENVD_SIGNATURE_H
#define E2B_ENVD_SIGNATURE_H

#include "backend/core/sandbox.h"
#include "backend/http/server.h"

/* ERR_UNAUTHENTICATED with the contract's text. `operation` is "read" or "write". */
bool signature_check(const struct sandbox *sandbox, struct exchange *x, const char *operation,
                     struct error *err);
/* For URLs of /files that say nothing else of whom they mean: the running sandbox whose token
 * validates the signature, expired or not; without a signature the only sandbox there is. NULL if
 * it cannot be told. */
struct sandbox *signature_find(struct core *core, struct exchange *x);

enum { SIGNATURE_TEXT = 3 + 44 + 1 }; /* "v1_" and base64 of 32 bytes */
struct signature_input {
    const char *path, *operation, *user; /* user "" if it is not given */
    const char *token;
    const char *expiration; /* decimal, NULL: none */
};
void signature_make(const struct signature_input *input, char text[static SIGNATURE_TEXT]);

#endif
