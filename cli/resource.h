/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands about things that a server keeps (keys, secrets, volumes) have in common: calls
 * about one of them, lists in pages, and lists printed.
 */
#ifndef E2B_CLI_RESOURCE_H
#define E2B_CLI_RESOURCE_H

#include "cli/command.h"
#include "cli/fields.h"
#include "client/client.h"

/* `method` on "<prefix>/<id><suffix>"; the id is encoded. */
bool resource_call(struct client *client, const char *method, const char *prefix, const char *id,
                   const char *suffix, const json_t *body, struct response *response,
                   struct error *err);
/* All pages of `path` in one array (the caller's), or NULL. */
json_t *resource_list(struct client *client, const char *path, struct error *err);

/* A column of a list: the field of each object, and how its text is shown (NULL: as it is). */
struct resource_column {
    const char *header, *key;
    const char *(*show)(const char *value, char *text);
};
enum { RESOURCE_COLUMNS = 8 };
/* As a table, or `none` where there is nothing. `columns` is ended by a row without header. */
void resource_table(const json_t *list, const struct resource_column *columns, const char *none);
/* As JSON if that was asked for, else as resource_table() does. */
void resource_print(const struct invocation *in, const json_t *list,
                    const struct resource_column *columns, const char *none);

/* One object, as JSON if that was asked for, else as fields_print() does. */
void resource_print_one(const struct invocation *in, const json_t *object,
                        const struct field *fields);
/* Asks for "<prefix>/<first argument>" and prints it so; the exit status. */
int resource_info(struct invocation *in, const char *prefix, const struct field *fields,
                  struct error *err);

/* The values of a repeatable KEY=VALUE option as an object (the caller's); NULL if there are none.
 */
json_t *resource_pairs(const struct invocation *in, const char *option);

/* Deletes "<prefix>/<id>" for each argument, which is the id itself or what `id_of` (may be NULL)
 * makes the id of. The status tells if any of them was not there (4); any other failure ends it. */
int resource_delete(struct invocation *in, const char *prefix,
                    char *(*id_of)(struct client *client, const char *name, struct error *err),
                    const char *what, const char *done, struct error *err);

/* All of standard input or of a file, as a text of at most `max` bytes (the caller's). */
char *resource_read(const char *file, size_t max, size_t *len, struct error *err);

#endif
