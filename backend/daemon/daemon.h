/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon: it owns the loop and wires the rooms together. One `struct daemon` a process.
 */
#ifndef E2B_DAEMON_DAEMON_H
#define E2B_DAEMON_DAEMON_H

#include "backend/api/api.h"
#include "backend/daemon/sender.h"
#include "backend/http/route.h"
#include "backend/store/store.h"
#include "common/ids.h"
#include "common/paths.h"

struct daemon {
    uv_loop_t loop;
    struct paths paths;
    int lock;         /* flock on the state directory's lock file while we live */
    int local_socket; /* the server's; -1 before it listens there */
    char api_key[ID_KEY];
    char secret_key[PATHS_MAX]; /* the name of the file */
    unsigned port;
    char domain[32]; /* "localhost:PORT" */
    char url[40];    /* "http://127.0.0.1:PORT" */
    int64_t started_ms;
    struct http_server *server;
    struct store *store;
    struct runtime *runtime;
    struct core *core;
    struct sender *sender;
    struct api api;

    uv_signal_t terminate, interrupt;
    uv_timer_t idle, state_look, pool_look;
    unsigned looks; /* at the pool */
    int64_t idle_exit_ms;
    int64_t deserted_ms; /* since when no sandbox lives (loop time) */
    bool stay;           /* somebody counts on the URL: no leaving by ourselves */
    bool stopping, failed;
};

/* Runs until it is told to stop; the exit status. */
int daemon_main(void);
/* Sandboxes live on. Requests under way get a moment to end. */
void daemon_stop(struct daemon *daemon, const char *reason);

/* Ends all sandboxes, tells `ended` (may be NULL), and stops. */
void daemon_end_all(struct daemon *daemon, void (*ended)(void *ctx), void *ctx);

/* leave.c, too */
void leave_watch_state(struct daemon *daemon);
void leave_close(struct daemon *daemon); /* the last of the loop */

/* rooms.c: what the daemon serves with. */
bool rooms_start(struct daemon *daemon, struct error *err);
void rooms_stop(struct daemon *daemon); /* sandboxes live on */

/* listen.c: the two doors. */
bool state_file(const struct daemon *daemon, const char *name, char path[static PATHS_MAX],
                struct error *err);
bool listen_open(struct daemon *daemon, struct error *err);
/* Where somebody removed the socket, as when the last login of its user ended. */
void listen_again(struct daemon *daemon);
void listen_remove_socket(const struct daemon *daemon);

/* idle.c: leaves when nobody needs it. */
void idle_start(struct daemon *daemon);
void idle_changed(void *daemon, bool idle); /* core's word: no sandbox lives (or one does again) */

/* local_api.c: what concerns the daemon itself; call->ctx is the daemon. */
extern const struct route local_routes[];
extern const struct route local_cache_routes[];
extern const struct route local_image_routes[];
/* Over TCP: answers, and true. */
bool local_refuse_strangers(struct call *call);

/* dispatch.c: which room a request belongs to. */
void dispatch(void *ctx, struct exchange *x);

/* report.c: the words to whoever started us (descriptor 3), or standard error. */
void report_open(void);
void report_progress(void *ctx, const char *line);
void report_ready(void);
void report_error(const struct error *err);

#endif
