/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dockerfile/expand.h"

#include "cli/alloc.h"

#include <string.h>

static char *copy(const char *text) {
    char *copied = text ? strdup(text) : NULL;
    if (text && !copied)
        abort();
    return copied;
}

static struct variable *find(const struct scope *scope, const char *name, size_t len) {
    for (size_t i = 0; i < scope->count; i++)
        if (strncmp(scope->items[i].name, name, len) == 0 && !scope->items[i].name[len])
            return &scope->items[i];
    return NULL;
}

const struct variable *scope_find(const struct scope *scope, const char *name, size_t len) {
    return find(scope, name, len);
}

void scope_set(struct scope *scope, const char *name, const char *value, bool is_arg) {
    struct variable *variable = find(scope, name, strlen(name));
    if (!variable) {
        scope->items = alloc_array(scope->items, scope->count + 1, sizeof(*scope->items));
        variable = &scope->items[scope->count++];
        *variable = (struct variable){.name = copy(name)};
    }
    char *old = variable->value;
    variable->value = copy(value);
    variable->is_arg = is_arg;
    free(old);
}

void scope_copy_env(struct scope *to, const struct scope *from) {
    for (size_t i = 0; i < from->count; i++)
        if (!from->items[i].is_arg)
            scope_set(to, from->items[i].name, from->items[i].value, false);
}

void scope_free(struct scope *scope) {
    for (size_t i = 0; i < scope->count; i++) {
        free(scope->items[i].name);
        free(scope->items[i].value);
    }
    free(scope->items);
    *scope = (struct scope){0};
}
