/* SPDX-License-Identifier: Apache-2.0
 *
 * The query is made once and kept; pages differ only in limit and token.
 */
#include "cli/sandbox/listing.h"

#include "client/client.h"
#include "common/buf.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { MAX_QUERY = 256 << 10 };

void listing_free(struct listing *listing) {
    free(listing->query);
    free(listing->token);
    *listing = (struct listing){0};
}

static bool check_states(const char *states, struct error *err) {
    static const char *const known[] = {"running", "paused"};
    for (const char *at = states;; at++) {
        size_t len = strcspn(at, ","), i = 0;
        while (i < ARRAY_LEN(known) && (strlen(known[i]) != len || strncmp(known[i], at, len) != 0))
            i++;
        if (i == ARRAY_LEN(known)) {
            error_set(err, ERR_USAGE, "unknown state '%.*s'", (int)len, at);
            return error_hint(err, "write running, paused, or running,paused");
        }
        at += len;
        if (!*at)
            return true;
    }
}

static bool add_encoded(struct buf *query, const char *text, int times) {
    cleanup_free char *encoded = strdup(text);
    for (int i = 0; encoded && i < times; i++) {
        char *again = client_encode(encoded);
        free(encoded);
        encoded = again;
    }
    return encoded && buf_puts(query, encoded);
}

static char *trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    for (char *end = text + strlen(text); end > text && isspace((unsigned char)end[-1]);)
        *--end = '\0';
    return text;
}

/* Keys and values are encoded each, then as a form, then as the value of a query: three times,
 * which is how the service wants to decode them. */
static bool add_metadata(struct buf *query, const char *pairs, struct error *err) {
    cleanup_free char *copy = strdup(pairs);
    char *rest = copy, *pair;
    const char *between = "&metadata=";
    while (rest && (pair = strsep(&rest, ","))) {
        char *value = strchr(pair, '=');
        if (!value || value == pair) {
            error_set(err, ERR_USAGE, "invalid metadata '%s'", pair);
            return error_hint(err, "write it as KEY=VALUE,KEY2=VALUE2");
        }
        *value++ = '\0';
        if (!buf_puts(query, between) || !add_encoded(query, trim(pair), 3) ||
            !buf_puts(query, "%3D") || !add_encoded(query, trim(value), 3))
            return error_set(err, ERR_TOO_LARGE, "the metadata to look for is too long");
        between = "%26";
    }
    return true;
}

bool listing_start(const struct invocation *in, const char *extra, struct listing *listing,
                   struct error *err) {
    cleanup_buf struct buf query = BUF_INIT(MAX_QUERY);
    const char *states = option_string(in, "state");
    const char *metadata = option_string(in, "metadata");
    *listing = (struct listing){.more = true};
    if (!check_states(states, err) || (metadata && !add_metadata(&query, metadata, err)))
        return false;
    if (!buf_printf(&query, "&state=%s%s", states, extra ? extra : ""))
        return error_set(err, ERR_TOO_LARGE, "the question is too long");
    listing->query = buf_steal(&query);
    return true;
}

json_t *listing_next(struct client *client, struct listing *listing, int64_t limit,
                     struct error *err) {
    cleanup_buf struct buf path = BUF_INIT(MAX_QUERY + 4096);
    cleanup_response struct response response = {0};
    bool fits = buf_printf(&path, "/v2/sandboxes?%s&limit=%lld", listing->query + 1,
                           (long long)MIN(limit, (int64_t)LISTING_PAGE)) &&
                (!listing->token ||
                 (buf_puts(&path, "&nextToken=") && add_encoded(&path, listing->token, 1)));
    if (!fits) {
        error_set(err, ERR_TOO_LARGE, "the question is too long");
        return NULL;
    }
    if (!client_call(client, "GET", path.data, NULL, &response, err))
        return NULL;
    if (!json_is_array(response.json)) {
        error_set(err, ERR_INTERNAL, "the server's answer is no list of sandboxes");
        return NULL;
    }
    free(listing->token);
    listing->token = steal_ptr(&response.next_token);
    listing->more = listing->token;
    return steal_ptr(&response.json);
}
