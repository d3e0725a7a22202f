/* SPDX-License-Identifier: Apache-2.0
 *
 * Standard output and its manners.
 */
#include "cli/output.h"

#include "cli/command.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

const char *const output_formats[] = {"pretty", "json", NULL};

bool output_wants_json(const struct invocation *in) {
    const char *format = option_string(in, "format");
    return format && strcmp(format, "json") == 0;
}

void output_json(FILE *out, const json_t *value) {
    json_dumpf(value, out, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    fputc('\n', out);
}

void output_safe(FILE *out, const char *text, const char *keep) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        bool control = *at < 32 || *at == 127;
        fputc(control && !strchr(keep, *at) ? '?' : *at, out);
    }
}

const char *output_size(int64_t bytes, char text[static OUTPUT_SIZE]) {
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double size = (double)bytes / 1e3;
    size_t unit = 0;
    for (; size >= 999.5 && unit + 1 < ARRAY_LEN(units); unit++)
        size /= 1e3;
    if (bytes < 1000)
        snprintf(text, OUTPUT_SIZE, "%d B", (int)bytes);
    else
        snprintf(text, OUTPUT_SIZE, size < 9.95 ? "%.1f %s" : "%.0f %s", size, units[unit]);
    return text;
}

static bool wants_colour(FILE *out) {
    const char *forced = getenv("FORCE_COLOR");
    const char *refused = getenv("NO_COLOR");
    if (refused && *refused)
        return false;
    if (forced && *forced)
        return strcmp(forced, "0") != 0 && strcmp(forced, "false") != 0;
    return isatty(fileno(out));
}

const char *output_style(FILE *out, enum style style) {
    static const char *const sequences[] = {
        [STYLE_END] = "\033[0m",    [STYLE_BOLD] = "\033[1m",    [STYLE_RED] = "\033[31m",
        [STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m",
    };
    return wants_colour(out) ? sequences[style] : "";
}

/* A write failed before, and nobody kept the reason. */
static int why_it_failed(void) {
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) > 0 && (out.revents & POLLERR) ? EPIPE : EIO;
}

bool output_finish(bool *hung_up, struct error *err) {
    errno = 0;
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    int saved = failed && !errno ? why_it_failed() : errno;
    *hung_up = failed && saved == EPIPE;
    return !failed || error_errno(err, saved, "cannot write to standard output");
}
