/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id, int64_t per_second) {
    struct timespec now;
    clock_gettime(id, &now);
    return now.tv_sec * per_second + now.tv_nsec / (1000000000 / per_second);
}

int64_t clock_now_ms(void) {
    return read_clock(CLOCK_REALTIME, 1000);
}

int64_t clock_mono_ms(void) {
    return read_clock(CLOCK_MONOTONIC, 1000);
}

int64_t clock_boot_ms(void) {
    return read_clock(CLOCK_BOOTTIME, 1000);
}

int64_t clock_mono_us(void) {
    return read_clock(CLOCK_MONOTONIC, 1000000);
}

const char *clock_format(int64_t unix_ms, char text[static CLOCK_TEXT]) {
    time_t seconds = unix_ms / 1000;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, CLOCK_TEXT - n, ".%03uZ", (unsigned)(unix_ms % 1000));
    return text;
}

/* Exactly `digits` decimal digits. */
static bool take_number(const char **at, int digits, int *number) {
    *number = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *number = *number * 10 + (**at - '0');
    }
    return true;
}

static bool take_char(const char **at, const char *any_of) {
    if (!**at || !strchr(any_of, **at))
        return false;
    (*at)++;
    return true;
}

static bool take_date(const char **at, struct tm *tm) {
    bool ok = take_number(at, 4, &tm->tm_year) && take_char(at, "-") &&
              take_number(at, 2, &tm->tm_mon) && take_char(at, "-") &&
              take_number(at, 2, &tm->tm_mday);
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    return ok && tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31;
}

static bool take_fraction(const char **at, int *millis) {
    int scale = 100;
    *millis = 0;
    if (!take_char(at, "."))
        return true;
    if (**at < '0' || **at > '9')
        return false;
    for (; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
        *millis += (**at - '0') * scale;
    return true;
}

static bool take_offset(const char **at, int *minutes) {
    *minutes = 0;
    if (take_char(at, "Zz"))
        return true;
    bool east = **at == '+';
    int hour, minute;
    if (!take_char(at, "+-") || !take_number(at, 2, &hour) || !take_char(at, ":") ||
        !take_number(at, 2, &minute))
        return false;
    *minutes = (hour * 60 + minute) * (east ? 1 : -1);
    return true;
}

static bool take_time(const char **at, struct tm *tm, int *millis, int *offset) {
    return take_number(at, 2, &tm->tm_hour) && take_char(at, ":") &&
           take_number(at, 2, &tm->tm_min) && take_char(at, ":") &&
           take_number(at, 2, &tm->tm_sec) && tm->tm_hour < 24 && tm->tm_min < 60 &&
           tm->tm_sec <= 60 && take_fraction(at, millis) && take_offset(at, offset);
}

bool clock_parse(const char *text, int64_t *unix_ms, struct error *err) {
    struct tm tm = {0};
    int millis = 0, offset = 0;
    const char *at = text;
    bool ok = take_date(&at, &tm);
    if (ok && *at)
        ok = take_char(&at, "Tt ") && take_time(&at, &tm, &millis, &offset);
    if (!ok || *at) {
        error_set(err, ERR_INVALID, "not a date or time: '%s'", text);
        return error_hint(err, "write it as 2026-01-02T03:04:05Z or 2026-01-02");
    }
    *unix_ms = ((int64_t)timegm(&tm) - offset * 60) * 1000 + millis;
    return true;
}

static int64_t unit_seconds(char unit) {
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

bool clock_parse_duration(const char *text, int64_t *seconds, struct error *err) {
    const int64_t most = (int64_t)100 * 365 * 86400;
    int64_t total = 0;
    const char *at = text;
    bool ok = *at != '\0';
    while (ok && *at) {
        int64_t number = 0;
        const char *digits = at;
        for (; *at >= '0' && *at <= '9' && number <= most; at++)
            number = number * 10 + (*at - '0');
        int64_t unit = *at ? unit_seconds(*at) : digits == text;
        ok = at != digits && unit && number <= most && total <= most - number * unit;
        total += ok ? number * unit : 0;
        at += ok && *at;
    }
    if (!ok) {
        error_set(err, ERR_INVALID, "not a duration: '%s'", text);
        return error_hint(err, "write it as 90, 90s, 15m, 1h30m or 2d");
    }
    *seconds = total;
    return true;
}
