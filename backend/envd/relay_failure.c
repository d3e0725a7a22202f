/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said when a port cannot be reached: JSON, by which every client knows the case, or a page
 * for a person who has typed the address into a browser.
 */
#include "backend/envd/relay.h"

#include <stdio.h>
#include <string.h>

static bool header_has(struct exchange *x, const char *name, const char *text) {
    const char *value = exchange_header(x, name);
    return value && strstr(value, text);
}

/* A script in a page, which wants JSON, says "cors" or "same-origin" where a browser sends the mode
 * at all. */
static bool is_navigation(struct exchange *x) {
    if (!header_has(x, "User-Agent", "Mozilla/") || !header_has(x, "Accept", "text/html"))
        return false;
    return !exchange_header(x, "Sec-Fetch-Mode") || header_has(x, "Sec-Fetch-Mode", "navigate");
}

static void reply_page(struct exchange *x, const struct relay_target *target, const char *message) {
    char page[1024], port[32] = "";
    if (target->port)
        snprintf(port, sizeof(port), ", port %u", target->port);
    int len = snprintf(page, sizeof(page),
                       "<!doctype html><meta charset=utf-8><title>%s</title>"
                       "<body style='font:1rem/1.5 system-ui;margin:4rem auto;max-width:36rem'>"
                       "<h1 style='font-size:1.2rem'>%s</h1><p>Sandbox <code>%s</code>%s</p>\n",
                       message, message, target->sandbox_id, port);
    exchange_reply(x, 502, "text/html; charset=utf-8", page,
                   MIN((size_t)MAX(len, 0), sizeof(page) - 1));
}

void relay_reply_failure(struct exchange *x, const struct relay_target *target,
                         const char *message) {
    if (is_navigation(x)) {
        reply_page(x, target, message);
        return;
    }
    json_t *body = json_pack("{s:s, s:s}", "sandboxId", target->sandbox_id, "message", message);
    if (body && target->port)
        json_object_set_new(body, "port", json_integer(target->port));
    if (body)
        json_object_set_new(body, "code", json_integer(502));
    exchange_reply_json(x, 502, body);
}
