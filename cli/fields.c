/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fields.h"

#include "cli/output.h"

#include <string.h>

static bool is_list_of_texts(const json_t *value) {
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!json_is_string(json_array_get(value, i)))
            return false;
    return json_array_size(value);
}

static void print(FILE *out, const char *label, const json_t *value, const struct field *field) {
    char room[FIELD_TEXT];
    fprintf(out, "%s: ", label);
    if (is_list_of_texts(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            fputs(i ? ", " : "", out);
            output_safe(out, json_string_value(json_array_get(value, i)), "");
        }
        fputc('\n', out);
        return;
    }
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        output_safe(out, field && field->show ? field->show(text, room) : text, "");
    } else {
        cleanup_free char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
        output_safe(out, text ? text : "", "\n");
    }
    fputc('\n', out);
}

bool fields_know(const struct field *fields, const char *key) {
    for (; fields->key; fields++)
        if (strcmp(fields->key, key) == 0)
            return true;
    return false;
}

void fields_print(FILE *out, const json_t *object, const struct field *fields) {
    const char *key;
    json_t *value;
    for (const struct field *field = fields; field->key; field++) {
        value = json_object_get(object, field->key);
        if (field->label && value && !json_is_null(value))
            print(out, field->label, value, field);
    }
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (!fields_know(fields, key) && !json_is_null(value))
            print(out, key, value, NULL);
    }
}
