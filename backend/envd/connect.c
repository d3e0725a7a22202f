/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/connect_state.h"
#include "backend/envd/envd.h"
#include "common/base64.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
    MAX_BODY = CONNECT_MAX_MESSAGE + CONNECT_HEAD,
    MAX_USER = 256,
    DEFAULT_INTERVAL_S = 90,
};

/* ---- its life --------------------------------------------------------------------------------
 */

struct connect_call *connect_hold(struct connect_call *call) {
    call->state->refs++;
    return call;
}

void connect_release(struct connect_call *call) {
    struct connect_state *state = call->state;
    if (--state->refs)
        return;
    connect_stop_timers(state);
    buf_free(&state->input);
    free(state->call.user);
    free(state);
}

static void on_closed(void *ctx, bool broken) {
    struct connect_state *state = ctx;
    (void)broken;
    state->x = NULL;
    connect_stop_timers(state);
    if (state->call.closed)
        state->call.closed(&state->call);
    connect_release(&state->call);
}

static void on_drained(void *ctx) {
    struct connect_state *state = ctx;
    state->stopped = false;
    if (state->call.drained)
        state->call.drained(&state->call);
}

/* ---- messages --------------------------------------------------------------------------------
 */

/* The sandbox may have ended while the message was on its way. */
static void run(struct connect_state *state, const char *bytes, size_t len) {
    struct error err = ERROR_INIT;
    struct connect_call *call = &state->call;
    cleanup_json json_t *request = len ? json_parse(bytes, len, &err) : json_object();
    if (request && !json_is_object(request))
        error_set(&err, ERR_INVALID, "the message is not a JSON object");
    call->sandbox = err.kind ? NULL : sandbox_find(state->core, state->id, &err);
    if (err.kind == ERR_NOT_FOUND || err.kind == ERR_CONFLICT)
        err.kind = ERR_GONE;
    if (err.kind) {
        connect_fail_error(call, &err);
        return;
    }
    call->request = request;
    state->method(call);
    call->request = NULL;
    call->sandbox = NULL;
}

/* Is there a whole envelope at the beginning? Its length, 0 if not, -1 and an answer for nonsense.
 */
static ssize_t envelope(struct connect_state *state, const char *bytes, size_t len) {
    if (len < CONNECT_HEAD)
        return 0;
    struct connect_head head = connect_get_head((const uint8_t *)bytes);
    if (head.flags & CONNECT_COMPRESSED)
        connect_fail(&state->call, CONNECT_UNIMPLEMENTED, "compressed messages are not supported");
    else if (head.flags & (uint8_t)~CONNECT_END)
        connect_fail(&state->call, CONNECT_INVALID_ARGUMENT, "protocol error: flags %u",
                     head.flags);
    else if (head.len > CONNECT_MAX_MESSAGE)
        connect_fail(&state->call, CONNECT_RESOURCE_EXHAUSTED, "a message of %u bytes is too large",
                     head.len);
    else
        return len - CONNECT_HEAD < head.len ? 0 : (ssize_t)(CONNECT_HEAD + head.len);
    return -1;
}

static void on_body(void *ctx, struct exchange *x, const char *bytes, size_t len) {
    struct connect_state *state = ctx;
    struct connect_call *call = connect_hold(&state->call);
    (void)x;
    if (state->kind == CONNECT_UNARY) {
        run(state, bytes, len);
    } else {
        ssize_t whole = envelope(state, bytes, len);
        if (whole >= 0 && (size_t)whole == len && len)
            run(state, bytes + CONNECT_HEAD, len - CONNECT_HEAD);
        else if (whole >= 0)
            connect_fail(call, CONNECT_INVALID_ARGUMENT,
                         "protocol error: the body is not exactly one message");
    }
    connect_release(call);
}

/* ---- client streams --------------------------------------------------------------------------
 */

static void take_message(struct connect_state *state, size_t len) {
    bool last = (state->input.data[0] & CONNECT_END) != 0;
    state->busy = !last;
    if (!last)
        run(state, state->input.data + CONNECT_HEAD, len - CONNECT_HEAD);
    buf_consume(&state->input, len);
}

static void pump(struct connect_state *state) {
    struct connect_call *call = connect_hold(&state->call);
    ssize_t len = 0;
    state->pumping = true;
    while (state->x && !state->ended && !state->busy &&
           (len = envelope(state, state->input.data, state->input.len)) > 0)
        take_message(state, (size_t)len);
    state->pumping = false;
    if (state->x && !state->ended && !state->busy && len == 0) {
        if (!state->input_over)
            exchange_read_more(state->x);
        else if (state->input.len)
            connect_fail(call, CONNECT_INVALID_ARGUMENT, "protocol error: half a message");
        else if (call->finished)
            call->finished(call);
        else
            connect_fail(call, CONNECT_INVALID_ARGUMENT, "protocol error: no message");
    }
    connect_release(call);
}

