/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines "key = value" before the first [table]: strings in either quotes, on one line, and numbers.
 */
#include "cli/template/settings.h"

#include "common/buf.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *key;
    bool is_number;
    size_t offset;
    int64_t min;
} keys[] = {
    {"template_name", false, offsetof(struct settings, name), 0},
    {"name", false, offsetof(struct settings, name), 0},
    {"dockerfile", false, offsetof(struct settings, dockerfile), 0},
    {"start_cmd", false, offsetof(struct settings, start_command), 0},
    {"ready_cmd", false, offsetof(struct settings, ready_command), 0},
    {"cpu_count", true, offsetof(struct settings, cpus), 1},
    {"memory_mb", true, offsetof(struct settings, memory_mb), 128},
};

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \t\r");
}

/* What may stand behind a value. */
static bool ends(const char *at) {
    at = skip_blanks(at);
    return !*at || *at == '#';
}

static char unescape(char letter) {
    static const char letters[] = "btnfr\"\\", values[] = "\b\t\n\f\r\"\\";
    const char *at = letter ? strchr(letters, letter) : NULL;
    return at ? values[at - letters] : '\0';
}

static char *read_string(const char *at) {
    cleanup_buf struct buf text = BUF_INIT(1 << 16);
    char quote = *at++;
    for (; *at && *at != quote; at++) {
        char letter = *at;
        if (quote == '"' && letter == '\\' && !(letter = unescape(*++at)))
            return NULL;
        if (!buf_add(&text, &letter, 1))
            return NULL;
    }
    return *at == quote && ends(at + 1) ? buf_steal(&text) : NULL;
}

static bool take_string(char **slot, const char *value, const char *key, struct error *err) {
    char *text = *value == '"' || *value == '\'' ? read_string(value) : NULL;
    if (!text)
        return error_set(err, ERR_INVALID, "%s must be a string in quotes", key);
    free(*slot);
    *slot = text;
    return true;
}

static bool take_number(int64_t *slot, const char *value, const char *key, int64_t min,
                        struct error *err) {
    char *end;
    errno = 0;
    *slot = strtoll(value, &end, 10);
    return (end != value && !errno && ends(end) && *slot >= min) ||
           error_set(err, ERR_INVALID, "%s must be a whole number of at least %lld", key,
                     (long long)min);
}

static bool take_line(struct settings *settings, const char *line, struct error *err) {
    size_t len = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    const char *sign = skip_blanks(line + len);
    if (!len || *sign != '=')
        return error_set(err, ERR_INVALID, "key = value is expected here");
    const char *value = skip_blanks(sign + 1);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (strlen(keys[i].key) != len || strncmp(keys[i].key, line, len) != 0)
            continue;
        void *slot = (char *)settings + keys[i].offset;
        return keys[i].is_number ? take_number(slot, value, keys[i].key, keys[i].min, err)
                                 : take_string(slot, value, keys[i].key, err);
    }
    return true;
}

bool settings_parse(struct settings *settings, const char *file, const char *text, size_t len,
                    struct error *err) {
    *settings = (struct settings){0};
    cleanup_free char *copy = strndup(text, len);
    char *at = copy;
    for (size_t number = 1; at; number++) {
        const char *line = skip_blanks(strsep(&at, "\n"));
        if (*line == '[')
            break;
        if (!*line || *line == '#' || take_line(settings, line, err))
            continue;
        settings_free(settings);
        return error_wrap(err, "%s:%zu", file, number);
    }
    return true;
}

void settings_free(struct settings *settings) {
    free(settings->name);
    free(settings->dockerfile);
    free(settings->start_command);
    free(settings->ready_command);
    *settings = (struct settings){0};
}
