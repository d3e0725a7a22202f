/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template/buildlog.h"

#include "cli/output.h"
#include "cli/terminal.h"
#include "common/clock.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TEXT_MAX = 1024, PROGRESS_EVERY_MS = 200 };

const char *const buildlog_kinds[] = {"plain", "json", NULL};

void buildlog_start(struct buildlog *log, const struct invocation *in) {
    *log = (struct buildlog){
        .as_json = strcmp(option_string(in, "progress"), "json") == 0,
        .started_ms = clock_mono_ms(),
    };
}

/* ---- lines ------------------------------------------------------------------------------------
 */

/* Terminals would obey what a build printed. */
static void strip_escapes(const char *text, char *out, size_t size) {
    size_t used = 0;
    while (*text && used + 1 < size) {
        if (text[0] == '\x1b' && text[1] == '[') {
            text += 2 + strspn(text + 2, "0123456789;?");
            text += *text != '\0';
        } else {
            out[used++] = *text++;
        }
    }
    out[used] = '\0';
}

static void print_line(struct buildlog *log, int64_t at_ms, const char *level,
                       const char *message) {
    char time_text[32] = "", upper[8] = "", clean[16 << 10];
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm local;
    if (localtime_r(&seconds, &local))
        strftime(time_text, sizeof(time_text), "%I:%M:%S %p", &local);
    for (size_t i = 0; level[i] && i + 1 < sizeof(upper); i++)
        upper[i] = (char)toupper((unsigned char)level[i]);
    strip_escapes(message, clean, sizeof(clean));
    int64_t tenths = (clock_mono_ms() - log->started_ms) / 100;
    char elapsed[32];
    snprintf(elapsed, sizeof(elapsed), "%lld.%llds", (long long)tenths / 10,
             (long long)tenths % 10);
    buildlog_clear(log);
    printf("%-5s | %s ", elapsed, time_text);
    bool is_bad = strcmp(upper, "ERROR") == 0 || strcmp(upper, "WARN") == 0;
    printf("%s%-5s%s ", is_bad ? output_style(stdout, STYLE_YELLOW) : "", upper,
           is_bad ? output_style(stdout, STYLE_END) : "");
    output_safe(stdout, clean, "\t\n");
    putchar('\n');
    fflush(stdout);
}

void buildlog_event(struct buildlog *log, json_t *event) {
    if (log->as_json && event) {
        json_dumpf(event, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
    }
    json_decref(event);
}

void buildlog_say(struct buildlog *log, const char *format, ...) {
    char message[TEXT_MAX], iso[CLOCK_TEXT];
    int64_t now = clock_now_ms();
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (log->as_json)
        buildlog_event(log, json_pack("{s:s, s:s, s:s, s:s}", "type", "log", "timestamp",
                                      clock_format(now, iso), "level", "info", "message", message));
    else
        print_line(log, now, "info", message);
}

void buildlog_entry(struct buildlog *log, const json_t *entry) {
    const char *stamp = json_string_value(json_object_get(entry, "timestamp"));
    const char *level = json_string_value(json_object_get(entry, "level"));
    const char *message = json_string_value(json_object_get(entry, "message"));
    int64_t at_ms = clock_now_ms();
    struct error ignored = ERROR_INIT;
    if (log->as_json) {
        json_t *event = json_pack("{s:s}", "type", "log");
        json_object_update(event, (json_t *)(uintptr_t)entry);
        buildlog_event(log, event);
        return;
    }
    if (level && strcmp(level, "debug") == 0)
        return;
    if (stamp)
        clock_parse(stamp, &at_ms, &ignored);
    print_line(log, at_ms, level ? level : "info", message ? message : "");
}

void buildlog_text(struct buildlog *log, const char *format, ...) {
    va_list args;
    if (log->as_json)
        return;
    buildlog_clear(log);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    fflush(stdout);
}

/* ---- the line of progress ---------------------------------------------------------------------
 */

void buildlog_progress(struct buildlog *log, const char *what, uint64_t done, uint64_t total,
                       int64_t since_ms) {
    char line[TEXT_MAX], a[OUTPUT_SIZE], b[OUTPUT_SIZE], c[OUTPUT_SIZE], left[32] = "";
    int64_t now = clock_mono_ms(), took = MAX(now - since_ms, (int64_t)1);
    struct terminal_size size;
    if (log->as_json || now - log->shown_ms < PROGRESS_EVERY_MS ||
        !terminal_size(STDERR_FILENO, &size))
        return;
    uint64_t rate = done * 1000 / (uint64_t)took;
    if (rate && total > done)
        snprintf(left, sizeof(left), ", %llu s left", (unsigned long long)((total - done) / rate));
    int len =
        snprintf(line, sizeof(line), "%s: %s of %s, %s/s%s", what, output_size((int64_t)done, a),
                 output_size((int64_t)total, b), output_size((int64_t)rate, c), left);
    fputs("\r\x1b[K", stderr);
    fprintf(stderr, "%.*s", (int)MIN(len, (int)size.columns - 1), line);
    fflush(stderr);
    log->shown = (size_t)len;
    log->shown_ms = now;
}

void buildlog_clear(struct buildlog *log) {
    if (log->shown)
        fputs("\r\x1b[K", stderr);
    log->shown = 0;
}
