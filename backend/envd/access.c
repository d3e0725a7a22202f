/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/envd.h"

bool envd_authorize(const struct sandbox *sandbox, struct exchange *x) {
    static const char body[] =
        "{\"code\":401,\"message\":\"unauthorized access, please provide a valid access token or "
        "method signing if supported\"}";
    if (!sandbox->secure)
        return true;
    const char *token = exchange_header(x, "X-Access-Token");
    if (token && ids_equal_secret(token, sandbox->access_token))
        return true;
    exchange_reply(x, 401, "application/json; charset=utf-8", body, sizeof(body) - 1);
    return false;
}
