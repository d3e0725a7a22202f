/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/connect_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char type_unary[] = "application/json";
static const char type_stream[] = "application/connect+json";

static const struct {
    const char *name;
    int status;
} codes[] = {
    [CONNECT_OK] = {"ok", 200},
    [CONNECT_CANCELED] = {"canceled", 499},
    [CONNECT_UNKNOWN] = {"unknown", 500},
    [CONNECT_INVALID_ARGUMENT] = {"invalid_argument", 400},
    [CONNECT_DEADLINE_EXCEEDED] = {"deadline_exceeded", 504},
    [CONNECT_NOT_FOUND] = {"not_found", 404},
    [CONNECT_ALREADY_EXISTS] = {"already_exists", 409},
    [CONNECT_PERMISSION_DENIED] = {"permission_denied", 403},
    [CONNECT_RESOURCE_EXHAUSTED] = {"resource_exhausted", 429},
    [CONNECT_FAILED_PRECONDITION] = {"failed_precondition", 400},
    [CONNECT_ABORTED] = {"aborted", 409},
    [CONNECT_OUT_OF_RANGE] = {"out_of_range", 400},
    [CONNECT_UNIMPLEMENTED] = {"unimplemented", 501},
    [CONNECT_INTERNAL] = {"internal", 500},
    [CONNECT_UNAVAILABLE] = {"unavailable", 503},
    [CONNECT_UNAUTHENTICATED] = {"unauthenticated", 401},
};

static const enum connect_code code_of_kind[] = {
    [ERR_NONE] = CONNECT_INTERNAL,
    [ERR_USAGE] = CONNECT_INVALID_ARGUMENT,
    [ERR_INVALID] = CONNECT_INVALID_ARGUMENT,
    [ERR_UNAUTHENTICATED] = CONNECT_UNAUTHENTICATED,
    [ERR_FORBIDDEN] = CONNECT_PERMISSION_DENIED,
    [ERR_NOT_FOUND] = CONNECT_NOT_FOUND,
    [ERR_CONFLICT] = CONNECT_ALREADY_EXISTS,
    [ERR_TOO_LARGE] = CONNECT_RESOURCE_EXHAUSTED,
    [ERR_LIMIT] = CONNECT_RESOURCE_EXHAUSTED,
    [ERR_UNSUPPORTED] = CONNECT_UNIMPLEMENTED,
    [ERR_UNAVAILABLE] = CONNECT_UNAVAILABLE,
    [ERR_GONE] = CONNECT_UNAVAILABLE,
    [ERR_TIMEOUT] = CONNECT_DEADLINE_EXCEEDED,
    [ERR_NO_SPACE] = CONNECT_RESOURCE_EXHAUSTED,
    [ERR_INTERNAL] = CONNECT_INTERNAL,
};

bool connect_is_open(const struct connect_call *call) {
    return call->state->x && !call->state->ended;
}

/* ---- streams ---------------------------------------------------------------------------------
 */

static void begin(struct connect_state *state) {
    if (!state->begun)
        exchange_begin(state->x, 200, type_stream, -1);
    state->begun = true;
}

static bool send_envelope(struct connect_state *state, char *envelope, size_t len, uint8_t flags) {
    struct connect_head head = {.flags = flags, .len = (uint32_t)len};
    connect_put_head((uint8_t *)envelope, head);
    begin(state);
    state->stopped = !exchange_write(state->x, envelope, CONNECT_HEAD + len);
    if (state->keep_alive)
        uv_timer_again(state->keep_alive);
    return !state->stopped;
}

/* Steals message. */
static bool send_json(struct connect_state *state, json_t *message, uint8_t flags) {
    size_t len = json_dumpb(message, NULL, 0, JSON_COMPACT);
    cleanup_free char *envelope = len ? malloc(CONNECT_HEAD + len) : NULL;
    bool room = true;
    if (envelope) {
        json_dumpb(message, envelope + CONNECT_HEAD, len, JSON_COMPACT);
        room = send_envelope(state, envelope, len, flags);
    } else {
        exchange_abort(state->x);
    }
    json_decref(message);
    return room;
}

static void end_stream(struct connect_state *state, json_t *last) {
    state->ended = true;
    connect_stop_timers(state);
    send_json(state, last, CONNECT_END);
    exchange_end(state->x);
}

bool connect_send(struct connect_call *call, json_t *message) {
    if (connect_is_open(call))
        return send_json(call->state, message, 0);
    json_decref(message);
    return true;
}

