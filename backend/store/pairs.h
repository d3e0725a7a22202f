/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of key and value strings (metadata, environment): kept in the order given, stored as a
 * JSON object.
 */
#ifndef E2B_STORE_PAIRS_H
#define E2B_STORE_PAIRS_H

#include "common/json.h"

/* key, value, key, value, ...; owned by whoever holds it. */
struct pairs {
    char **at;
    size_t count; /* of pairs */
};

void pairs_free(struct pairs *pairs);
bool pairs_copy(struct pairs *to, const struct pairs *from);
/* Both free `to` on failure. */
bool pairs_put(struct pairs *to, const char *key, const char *value);
bool pairs_append(struct pairs *to, const struct pairs *from);
const char *pairs_get(const struct pairs *pairs, const char *key); /* NULL if absent */
/* From an object whose values are strings (NULL: no pairs), and back. */
bool pairs_from_json(struct pairs *to, const json_t *object);
json_t *pairs_to_json(const struct pairs *pairs);

#endif
