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

/* From the next line on, two columns in. */
static void print_indented(FILE *out, const json_t *value) {
    cleanup_free char *text = json_dumps(value, JSON_INDENT(2));
    for (char *line = text, *end; line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        fputs("\n  ", out);
        output_safe(out, line, "");
    }
}

static void print_texts(FILE *out, const json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        fputs(i ? ", " : " ", out);
        output_safe(out, json_string_value(json_array_get(list, i)), "");
    }
}

static void print_scalar(FILE *out, const json_t *value, const struct field *field) {
    char room[FIELD_TEXT];
    const char *text = json_string_value(value);
    cleanup_free char *other = text ? NULL : json_dumps(value, JSON_ENCODE_ANY);
    if (text && field && field->show)
        text = field->show(text, room);
    fputc(' ', out);
    output_safe(out, text ? text : other ? other : "", "");
}

static void print(FILE *out, const char *label, const json_t *value, const struct field *field) {
    fprintf(out, "%s:", label);
    if (is_list_of_texts(value))
        print_texts(out, value);
    else if (json_object_size(value) || json_array_size(value))
        print_indented(out, value);
    else
        print_scalar(out, value, field);
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
