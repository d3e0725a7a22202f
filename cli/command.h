/* SPDX-License-Identifier: Apache-2.0
 *
 * The command tree as data: the only list of commands there is. One table a noun; parsing, help,
 * suggestions, completions, man pages and the JSON tree are all made from it.
 */
#ifndef E2B_CLI_COMMAND_H
#define E2B_CLI_COMMAND_H

#include "common/error.h"

#include <stdio.h>

enum option_type {
    OPTION_BOOL, /* --x, --no-x */
    OPTION_STRING,
    OPTION_INTEGER,  /* min..max */
    OPTION_DURATION, /* 90, 15m: seconds, min..max */
    OPTION_SIZE,     /* 512, 64k, 10m, 2g: bytes */
    OPTION_PAIR,     /* KEY=VALUE, repeatable */
    OPTION_LIST,     /* repeatable string */
    OPTION_CHOICE,
    OPTION_PATH, /* completes file names */
};

struct option_spec {
    const char *name; /* long, without dashes */
    char letter;      /* or 0 */
    enum option_type type;
    const char *value; /* placeholder in help, without brackets; NULL: by type */
    const char *help;
    const char *fallback;       /* shown as default, parsed when absent; NULL: none */
    const char *const *choices; /* OPTION_CHOICE: all; others: proposals; NULL-terminated */
    int64_t min, max;           /* INTEGER, DURATION, SIZE; both 0: no bound */
    const char *env;            /* environment variable that gives it when absent */
    bool hidden;
};

enum command_flags {
    COMMAND_API = 1,       /* needs a server: context is resolved, invocation.client opened */
    COMMAND_LOCAL = 2,     /* always the local backend, whatever context is in force */
    COMMAND_MAY_START = 4, /* may start it */
    COMMAND_HIDDEN = 8,
    COMMAND_REST = 16, /* options end at the first argument: the rest is a command line, from which
                          a "--" directly behind that argument is dropped */
    COMMAND_LATE = 32, /* API: the handler opens the client, when it needs one */
};

struct invocation;

struct command {
    const char *name;
    const char *aliases[3];
    const char *summary;     /* one line, lower case, no full stop */
    const char *description; /* paragraphs; may be NULL */
    const char *arguments;   /* "<sandboxID> [--] <command...>"; NULL: none */
    const char *complete;    /* what the first argument is: "sandbox", "template", "file" or NULL */
    int min_args, max_args;  /* max -1: any */
    unsigned flags;
    const struct option_spec *options;     /* ended by a row without name; may be NULL */
    const char *const *examples;           /* "e2b ...", "what it does", ..., NULL */
    const struct command *const *children; /* a noun: NULL-terminated; then no handler */
    /* Returns the exit status, or -1 with err filled. */
    int (*handler)(struct invocation *in, struct error *err);
};

extern const struct command command_root;

struct client;
struct context;

/* A parsed command line, as its handler sees it. */
struct invocation {
    const struct command *command;
    char **args; /* NULL-terminated; without the "--" */
    int arg_count;
    int dash;              /* index in args of what stood behind "--"; -1 if there was none */
    struct client *client; /* COMMAND_API */
    const struct context *context; /* COMMAND_API, COMMAND_LOCAL */
    const struct option_value *values;
    size_t value_count;
};

/* Getters by long name; asking for one the command does not have is a bug (abort). */
bool option_bool(const struct invocation *in, const char *name);
bool option_given(const struct invocation *in, const char *name);
const char *option_string(const struct invocation *in, const char *name); /* NULL if absent */
int64_t option_number(const struct invocation *in, const char *name);     /* 0 if absent */
/* Repeatable ones: the values in order; a PAIR is "KEY=VALUE", checked. */
size_t option_list(const struct invocation *in, const char *name, const char *const **values);

/* COMMAND_LATE: fills in->client, which is closed behind the handler. */
bool invocation_open(struct invocation *in, struct error *err);

/* Exit statuses of our own (`e2b help exit-codes`). */
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_AUTH = 3,
    EXIT_NOT_FOUND = 4,
    EXIT_CONFLICT = 5,
    EXIT_LIMIT = 6,
    EXIT_SERVER = 7,
    EXIT_UNSUPPORTED = 8,
    EXIT_TIMEOUT = 124,
};

/* Parses, runs and reports: all that main() does beyond preparing the process. */
int command_main(int argc, char **argv);

#endif