void connect_next(struct connect_call *call) {
    call->state->busy = false;
    if (!call->state->pumping)
        pump(call->state);
}

static size_t on_piece(void *ctx, const void *bytes, size_t len) {
    struct connect_state *state = ctx;
    if (state->busy)
        return 0;
    if (state->ended)
        return len;
    if (!buf_add(&state->input, bytes, len))
        connect_fail(&state->call, CONNECT_RESOURCE_EXHAUSTED, "a message is too large");
    else
        pump(state);
    return len;
}

static void on_body_end(void *ctx) {
    struct connect_state *state = ctx;
    state->input_over = true;
    if (!state->busy && !state->ended)
        pump(state);
}

/* ---- the head --------------------------------------------------------------------------------
 */

static bool check_type(struct exchange *x, bool stream) {
    static const char body[] =
        "{\"code\":\"unimplemented\",\"message\":\"only the JSON form of the Connect protocol is "
        "spoken here: application/json for unary calls, application/connect+json for streams\"}";
    const char *wanted = stream ? "application/connect+json" : "application/json";
    const char *type = exchange_header(x, "Content-Type");
    size_t len = strlen(wanted);
    if (type && strncasecmp(type, wanted, len) == 0 &&
        (type[len] == '\0' || type[len] == ';' || type[len] == ' '))
        return true;
    exchange_add_header(x, "Accept-Post", "%s", wanted);
    exchange_reply(x, 415, "application/json", body, sizeof(body) - 1);
    return false;
}

/* A unary message is compressed as a whole; those of streams say it of themselves. */
static bool is_compressed(struct exchange *x, enum connect_kind kind) {
    const char *coding = exchange_header(x, "Content-Encoding");
    return kind == CONNECT_UNARY && coding && strcasecmp(coding, "identity") != 0;
}

static int64_t header_number(struct exchange *x, const char *name, int64_t otherwise) {
    const char *text = exchange_header(x, name);
    uint64_t number;
    if (!text || strlen(text) > 10 || !slice_number((struct slice){text, strlen(text)}, &number))
        return otherwise;
    return (int64_t)number;
}

/* "Basic base64(user:password)"; the password means nothing. */
static bool read_user(struct connect_call *call, struct exchange *x) {
    const char *text = exchange_header(x, "Authorization");
    if (!text || strncasecmp(text, "Basic ", 6) != 0)
        return true;
    text += 6;
    size_t len = strlen(text);
    if (len > MAX_USER)
        return false;
    char user[MAX_USER];
    if (!base64_decode(text, len, user, &len) || len >= sizeof(user))
        return false;
    user[len] = '\0';
    user[strcspn(user, ":")] = '\0';
    call->user = *user ? strdup(user) : NULL;
    return !*user || call->user;
}

static struct connect_state *make_state(struct call *call, enum connect_kind kind,
                                        connect_method method) {
    const struct sandbox *sandbox = call->ctx;
    struct connect_state *state = calloc(1, sizeof(*state));
    if (!state)
        return NULL;
    state->call.state = state;
    state->x = call->x;
    state->kind = kind;
    state->method = method;
    state->core = sandbox->core;
    memcpy(state->id, sandbox->id, sizeof(state->id));
    state->refs = 1;
    state->input = (struct buf)BUF_INIT(MAX_BODY + (256 << 10));
    state->call.timeout_ms = header_number(call->x, "Connect-Timeout-Ms", 0);
    state->interval_ms =
        1000 * (uint64_t)MAX(header_number(call->x, "Keepalive-Ping-Interval", DEFAULT_INTERVAL_S),
                             (int64_t)1);
    return state;
}

void connect_serve(struct call *call, enum connect_kind kind, connect_method method) {
    struct error err = ERROR_INIT;
    if (!envd_authorize(call->ctx, call->x) || !check_type(call->x, kind != CONNECT_UNARY))
        return;
    struct connect_state *state = make_state(call, kind, method);
    if (!state) {
        error_errno(&err, ENOMEM, "cannot serve the request");
        exchange_reply_error(call->x, &err);
        return;
    }
    bool pieces = kind == CONNECT_CLIENT_STREAM;
    bool known = read_user(&state->call, call->x);
    exchange_set_events(call->x,
                        &(struct exchange_events){
                            .body = pieces && known ? on_piece : NULL,
                            .body_end = pieces && known ? on_body_end : NULL,
                            .drained = on_drained,
                            .closed = on_closed,
                        },
                        state);
    if (!known)
        connect_fail(&state->call, CONNECT_UNAUTHENTICATED, "invalid authorization header");
    else if (is_compressed(call->x, kind))
        connect_fail(&state->call, CONNECT_UNIMPLEMENTED, "compressed messages are not supported");
    else if (!sandbox_runs(call->ctx, &err))
        connect_fail_error(&state->call, &err);
    else if (!pieces)
        exchange_read_body(call->x, MAX_BODY, on_body, state);
}
