/* SPDX-License-Identifier: Apache-2.0
 *
 * See inspect.h. Depth is bounded by the parser that the value came from.
 */
#include "cli/sandbox/inspect.h"

#include "cli/output.h"

#include <ctype.h>
#include <string.h>

static void put_coloured(FILE *out, enum style style, const char *text) {
    fprintf(out, "%s%s%s", output_style(out, style), text, output_style(out, STYLE_END));
}

/* The quote that need not be escaped, if there is one. */
static char choose_quote(const char *text) {
    if (!strchr(text, '\''))
        return '\'';
    if (!strchr(text, '"'))
        return '"';
    return strchr(text, '`') ? '\'' : '`';
}

static void put_escaped(FILE *out, const char *text, char quote) {
    static const char *const short_names = "\bb\tt\nn\ff\rr\\\\";
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        const char *name = short_names;
        while (*name && (unsigned char)*name != *at)
            name += 2;
        if (*name)
            fprintf(out, "\\%c", name[1]);
        else if (*at == (unsigned char)quote)
            fprintf(out, "\\%c", quote);
        else if (*at < 32 || *at == 127)
            fprintf(out, "\\x%02X", *at);
        else
            fputc(*at, out);
    }
}

static void put_string(FILE *out, const char *text) {
    char quote = choose_quote(text);
    fprintf(out, "%s%c", output_style(out, STYLE_GREEN), quote);
    put_escaped(out, text, quote);
    fprintf(out, "%c%s", quote, output_style(out, STYLE_END));
}

static void put_key(FILE *out, const char *key) {
    bool is_name = isalpha((unsigned char)*key) || *key == '_' || *key == '$';
    for (const char *at = key; is_name && *at; at++)
        is_name = isalnum((unsigned char)*at) || *at == '_' || *at == '$';
    if (is_name)
        fputs(key, out);
    else
        put_string(out, key);
}

static void put_object(FILE *out, const json_t *object) {
    const char *key, *before = "{ ";
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        fputs(before, out);
        put_key(out, key);
        fputs(": ", out);
        inspect_print(out, value);
        before = ", ";
    }
    fputs(json_object_size(object) ? " }" : "{}", out);
}

static void put_array(FILE *out, const json_t *array) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        fputs(i ? ", " : "[ ", out);
        inspect_print(out, json_array_get(array, i));
    }
    fputs(json_array_size(array) ? " ]" : "[]", out);
}

void inspect_print(FILE *out, const json_t *value) {
    char number[32];
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(out, value);
        break;
    case JSON_ARRAY:
        put_array(out, value);
        break;
    case JSON_STRING:
        put_string(out, json_string_value(value));
        break;
    case JSON_INTEGER:
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        put_coloured(out, STYLE_YELLOW, number);
        break;
    case JSON_REAL:
        snprintf(number, sizeof(number), "%.15g", json_real_value(value));
        put_coloured(out, STYLE_YELLOW, number);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        put_coloured(out, STYLE_YELLOW, json_is_true(value) ? "true" : "false");
        break;
    case JSON_NULL:
        put_coloured(out, STYLE_BOLD, "null");
        break;
    }
}
