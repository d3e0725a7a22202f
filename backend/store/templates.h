/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of templates that were made here.
 */
#ifndef E2B_STORE_TEMPLATES_H
#define E2B_STORE_TEMPLATES_H

#include "backend/store/pairs.h"
#include "backend/store/store.h"

/* The numbers are in the file. */
enum template_kind { TEMPLATE_SNAPSHOT = 1 };

struct template_row {
    const char *id, *build_id;
    enum template_kind kind;
    const char *name, *tag; /* "": none */
    const char *sandbox_id, *user, *workdir;
    struct pairs env;
    const char *overlays; /* JSON */
    int64_t created_ms;
    const char *start_cmd, *ready_cmd; /* "": none */
};

bool store_template_insert(struct store *store, const struct template_row *row, struct error *err);
bool store_template_delete(struct store *store, const char *id, struct error *err);
/* Takes the name from whichever has it. */
bool store_template_free_name(struct store *store, const char *name, const char *tag,
                              struct error *err);
/* Oldest first. The row is valid during the call, except that its pairs may be taken over (leave
 * empty ones behind). */
bool store_template_each(struct store *store, void (*each)(void *ctx, struct template_row *row),
                         void *ctx, struct error *err);

#endif
