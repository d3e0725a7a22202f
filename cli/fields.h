/* SPDX-License-Identifier: Apache-2.0
 *
 * An object as lines "Label: value": what we have words for first, in our order, then the rest
 * under the names that the server gave.
 */
#ifndef E2B_CLI_FIELDS_H
#define E2B_CLI_FIELDS_H

#include "common/util.h"

#include <jansson.h>
#include <stdio.h>

enum { FIELD_TEXT = 64 };

struct field {
    const char *key;
    const char *label; /* NULL: not shown */
    /* How a string of it is written; NULL: as it is. */
    const char *(*show)(const char *value, char text[static FIELD_TEXT]);
};

/* `fields` is ended by a row without key. Absent and null ones are left out. */
void fields_print(FILE *out, const json_t *object, const struct field *fields);
/* Has the table a row for it? */
bool fields_know(const struct field *fields, const char *key);

#endif
