/* SPDX-License-Identifier: Apache-2.0
 *
 * Variables of a Dockerfile and their expansion, with the quotes removed as Docker removes them:
 * $x ${x} ${x:-y} ${x-y} ${x:+y} ${x+y} ${x:?y} ${x?y} ${x#y} ${x##y} ${x%y} ${x%%y} ${x/y/z}
 * ${x//y/z}.
 *
 * The variables of a base image are not known before the build. Where the server expands as well
 * (ENV), a reference to an unknown variable is left for it, and a "$" that means itself protected.
 */
#ifndef E2B_CLI_DOCKERFILE_EXPAND_H
#define E2B_CLI_DOCKERFILE_EXPAND_H

#include "common/buf.h"
#include "common/error.h"

struct variable {
    char *name;
    char *value; /* NULL: set, but only the server knows to what */
    bool is_arg; /* by ARG: an ENV of the same name hides it, and it ends with its stage */
};

struct scope {
    struct variable *items;
    size_t count;
};

const struct variable *scope_find(const struct scope *scope, const char *name, size_t len);
void scope_set(struct scope *scope, const char *name, const char *value, bool is_arg);
/* What a stage based on another one starts with. */
void scope_copy_env(struct scope *to, const struct scope *from);
void scope_free(struct scope *scope);

enum { EXPAND_MAX = 1 << 20, EXPAND_NAME = 64 };

struct expansion {
    const struct scope *scope;
    char escape;
    bool for_server;
    bool in_heredoc; /* quotes mean themselves */

    /* What came of it. */
    bool is_open;                /* something was left to the server */
    char undefined[EXPAND_NAME]; /* the first variable that nothing sets; or empty */
    size_t at;                   /* of a mistake, in the text */
};

/* Appends the expansion of the `len` bytes at `text`. */
bool expand(struct expansion *x, const char *text, size_t len, struct buf *out, struct error *err);
/* A text that means itself, in the words of the server. */
bool expand_literal(const char *text, struct buf *out, struct error *err);

#endif
