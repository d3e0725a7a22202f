/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share: a connection with its input and output, and the one exchange
 * that is under way on it.
 *
 * Everything a connection does happens in connection_run: calls from outside (exchange_write and
 * the like) only change its state and put it into the server's ready queue, so no callback ever
 * comes from within a call of the one who is called back.
 */
#ifndef E2B_HTTP_INTERNAL_H
#define E2B_HTTP_INTERNAL_H

#include "backend/http/server.h"
#include "common/buf.h"

#include <time.h>

enum {
    HTTP_IN_BYTES = HTTP1_MAX_HEAD + (16 << 10), /* a head, and body behind it */
    HTTP_OUT_HIGH = 256 << 10,                   /* writers are stopped above this */
    HTTP_OUT_LOW = 64 << 10,                     /* and go on below this */
    HTTP_OUT_MAX = 64 << 20,                     /* one answer that is not streamed */
    HTTP_MAX_TARGET = 16 << 10,
    HTTP_MAX_SKIP = 256 << 10, /* an unread body up to this is skipped to keep the connection */
};

/* How long a connection may stay in a state; then it ends. */
struct http_patience {
    int64_t head_ms;
    int64_t body_ms; /* silence in a body that is being collected */
    int64_t idle_ms;
    int64_t linger_ms;
};

/* ---- output.c: bytes on their way out, then a file ---- */

struct output {
    struct buf buf;
    size_t sent; /* of buf */
    int file;    /* owned; -1: none */
    int64_t file_offset, file_left;
};

enum output_result { OUTPUT_EMPTY, OUTPUT_PROGRESS, OUTPUT_BLOCKED, OUTPUT_FAILED };

size_t output_pending(const struct output *out);
bool output_idle(const struct output *out);
bool output_add(struct output *out, const void *bytes, size_t len) must_check;
/* Sends the parts at once as far as the socket takes them and keeps a copy of the rest. */
bool output_send(struct output *out, int fd, const struct slice parts[static 3]) must_check;
enum output_result output_flush(struct output *out, int fd);
void output_free(struct output *out);

/* ---- body.c: the body of the request, piece by piece ---- */

enum body_kind { BODY_OVER, BODY_LENGTH, BODY_CHUNKED };

struct body {
    enum body_kind kind;
    bool bad;
    uint64_t left; /* BODY_LENGTH */
    struct http1_chunks chunks;
    struct slice piece; /* found in the input and not taken yet */
};

void body_start(struct body *body, const struct http1_head *head);
/* Finds the next piece in `bytes`; returns how many bytes of them were dealt with. */
size_t body_next(struct body *body, const char *bytes, size_t len);

/* ---- exchange.c, request.c, response.c ---- */

struct arena_block;

struct exchange {
    struct connection *c;
    struct http1_head head;
    const char *path, *query;
    bool is_head;    /* HEAD: no body in the response */
    bool keep_alive; /* the connection may serve another request */

    struct exchange_events events;
    void *ctx;
    bool paused;   /* the owner did not take all of the last piece */
    bool told_end; /* body_end was called */

    struct {
        void (*done)(void *ctx, struct exchange *x, const char *bytes, size_t len);
        void *ctx;
        struct buf buf;
    } collect;

    struct buf headers; /* of the response, by exchange_add_header */
    bool begun, ended;
    bool aborted;              /* ended before all of it was given */
    bool chunked, until_close; /* how the response's body is delimited; neither: by length */
    bool no_body;
    int64_t length_left; /* by length: bytes that are still due */
    bool stopped;        /* the writer waits for `drained` */

    size_t arena_used;
    struct arena_block *arena_more;
    char arena[1024];
};

/* Memory that lives as long as the exchange; NULL when there is none. */
void *exchange_alloc(struct exchange *x, size_t len);
void exchange_open(struct exchange *x, struct connection *c);
/* Says `closed` and lets go of everything. */
void exchange_close(struct exchange *x, bool broken);
/* Fills path and query from the target; false if it has no form that we serve. */
bool exchange_split_target(struct exchange *x);
bool exchange_wants_body(const struct exchange *x);
/* Hands the piece at hand (or the end) to the owner; false if there is nothing to do. */
bool exchange_feed(struct exchange *x);
void exchange_refuse(struct exchange *x, int status, const char *message);

/* ---- connection.c ---- */

struct connection {
    struct http_server *server;
    struct connection *next, **link; /* of all connections of the server */
    struct connection *next_ready;
    bool is_ready;

    uv_poll_t poll;
    int fd, watched; /* UV_* events that poll waits for */
    bool trusted, is_tcp;

    bool busy;        /* in connection_run */
    bool active;      /* x is under way */
    bool eof;         /* nothing more will come */
    bool half_closed; /* the peer said so while we did not read */
    bool blocked;     /* the socket takes no more for now */
    bool broken;      /* of no more use */
    bool closing;     /* nothing more is served: close when all is sent */
    bool lingering;   /* closed for writing, waiting for the peer's end */
    bool taken;       /* somebody else has the socket (a duplicate) now */
    int64_t deadline_ms;

    char *in;               /* HTTP_IN_BYTES, allocated with the first byte */
    size_t floor, pos, end; /* the head of x lies below floor; [pos, end) is not dealt with */
    struct body body;
    size_t skipped;
    struct output out;
    struct exchange x;
};

bool connection_accept(struct http_server *server, int fd, const struct http_listener *listener,
                       bool is_tcp);
void connection_run(struct connection *c);
/* Has connection_run called soon, but not from here. */
void connection_wake(struct connection *c);
void connection_flush(struct connection *c);
void connection_set_deadline(struct connection *c, int64_t ms);
void connection_check_deadline(struct connection *c, int64_t now_ms);
void connection_shut_down(struct connection *c, bool at_once);

/* ---- server.c, listener.c ---- */

struct listener;

struct http_server {
    uv_loop_t *loop;
    http_handler handler;
    void *ctx;
    uv_prepare_t prepare; /* runs the ready queue before the loop sleeps */
    uv_timer_t tick;      /* deadlines; runs while there are connections */
    uv_timer_t grace;
    struct listener *listeners;
    struct connection *connections, *ready, **ready_tail;
    unsigned connection_count, max_connections, exchange_count, open_handles;
    int64_t quiet_since_ms;
    int spare_fd;   /* given up to refuse a peer when descriptors run out, */
    int refused_fd; /* which is this one, until it has asked or had the time to */
    int64_t refused_ms;
    struct http_patience patience;
    bool stopping;
    void (*stopped)(void *ctx);
    void *stopped_ctx;
    time_t date_at;
    char date[40];
};

void server_count_connection(struct http_server *server, struct connection *c);
void server_forget_connection(struct connection *c);
void server_handle_closed(struct http_server *server);
void server_start_tick(struct http_server *server);
const char *server_date(struct http_server *server);
bool listener_open(struct http_server *server, const struct http_listener *config,
                   struct error *err);
void listener_resume_all(struct http_server *server);
/* On the refused peer, if there is one, so that another may be. */
void listener_hang_up(struct http_server *server);
void listener_close(struct http_server *server, int fd);
void listener_close_all(struct http_server *server);

#endif
