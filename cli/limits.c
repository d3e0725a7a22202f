/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/limits.h"

#include "cli/output.h"
#include "common/json.h"

#include <string.h>

static void print_amount(FILE *out, json_int_t amount, const char *unit) {
    static const struct {
        const char *name;
        json_int_t bytes;
    } sizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"bytes", 1}};
    size_t i = 0;
    if (strcmp(unit, "bytes") != 0) {
        fprintf(out, "%lld ", (long long)amount);
        output_safe(out, unit, "");
        return;
    }
    while (amount % sizes[i].bytes)
        i++;
    fprintf(out, "%lld %s", (long long)(amount / sizes[i].bytes), sizes[i].name);
}

static void print_one(FILE *out, const char *name, const json_t *row) {
    struct error ignored;
    const char *mechanism = NULL, *why = NULL, *unit = NULL;
    const json_t *limit = json_object_get(row, "limit");
    json_get_string(row, "mechanism", &mechanism, &ignored);
    json_get_string(row, "why", &why, &ignored);
    json_get_string(row, "unit", &unit, &ignored);
    fputs("  ", out);
    output_safe(out, name, "");
    fputs(": ", out);
    if (json_is_integer(limit) && json_integer_value(limit) > 0 && unit) {
        print_amount(out, json_integer_value(limit), unit);
        fputs(", by ", out);
    } else if (limit) {
        fputs("unlimited", out);
    }
    output_safe(out, mechanism ? mechanism : limit ? "" : "none", "");
    if (why) {
        fputs(mechanism ? "; " : ": ", out);
        output_safe(out, why, "");
    }
    fputc('\n', out);
}

void limits_print(FILE *out, const char *title, const json_t *limits) {
    const char *name;
    json_t *row;
    if (!limits)
        return;
    fprintf(out, "%s:\n", title);
    json_object_foreach((json_t *)(uintptr_t)limits, name, row) {
        print_one(out, name, row);
    }
}
