/* SPDX-License-Identifier: Apache-2.0
 *
 * Start and Connect: the events of a process as a stream. Output is what all this is for, so its
 * envelope is written byte by byte, without a JSON library, into one buffer.
 */
#include "backend/core/process_limits.h"
#include "backend/envd/process.h"
#include "common/base64.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char keep_alive[] = "{\"event\":{\"keepalive\":{}}}";

struct session {
    struct process_listener listener;
    struct connect_call *call;
    bool owner; /* it was started here: its deadline is the stream's */
    bool starting, closed;
};

/* ---- events ----------------------------------------------------------------------------------
 */

static const struct slice heads[] = {
#define HEAD(text)                                                                                 \
    { text, sizeof(text) - 1 }
    [PROCESS_OUT] = HEAD("{\"event\":{\"data\":{\"stdout\":\""),
    [PROCESS_ERR] = HEAD("{\"event\":{\"data\":{\"stderr\":\""),
    [PROCESS_TERMINAL] = HEAD("{\"event\":{\"data\":{\"pty\":\""),
#undef HEAD
};

static void on_data(struct process_listener *listener, enum process_stream stream,
                    const void *bytes, size_t len) {
    static const char tail[] = "\"}}}";
    static char envelope[CONNECT_HEAD + 64 + (PROCESS_PIPE_CHUNK + 2) / 3 * 4];
    struct session *session = container_of(listener, struct session, listener);
    char *at = envelope + CONNECT_HEAD;
    memcpy(at, heads[stream].at, heads[stream].len);
    at += heads[stream].len;
    base64_encode(bytes, len, at);
    at += base64_encoded_size(len) - 1;
    memcpy(at, tail, sizeof(tail) - 1);
    at += sizeof(tail) - 1;
    listener->full =
        !connect_send_raw(session->call, envelope, (size_t)(at - envelope - CONNECT_HEAD));
}

static void send_start(struct connect_call *call, int32_t pid) {
    connect_send(call, json_pack("{s:{s:{s:i}}}", "event", "start", "pid", pid));
}

static void on_end(struct process_listener *listener, const struct process_end *end) {
    struct session *session = container_of(listener, struct session, listener);
    struct connect_call *call = session->call;
    if (end->deadline && session->owner) {
        connect_fail(call, CONNECT_DEADLINE_EXCEEDED, "context deadline exceeded");
        return;
    }
    json_t *event = json_pack("{s:i, s:b, s:s}", "exitCode", end->exit_code, "exited", end->exited,
                              "status", end->status);
    if (!end->exited || end->exit_code)
        json_object_set_new(event, "error", json_string(end->status));
    connect_send(call, json_pack("{s:{s:o}}", "event", "end", event));
    connect_end(call);
}

static void on_lost(struct process_listener *listener, const struct error *why) {
    struct session *session = container_of(listener, struct session, listener);
    connect_fail_error(session->call, why);
}

/* ---- the stream ------------------------------------------------------------------------------
 */

static void on_drained(struct connect_call *call) {
    struct session *session = call->ctx;
    process_resume(&session->listener);
}

static void on_closed(struct connect_call *call) {
    struct session *session = call->ctx;
    process_unlisten(&session->listener);
    session->closed = true;
    if (!session->starting)
        free(session);
}

static struct session *make_session(struct connect_call *call) {
    struct session *session = calloc(1, sizeof(*session));
    if (!session) {
        connect_fail(call, CONNECT_RESOURCE_EXHAUSTED, "out of memory");
        return NULL;
    }
    session->call = call;
    session->listener = (struct process_listener){.data = on_data, .end = on_end, .lost = on_lost};
    call->ctx = session;
    call->drained = on_drained;
    call->closed = on_closed;
    return session;
}

void envd_run_connect(struct connect_call *call) {
    struct process *process =
        envd_select_process(call, json_object_get(call->request, "process"), false);
    struct session *session = process ? make_session(call) : NULL;
    if (!session)
        return;
    send_start(call, process->pid);
    connect_keep_alive(call, keep_alive);
    connect_deadline(call);
    process_listen(process, &session->listener);
}

/* ---- start -----------------------------------------------------------------------------------
 */

static void on_started(void *ctx, struct process *process, const struct error *err) {
    struct session *session = ctx;
    struct connect_call *call = session->call;
    session->starting = false;
    if (process && connect_is_open(call)) {
        send_start(call, process->pid);
        connect_keep_alive(call, keep_alive);
    } else if (!process) {
        connect_fail_error(call, err);
    }
    if (session->closed) {
        process_unlisten(&session->listener);
        free(session);
    }
    connect_release(call);
}

struct start {
    struct process_spec spec;
    const char **args;
};

static bool read_args(const json_t *config, struct start *start, struct error *err) {
    json_t *args = NULL, *value;
    size_t i;
    if (!json_get_array(config, "args", &args, err))
        return false;
    start->args = calloc(json_array_size(args) + 1, sizeof(*start->args));
    if (!start->args)
        return error_errno(err, ENOMEM, "cannot start a process");
    json_array_foreach(args, i, value) {
        start->args[i] = json_string_value(value);
        if (!start->args[i])
            return error_set(err, ERR_INVALID, "process.args must be strings");
    }
    start->spec.args = start->args;
    return true;
}

static bool read_process(const json_t *config, struct start *start, struct error *err) {
    struct process_spec *spec = &start->spec;
    json_t *envs = NULL;
    if (!json_get_string(config, "cmd", &spec->cmd, err) ||
        !json_get_string(config, "cwd", &spec->cwd, err) || !read_args(config, start, err) ||
        !json_get_object(config, "envs", &envs, err) || !json_check_string_map(envs, "envs", err))
        return error_wrap(err, "process");
    if (!spec->cmd || !*spec->cmd)
        return error_set(err, ERR_INVALID, "process.cmd is missing");
    return pairs_from_json(&spec->env, envs) || error_errno(err, ENOMEM, "process.envs");
}

static bool read_start(const struct connect_call *call, struct start *start, struct error *err) {
    struct process_spec *spec = &start->spec;
    json_t *config = NULL, *pty = NULL;
    *spec = (struct process_spec){
        .user = call->user, .want_stdin = true, .timeout_ms = call->timeout_ms};
    if (!json_get_object(call->request, "process", &config, err) ||
        !json_get_object(call->request, "pty", &pty, err) ||
        !json_get_string(call->request, "tag", &spec->tag, err) ||
        !json_get_bool(call->request, "stdin", &spec->want_stdin, err))
        return false;
    spec->pty = pty != NULL;
    envd_read_size(pty, &spec->cols, &spec->rows);
    return read_process(config, start, err);
}

void envd_run_start(struct connect_call *call) {
    struct error err = ERROR_INIT;
    struct start start = {.args = NULL};
    struct session *session = NULL;
    if (!read_start(call, &start, &err))
        connect_fail_error(call, &err);
    else
        session = make_session(call);
    if (session) {
        session->owner = session->starting = true;
        connect_hold(call);
        process_start(call->sandbox, &start.spec, &session->listener, on_started, session);
    }
    pairs_free(&start.spec.env);
    free(start.args);
}
