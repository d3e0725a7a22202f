/* SPDX-License-Identifier: Apache-2.0
 *
 * One sandbox as commands hold it: its id, the secrets that open its own API, and the calls that
 * more than one command makes.
 */
#ifndef E2B_CLI_SANDBOX_HANDLE_H
#define E2B_CLI_SANDBOX_HANDLE_H

#include "client/client.h"

enum { HANDLE_TIMEOUT_S = 300 }; /* what connecting asks for, and the default life of a new one */

struct handle {
    json_t *json;                   /* the answer that the address points into */
    struct sandbox_address address; /* borrowed from it */
    const char *envd_version;
};
void handle_free(struct handle *handle);
#define cleanup_handle cleanup(handle_free)

/* Takes over the "Sandbox" object of a create or connect answer. */
bool handle_take(struct handle *handle, struct response *response, struct error *err);
/* POST /sandboxes/{id}/connect: resumes a paused one and extends its life. */
bool handle_connect(struct client *client, const char *id, struct handle *handle,
                    struct error *err);
bool handle_set_timeout(struct client *client, const char *id, int64_t seconds, struct error *err);
/* DELETE; *found tells whether there was one. */
bool handle_kill(struct client *client, const char *id, bool *found, struct error *err);
/* `method` on "/sandboxes/<id><suffix>". */
bool handle_call(struct client *client, const char *method, const char *id, const char *suffix,
                 const json_t *body, struct response *response, struct error *err);
/* The same, and one that is not there is "Sandbox ID wasn't found". */
bool handle_ask(struct client *client, const char *method, const char *id, const char *suffix,
                const json_t *body, struct response *response, struct error *err);
/* Is the sandbox's envd at least that version? */
bool handle_at_least(const struct handle *handle, int major, int minor, int patch);

#endif
