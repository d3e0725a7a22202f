/* SPDX-License-Identifier: Apache-2.0
 *
 * Which server a command speaks to, and why. The first that says something wins:
 *
 *   --context, E2B_CONTEXT      a name: local, cloud
 *   E2B_API_KEY                 the environment, with E2B_API_URL, E2B_DOMAIN, E2B_SANDBOX_URL
 *   ~/.e2b/config.json          a login, as the official command line keeps it
 *   nothing                     local
 *
 * A key that is the local backend's own, with no URL or one of this machine, means local.
 */
#ifndef E2B_CLI_CONTEXT_H
#define E2B_CLI_CONTEXT_H

#include "client/client.h"

struct context {
    const char *name;   /* "local", "cloud", "environment" */
    const char *reason; /* what decided: "--context", "E2B_API_KEY", "~/.e2b/config.json" ... */
    struct target target;
    char warning[512]; /* for the user; may be empty */

    char *owned_key;
    char *owned_api_url;
};

/* `chosen` (may be NULL) is the name that --context or E2B_CONTEXT gave, `chosen_by` which. */
bool context_resolve(struct context *context, const char *chosen, const char *chosen_by,
                     struct error *err);
void context_free(struct context *context);

/* The names that --context takes, NULL-terminated. */
extern const char *const context_names[];

#endif
