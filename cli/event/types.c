/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/event/types.h"

#include <stdio.h>
#include <string.h>

const char *const event_types[] = {"created", "updated",      "paused", "resumed",
                                   "killed",  "checkpointed", NULL};

static bool unknown(const char *word, struct error *err) {
    error_set(err, ERR_USAGE, "there is no type of event '%s'", word);
    return error_hint(err, "the types are created, updated, paused, resumed, killed, checkpointed");
}

bool event_type_full(const char *word, char full[static EVENT_TYPE], struct error *err) {
    bool known = strchr(word, '.') != NULL;
    for (const char *const *at = event_types; *at && !known; at++)
        known = strcmp(*at, word) == 0;
    int len =
        snprintf(full, EVENT_TYPE, "%s%s", strchr(word, '.') ? "" : "sandbox.lifecycle.", word);
    return (known && len < EVENT_TYPE) || unknown(word, err);
}

json_t *event_types_given(const struct invocation *in, const char *option, struct error *err) {
    const char *const *values;
    size_t count = option_list(in, option, &values);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        cleanup_free char *copy = strdup(values[i]);
        char *rest = copy, *word, full[EVENT_TYPE];
        while (rest && (word = strsep(&rest, ","))) {
            if (!event_type_full(word, full, err)) {
                json_decref(list);
                return NULL;
            }
            json_array_append_new(list, json_string(full));
        }
    }
    return list;
}
