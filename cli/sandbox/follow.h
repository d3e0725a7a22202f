/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands that print what a server keeps of a sandbox, and with --follow go on until it no longer
 * runs. The end of the sandbox is the end of the command, and no failure.
 */
#ifndef E2B_CLI_SANDBOX_FOLLOW_H
#define E2B_CLI_SANDBOX_FOLLOW_H

#include "cli/command.h"
#include "client/client.h"

#define FOLLOW_OPTION                                                                              \
    {                                                                                              \
        .name = "follow", .letter = 'f', .type = OPTION_BOOL,                                      \
        .help = "wait for more, until the sandbox no longer runs"                                  \
    }
/* Without the letter: that is follow's. */
#define FOLLOW_FORMAT_OPTION                                                                       \
    {                                                                                              \
        .name = "format", .type = OPTION_CHOICE, .value = "format", .help = "output format",       \
        .choices = output_formats, .fallback = "pretty",                                           \
    }

struct follow {
    const char *id;
    int period_ms; /* between two questions */
    /* Prints what is new. */
    bool (*print)(struct invocation *in, void *ctx, struct error *err);
    void *ctx;
};

enum follow_end {
    FOLLOW_FAILED,
    FOLLOW_NOT_WANTED, /* everything was printed once */
    FOLLOW_HUNG_UP,    /* nobody reads any more */
    FOLLOW_CLOSED,     /* the sandbox is paused, or gone */
};
enum follow_end follow_run(struct invocation *in, const struct follow *follow, struct error *err);

/* GET /sandboxes/{id}/<what>?start=<start>, without a query if that is negative. ERR_NOT_FOUND in
 * our words. */
bool follow_ask(struct invocation *in, const char *id, const char *what, int64_t start,
                struct response *response, struct error *err);

#endif
