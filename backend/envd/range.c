/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/range.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

const char *http_date_format(int64_t unix_seconds, char text[static HTTP_DATE]) {
    struct tm tm;
    time_t time = unix_seconds;
    if (!gmtime_r(&time, &tm) || tm.tm_year < 0 || tm.tm_year > 9999 - 1900)
        return NULL;
    char year[16];
    snprintf(year, sizeof(year), "%04d", tm.tm_year + 1900);
    snprintf(text, HTTP_DATE, "%.3s, %02u %.3s %.4s %02u:%02u:%02u GMT", days[tm.tm_wday],
             (unsigned)tm.tm_mday % 100, months[tm.tm_mon], year, (unsigned)tm.tm_hour % 100,
             (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
    return text;
}

static int month_of(const char name[4]) {
    for (int i = 0; i < 12; i++)
        if (strncmp(name, months[i], 3) == 0)
            return i;
    return -1;
}

bool http_date_parse(struct slice text, int64_t *unix_seconds) {
    char copy[64], month[4];
    struct tm tm = {0};
    int used = 0, year = 0;
    if (text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (sscanf(copy, "%*3[A-Za-z], %2d %3s %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &year,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) == 6 &&
        used)
        tm.tm_year = year - 1900;
    else if (sscanf(copy, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &tm.tm_mday, month,
                    &year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) == 6 &&
             used)
        tm.tm_year = year < 70 ? year + 100 : year;
    else if (sscanf(copy, "%*3[A-Za-z] %3s %2d %2d:%2d:%2d %4d%n", month, &tm.tm_mday, &tm.tm_hour,
                    &tm.tm_min, &tm.tm_sec, &year, &used) == 6 &&
             used)
        tm.tm_year = year - 1900;
    else
        return false;
    tm.tm_mon = month_of(month);
    if (tm.tm_mon < 0 || (size_t)used != text.len)
        return false;
    *unix_seconds = timegm(&tm);
    return true;
}

struct file_range range_parse(struct slice value, int64_t size) {
    static const char unit[] = "bytes=";
    const struct file_range all = {200, 0, size}, bad = {416, 0, 0};
    uint64_t first = 0, last = 0;
    if (value.len < sizeof(unit) - 1 || memcmp(value.at, unit, sizeof(unit) - 1) != 0)
        return bad;
    value = slice_trim((struct slice){value.at + sizeof(unit) - 1, value.len - (sizeof(unit) - 1)});
    if (memchr(value.at, ',', value.len))
        return all;
    const char *dash = memchr(value.at, '-', value.len);
    if (!dash)
        return bad;
    struct slice from = slice_trim((struct slice){value.at, (size_t)(dash - value.at)});
    struct slice to =
        slice_trim((struct slice){dash + 1, value.len - (size_t)(dash - value.at) - 1});
    if ((from.len && !slice_number(from, &first)) || (to.len && !slice_number(to, &last)) ||
        (!from.len && !to.len))
        return bad;
    if (!size)
        return all; /* nothing to choose from */
    if (!from.len) {
        int64_t len = last > (uint64_t)size ? size : (int64_t)last;
        return len ? (struct file_range){206, size - len, len} : bad;
    }
    if (first >= (uint64_t)size || (to.len && last < first))
        return bad;
    int64_t end = to.len && last < (uint64_t)size ? (int64_t)last + 1 : size;
    return (struct file_range){206, (int64_t)first, end - (int64_t)first};
}

bool range_is_asked(const struct http1_head *head) {
    static const char *const names[] = {"Range",         "If-Range", "If-Modified-Since",
                                        "If-None-Match", "If-Match", "If-Unmodified-Since"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (http1_find(head, names[i]))
            return true;
    return false;
}

static bool date_of(const struct slice *header, int64_t *time) {
    return header && http_date_parse(slice_trim(*header), time);
}

struct file_range range_decide(const struct http1_head *head, int64_t size, int64_t mtime) {
    const struct file_range whole = {200, 0, size};
    const struct slice *match = http1_find(head, "If-Match");
    const struct slice *none = http1_find(head, "If-None-Match");
    const struct slice *range = http1_find(head, "Range");
    const struct slice *if_range = http1_find(head, "If-Range");
    int64_t time;
    /* There are no tags here: only "*" can match. */
    if (match ? !slice_is(slice_trim(*match), "*")
              : date_of(http1_find(head, "If-Unmodified-Since"), &time) && mtime > time)
        return (struct file_range){.status = 412};
    if (none ? slice_is(slice_trim(*none), "*")
             : date_of(http1_find(head, "If-Modified-Since"), &time) && mtime <= time)
        return (struct file_range){.status = 304};
    if (!range || (if_range && !(date_of(if_range, &time) && time == mtime)))
        return whole;
    return range_parse(*range, size);
}