bool connect_send_raw(struct connect_call *call, char *envelope, size_t len) {
    return !connect_is_open(call) || send_envelope(call->state, envelope, len, 0);
}

void connect_end(struct connect_call *call) {
    if (connect_is_open(call))
        end_stream(call->state, json_object());
}

/* ---- whole answers ---------------------------------------------------------------------------
 */

static void reply_unary(struct connect_state *state, int status, json_t *body) {
    cleanup_free char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    state->ended = true;
    if (text)
        exchange_reply(state->x, status, type_unary, text, strlen(text));
    else
        exchange_abort(state->x);
}

void connect_reply(struct connect_call *call, json_t *body) {
    struct connect_state *state = call->state;
    if (!connect_is_open(call)) {
        json_decref(body);
    } else if (state->kind == CONNECT_UNARY) {
        reply_unary(state, 200, body);
    } else {
        send_json(state, body, 0);
        end_stream(state, json_object());
    }
}

static json_t *error_json(enum connect_code code, const char *message, const char *hint) {
    json_t *text = json_string(message);
    return json_pack("{s:s, s:o, s:s*}", "code", codes[code].name, "message",
                     text ? text : json_string("(not UTF-8)"), "hint", *hint ? hint : NULL);
}

/* Where a sandbox goes away under its streams those of the hosted service break off; clients that
 * see this ask its health, and tell their users that it was killed. */
static void break_off(struct connect_state *state) {
    state->ended = true;
    connect_stop_timers(state);
    exchange_abort(state->x);
}

/* The hint is ours: other clients know code and message. */
static void fail(struct connect_call *call, enum connect_code code, const char *message,
                 const char *hint) {
    struct connect_state *state = call->state;
    if (!connect_is_open(call))
        return;
    if (code == CONNECT_UNAVAILABLE && state->begun) {
        break_off(state);
        return;
    }
    json_t *error = error_json(code, message, hint);
    if (state->kind == CONNECT_UNARY)
        reply_unary(state, codes[code].status, error);
    else
        end_stream(state, json_pack("{s:o}", "error", error));
}

void connect_fail(struct connect_call *call, enum connect_code code, const char *format, ...) {
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    fail(call, code, message, "");
}

void connect_fail_error(struct connect_call *call, const struct error *err) {
    fail(call, code_of_kind[err->kind], err->message, err->hint);
}

/* ---- timers ----------------------------------------------------------------------------------
 */

static void on_timer_closed(uv_handle_t *handle) {
    free(handle);
}

static void stop_timer(uv_timer_t **slot) {
    uv_timer_t *timer = steal_ptr(slot);
    if (timer)
        uv_close((uv_handle_t *)timer, on_timer_closed);
}

void connect_stop_timers(struct connect_state *state) {
    stop_timer(&state->keep_alive);
    stop_timer(&state->deadline);
}

static uv_timer_t *start_timer(struct connect_state *state, uv_timer_cb callback, uint64_t ms) {
    uv_timer_t *timer = malloc(sizeof(*timer));
    if (!timer)
        return NULL;
    uv_timer_init(core_loop(state->core), timer);
    timer->data = state;
    uv_update_time(timer->loop);
    uv_timer_start(timer, callback, ms, ms);
    return timer;
}

static void on_keep_alive(uv_timer_t *timer) {
    struct connect_state *state = timer->data;
    char envelope[CONNECT_HEAD + 64];
    size_t len = strlen(state->ping);
    if (state->stopped || len > sizeof(envelope) - CONNECT_HEAD)
        return; /* what waits to be sent is sign of life enough */
    memcpy(envelope + CONNECT_HEAD, state->ping, len);
    send_envelope(state, envelope, len, 0);
}

void connect_keep_alive(struct connect_call *call, const char *message) {
    struct connect_state *state = call->state;
    state->ping = message;
    if (connect_is_open(call) && !state->keep_alive)
        state->keep_alive = start_timer(state, on_keep_alive, state->interval_ms);
}

static void on_deadline(uv_timer_t *timer) {
    struct connect_state *state = timer->data;
    fail(&state->call, CONNECT_DEADLINE_EXCEEDED, "context deadline exceeded", "");
}

void connect_deadline(struct connect_call *call) {
    struct connect_state *state = call->state;
    if (call->timeout_ms > 0 && connect_is_open(call) && !state->deadline)
        state->deadline = start_timer(state, on_deadline, (uint64_t)call->timeout_ms);
}
