/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls whose body or answer is the content of a file: sent from where it lies in memory, and
 * written to its receiver as it arrives, whatever its size.
 */
#ifndef E2B_CLIENT_BYTES_H
#define E2B_CLIENT_BYTES_H

#include "client/client.h"

struct bytes_call {
    const char *method;
    const char *base;  /* of a remote server: where such calls go; NULL: as all others */
    const char *path;  /* as of client_call */
    const char *token; /* Bearer; NULL: none */
    const void *body;  /* NULL: none */
    size_t body_len;
    int sink; /* a good answer is written there; -1: it is JSON for `response` */
};

/* Fails as client_call does. It may take as long as something moves. */
bool client_bytes(struct client *client, const struct bytes_call *call, struct response *response,
                  struct error *err);

#endif
