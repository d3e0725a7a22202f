/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/upload_metadata.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char prefix[] = "X-Metadata-";
enum { PREFIX = sizeof(prefix) - 1, ATTRIBUTE = sizeof("user.e2b.") - 1 };

static bool is_known(const struct upload_metadata *m, const char *key) {
    for (size_t i = 0; i < m->count; i += 2)
        if (strcmp(m->pairs[i], key) == 0)
            return true;
    return false;
}

static bool check(struct slice key, struct slice value, size_t total, struct error *err) {
    if (!key.len)
        return error_set(err, ERR_INVALID, "invalid metadata: empty key");
    if (key.len > METADATA_MAX_KEY)
        return error_set(err, ERR_INVALID, "invalid metadata: key is longer than %d bytes",
                         METADATA_MAX_KEY);
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < ' ' || value.at[i] > '~')
            return error_set(err, ERR_INVALID,
                             "invalid metadata: value of '%.*s' is not printable ASCII",
                             (int)key.len, key.at);
    if (total > METADATA_MAX_TOTAL)
        return error_set(err, ERR_INVALID, "invalid metadata: more than %d bytes in total",
                         METADATA_MAX_TOTAL);
    return true;
}

static char *put(char *to, struct slice from) {
    memcpy(to, from.at, from.len);
    to[from.len] = '\0';
    return to + from.len + 1;
}

bool upload_metadata_read(const struct http1_head *head, struct upload_metadata *m,
                          struct error *err) {
    size_t total = 0;
    char *to = m->text;
    m->count = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http1_header *h = &head->headers[i];
        if (h->name.len < PREFIX || strncasecmp(h->name.at, prefix, PREFIX) != 0)
            continue;
        struct slice key = {h->name.at + PREFIX, h->name.len - PREFIX};
        total += ATTRIBUTE + key.len + h->value.len;
        if (!check(key, h->value, total, err))
            return false;
        char *name = to, *value = put(to, key);
        for (char *c = name; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        if (is_known(m, name))
            continue; /* the first one counts */
        to = put(value, h->value);
        m->pairs[m->count++] = name;
        m->pairs[m->count++] = value;
    }
    return true;
}
