/* SPDX-License-Identifier: Apache-2.0
 *
 * How any program speaks to an E2B server: requests, errors, pages, Connect streams. Blocking, one
 * thread. A local server is reached over its Unix socket by a small HTTP/1.1 client (common/http1);
 * a remote one through libcurl, in a module (e2b-remote.so) loaded at the first request to it.
 */
#ifndef E2B_CLIENT_CLIENT_H
#define E2B_CLIENT_CLIENT_H

#include "common/error.h"
#include "common/json.h"

enum target_kind { TARGET_LOCAL, TARGET_REMOTE };

/* Which server; filled by cli/context.c. Strings are borrowed and outlive the client. */
struct target {
    enum target_kind kind;
    const char *api_url;     /* remote: "https://api.e2b.app" */
    const char *sandbox_url; /* remote: E2B_SANDBOX_URL, or NULL: by contract 03 section 2 */
    const char *domain;      /* remote */
    const char *api_key;
    void (*progress)(const char *line); /* local: hears of a start that takes longer; or NULL */
};

struct client;

/* Local: starts the backend if it does not run (client/spawn.h) unless `may_start` is false. */
struct client *client_open(const struct target *target, bool may_start, struct error *err);
void client_close(struct client *client);

struct response {
    int status;
    json_t *json;        /* NULL if the body is empty or no JSON */
    char *next_token;    /* X-Next-Token or NULL */
    char *total_running; /* X-Total-Running or NULL */
};
void response_free(struct response *response);
#define cleanup_response cleanup(response_free)

/* One API call. `path` starts with '/', is encoded already, and holds the query. `body` (borrowed)
 * may be NULL. A status of 400 and above fails with err->http_status, kind and the server's
 * message. */
bool client_call(struct client *client, const char *method, const char *path, const json_t *body,
                 struct response *response, struct error *err);

/* A file that is PUT to an address which an answer of the API named, without credentials of ours.
 */
struct upload {
    const char *url;       /* absolute; of a local backend it is asked for on its socket */
    const json_t *headers; /* object of strings that go with it, or NULL */
    int fd;                /* read from its start, by position */
    uint64_t len;
    void (*sent)(void *ctx, uint64_t bytes); /* hears how much has gone out since; or NULL */
    void *ctx;
};
/* Tries again where that may help: broken connections, 408, 429 and 5xx. */
bool client_upload(struct client *client, const struct upload *upload, struct error *err);
/* Bytes to any web server, by a client of a remote target. */
struct client_post {
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated, few */
    const void *body;
    size_t len;
    int64_t timeout_ms;
    int stop_fd; /* when it can be read there is no time left; -1: none */
};
bool client_post(struct client *client, const struct client_post *post, int *status,
                 struct error *err);

/* The API of one sandbox (envd): a unary Connect call or a server stream. */
struct sandbox_address {
    const char *id;
    const char *access_token; /* or NULL */
    const char *domain;       /* of the create or connect answer, or NULL */
};
bool client_rpc(struct client *client, const struct sandbox_address *sandbox, const char *method,
                const char *user, const json_t *request, struct response *response,
                struct error *err);

struct client_stream;
/* As client_rpc without waiting for the answer, which is the only message of the stream; the
 * request is JSON text, since the callers that do not wait have much to send. */
struct client_stream *client_rpc_begin(struct client *client, const struct sandbox_address *sandbox,
                                       const char *method, const char *user, const char *request,
                                       struct error *err);

/* `method` is "process.Process/Start". timeout_ms 0: no deadline is sent. */
struct client_stream *client_stream_open(struct client *client,
                                         const struct sandbox_address *sandbox, const char *method,
                                         const char *user, const json_t *request,
                                         int64_t timeout_ms, struct error *err);
/* A descriptor that is readable when client_stream_next may have something. */
int client_stream_fd(const struct client_stream *stream);
enum stream_result { STREAM_MESSAGE, STREAM_WAIT, STREAM_END, STREAM_FAILED };
/* Never blocks: STREAM_WAIT means poll the descriptor. STREAM_MESSAGE: *message is the caller's.
 * Only where a stream broke off it asks, for some seconds, whether the sandbox still lives. */
enum stream_result client_stream_next(struct client_stream *stream, json_t **message,
                                      struct error *err);
void client_stream_close(struct client_stream *stream);

/* Percent-encodes one path segment or query value; the result is free()d by the caller. */
char *client_encode(const char *text);

#endif
