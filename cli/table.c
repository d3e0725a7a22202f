/* SPDX-License-Identifier: Apache-2.0
 *
 * Collects the cells first, because only the last row tells how wide a column is.
 */
#include "cli/table.h"

#include "cli/alloc.h"

#include <string.h>
#include <wchar.h>

/* Columns on the screen; bytes that are no text in the locale count one each. */
static size_t width(const char *text) {
    mbstate_t state = {0};
    size_t columns = 0;
    while (*text) {
        wchar_t c;
        size_t n = mbrtowc(&c, text, MB_CUR_MAX, &state);
        if (n == (size_t)-1 || n == (size_t)-2) {
            memset(&state, 0, sizeof(state));
            n = 1;
            columns++;
        } else {
            int w = wcwidth(c);
            columns += w > 0 ? (size_t)w : 0;
        }
        text += n;
    }
    return columns;
}

static char *copy(const char *text) {
    size_t len = strlen(text);
    char *cell = alloc_array(NULL, len + 1, 1);
    for (size_t i = 0; i <= len; i++) {
        unsigned char c = (unsigned char)text[i];
        cell[i] = (c && c < 32) || c == 127 ? '?' : text[i];
    }
    return cell;
}

void table_init(struct table *table, const char *const *headers, size_t columns) {
    *table = (struct table){.columns = columns};
    table_add(table, headers);
}

void table_add(struct table *table, const char *const *cells) {
    table->cells = alloc_array(table->cells, table->count + table->columns, sizeof(*table->cells));
    for (size_t i = 0; i < table->columns; i++)
        table->cells[table->count++] = copy(cells[i] ? cells[i] : "");
}

static void print_row(char *const *cells, const size_t *widths, size_t columns, FILE *out) {
    while (columns > 1 && !*cells[columns - 1])
        columns--; /* no blanks at the end of a line */
    for (size_t i = 0; i < columns; i++) {
        fputs(cells[i], out);
        if (i + 1 < columns)
            fprintf(out, "%*s", (int)(widths[i] - width(cells[i])) + 3, "");
    }
    fputc('\n', out);
}

void table_print(const struct table *table, FILE *out) {
    cleanup_free size_t *widths = alloc_array(NULL, table->columns, sizeof(*widths));
    memset(widths, 0, table->columns * sizeof(*widths));
    for (size_t i = 0; i < table->count; i++)
        widths[i % table->columns] = MAX(widths[i % table->columns], width(table->cells[i]));
    for (size_t i = 0; i < table->count; i += table->columns)
        print_row(table->cells + i, widths, table->columns, out);
}

void table_free(struct table *table) {
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct table){0};
}
