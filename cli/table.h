/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables as kubectl prints them: upper-case headers, columns as wide as their widest cell, three
 * spaces between, no borders. Cells are copied and made harmless.
 */
#ifndef E2B_CLI_TABLE_H
#define E2B_CLI_TABLE_H

#include "common/util.h"

#include <stdio.h>

struct table {
    size_t columns;
    char **cells; /* row after row, the headers first */
    size_t count;
};

void table_init(struct table *table, const char *const *headers, size_t columns);
/* As many cells as there are columns; NULL is an empty one. */
void table_add(struct table *table, const char *const *cells);
void table_print(const struct table *table, FILE *out);
void table_free(struct table *table);
#define cleanup_table cleanup(table_free)

#endif
