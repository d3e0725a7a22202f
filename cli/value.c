/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsers by type, as a table.
 */
#include "cli/value.h"

#include "common/buf.h"
#include "common/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static bool refuse(struct error *err, const char *accepted) {
    error_set(err, ERR_USAGE, "invalid value");
    return error_hint(err, "%s", accepted);
}

static bool in_range(const struct option_spec *spec, int64_t number, struct error *err) {
    if ((!spec->min && !spec->max) || (number >= spec->min && number <= spec->max))
        return true;
    refuse(err, "");
    if (spec->max == INT64_MAX)
        return error_hint(err, "it must be at least %" PRId64, spec->min);
    return error_hint(err, "it must be between %" PRId64 " and %" PRId64, spec->min, spec->max);
}

/* strtoll without its leniency: no white space, no empty text. */
static bool read_number(const char *text, const char **end, int64_t *number) {
    const char *digits = text + (*text == '-');
    char *stop;
    if (*digits < '0' || *digits > '9')
        return false;
    errno = 0;
    *number = strtoll(text, &stop, 10);
    *end = stop;
    return errno == 0;
}

static bool parse_integer(const struct option_spec *spec, const char *text, int64_t *number,
                          struct error *err) {
    const char *end;
    if (!read_number(text, &end, number) || *end)
        return refuse(err, "it must be a whole number");
    return in_range(spec, *number, err);
}

static bool parse_duration(const struct option_spec *spec, const char *text, int64_t *number,
                           struct error *err) {
    return clock_parse_duration(text, number, err) && in_range(spec, *number, err);
}

static bool parse_size(const struct option_spec *spec, const char *text, int64_t *number,
                       struct error *err) {
    static const char units[] = "kmgt";
    const char *end;
    if (!read_number(text, &end, number) || *number < 0)
        return refuse(err, "write it as 512, 64k, 10m or 2g");
    if (*end) {
        const char *unit = strchr(units, *end | 0x20);
        int shift = unit ? 10 * (int)(unit - units + 1) : 0;
        if (!shift || end[1] || *number > INT64_MAX >> shift)
            return refuse(err, "write it as 512, 64k, 10m or 2g");
        *number <<= shift;
    }
    return in_range(spec, *number, err);
}

static bool parse_pair(const struct option_spec *spec, const char *text, int64_t *number,
                       struct error *err) {
    (void)spec;
    (void)number;
    return (strchr(text, '=') && *text != '=') || refuse(err, "write it as KEY=VALUE");
}

static bool parse_choice(const struct option_spec *spec, const char *text, int64_t *number,
                         struct error *err) {
    cleanup_buf struct buf all = BUF_INIT(256);
    bool ok = true;
    for (size_t i = 0; spec->choices[i]; i++) {
        *number = (int64_t)i;
        if (strcmp(spec->choices[i], text) == 0)
            return true;
        ok = ok && buf_printf(&all, "%s%s", i ? ", " : "", spec->choices[i]);
    }
    refuse(err, "");
    return error_hint(err, "allowed choices are %s", all.data);
}

static bool parse_text(const struct option_spec *spec, const char *text, int64_t *number,
                       struct error *err) {
    (void)spec;
    (void)number;
    (void)text;
    (void)err;
    return true;
}

typedef bool parser(const struct option_spec *, const char *, int64_t *, struct error *);

static parser *const parsers[] = {
    [OPTION_BOOL] = parse_text,       [OPTION_STRING] = parse_text,
    [OPTION_INTEGER] = parse_integer, [OPTION_DURATION] = parse_duration,
    [OPTION_SIZE] = parse_size,       [OPTION_PAIR] = parse_pair,
    [OPTION_LIST] = parse_text,       [OPTION_CHOICE] = parse_choice,
    [OPTION_PATH] = parse_text,
};

bool value_parse(const struct option_spec *spec, const char *text, int64_t *number,
                 struct error *err) {
    return parsers[spec->type](spec, text, number, err);
}
