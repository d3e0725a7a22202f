/* SPDX-License-Identifier: Apache-2.0
 *
 * Times, states and JSON names as the official command line writes them.
 */
#include "cli/sandbox/view.h"

#include "common/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *view_time(const char *rfc3339, char text[static VIEW_TEXT]) {
    struct error ignored;
    struct tm local;
    int64_t ms;
    if (!clock_parse(rfc3339, &ms, &ignored))
        return rfc3339;
    time_t seconds = (time_t)(ms / 1000);
    if (!localtime_r(&seconds, &local) ||
        !strftime(text, VIEW_TEXT, "%-m/%-d/%Y, %-I:%M:%S %p", &local))
        return rfc3339;
    return text;
}

const char *view_state(const char *state, char text[static VIEW_TEXT]) {
    snprintf(text, VIEW_TEXT, "%s", state);
    text[0] = (char)toupper((unsigned char)text[0]);
    return text;
}

static json_t *view_iso(const json_t *value) {
    struct error ignored;
    char text[CLOCK_TEXT];
    int64_t ms;
    if (!json_is_string(value) || !clock_parse(json_string_value(value), &ms, &ignored))
        return json_incref((json_t *)(uintptr_t)value);
    return json_string(clock_format(ms, text));
}

json_t *view_json(const json_t *sandbox) {
    static const struct {
        const char *name, *source;
        json_t *(*convert)(const json_t *value);
        json_t *(*fallback)(void);
    } fields[] = {
        {"sandboxId", "sandboxID", NULL, NULL},
        {"templateId", "templateID", NULL, NULL},
        {"name", "alias", NULL, NULL},
        {"metadata", "metadata", NULL, json_object},
        {"startedAt", "startedAt", view_iso, NULL},
        {"endAt", "endAt", view_iso, NULL},
        {"state", "state", NULL, NULL},
        {"cpuCount", "cpuCount", NULL, NULL},
        {"memoryMB", "memoryMB", NULL, NULL},
        {"envdVersion", "envdVersion", NULL, NULL},
        {"volumeMounts", "volumeMounts", NULL, json_array},
    };
    json_t *json = json_object();
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        json_t *value = json_object_get(sandbox, fields[i].source);
        if (value && fields[i].convert)
            json_object_set_new(json, fields[i].name, fields[i].convert(value));
        else if (value)
            json_object_set(json, fields[i].name, value);
        else if (fields[i].fallback)
            json_object_set_new(json, fields[i].name, fields[i].fallback());
    }
    return json;
}
