/* SPDX-License-Identifier: Apache-2.0
 *
 * process.Process, but for its two streams of output: list, resize, input, signals.
 */
#include "backend/envd/process.h"
#include "backend/envd/envd.h"
#include "common/base64.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

/* ---- which process ---------------------------------------------------------------------------
 */

/* A number, or its digits as a string: both are JSON forms of a protobuf integer. */
static bool read_number(const json_t *value, int64_t *number) {
    uint64_t digits;
    const char *text = json_string_value(value);
    if (json_is_integer(value)) {
        *number = json_integer_value(value);
        return true;
    }
    if (!text || !slice_number((struct slice){text, strlen(text)}, &digits) || digits > INT32_MAX)
        return false;
    *number = (int64_t)digits;
    return true;
}

struct process *envd_select_process(struct connect_call *call, const json_t *selector, bool alive) {
    struct error err = ERROR_INIT;
    struct process *process = NULL;
    const char *tag = json_string_value(json_object_get(selector, "tag"));
    int64_t pid = 0;
    if (tag)
        process = process_by_tag(call->sandbox, tag, &err);
    else if (read_number(json_object_get(selector, "pid"), &pid))
        process = process_by_pid(call->sandbox, pid, &err);
    else
        error_set(&err, ERR_INVALID, "a process is selected by its pid or its tag");
    if (process && alive && (process->ended || process->doomed)) {
        process = NULL;
        if (tag)
            error_set(&err, ERR_NOT_FOUND, "process with tag %s not found", tag);
        else
            error_set(&err, ERR_NOT_FOUND, "process with pid %" PRId64 " not found", pid);
    }
    if (!process)
        connect_fail_error(call, &err);
    return process;
}

static struct process *select_alive(struct connect_call *call) {
    return envd_select_process(call, json_object_get(call->request, "process"), true);
}

/* ---- list ------------------------------------------------------------------------------------
 */

static json_t *process_json(const struct process *process) {
    json_t *args = json_array();
    for (char **at = process->args; *at; at++)
        json_array_append_new(args, json_string(*at));
    json_t *config = json_pack("{s:s, s:o, s:o}", "cmd", process->cmd, "args", args, "envs",
                               pairs_to_json(&process->env));
    if (config && process->cwd)
        json_object_set_new(config, "cwd", json_string(process->cwd));
    json_t *object = json_pack("{s:o, s:i}", "config", config, "pid", process->pid);
    if (object && process->tag)
        json_object_set_new(object, "tag", json_string(process->tag));
    return object;
}

static void run_list(struct connect_call *call) {
    json_t *list = json_array();
    for (const struct process *at = call->sandbox->processes; at; at = at->next)
        if (!at->ended && !at->doomed)
            json_array_insert_new(list, 0, process_json(at));
    connect_reply(call, json_pack("{s:o}", "processes", list));
}

/* ---- resize and signals ----------------------------------------------------------------------
 */

void envd_read_size(const json_t *pty, uint16_t *cols, uint16_t *rows) {
    const json_t *size = json_object_get(pty, "size");
    int64_t number;
    if (read_number(json_object_get(size, "cols"), &number))
        *cols = (uint16_t)MIN(MAX(number, 0), UINT16_MAX);
    if (read_number(json_object_get(size, "rows"), &number))
        *rows = (uint16_t)MIN(MAX(number, 0), UINT16_MAX);
}

static void run_update(struct connect_call *call) {
    struct error err = ERROR_INIT;
    const json_t *pty = json_object_get(call->request, "pty");
    struct process *process = select_alive(call);
    uint16_t cols = 0, rows = 0;
    if (!process)
        return;
    envd_read_size(pty, &cols, &rows);
    if (!json_is_object(pty) || process_resize(process, cols, rows, &err))
        connect_reply(call, json_object());
    else
        connect_fail_error(call, &err);
}

static void on_done(void *ctx, const struct error *err) {
    struct connect_call *call = ctx;
    if (err)
        connect_fail_error(call, err);
    else
        connect_reply(call, json_object());
    connect_release(call);
}

static int read_signal(const json_t *value) {
    const char *name = json_string_value(value);
    int64_t number = 0;
    if (name && strcmp(name, "SIGNAL_SIGTERM") == 0)
        return SIGTERM;
    if (name && strcmp(name, "SIGNAL_SIGKILL") == 0)
        return SIGKILL;
    return read_number(value, &number) && (number == SIGTERM || number == SIGKILL) ? (int)number
                                                                                   : 0;
}

static void run_signal(struct connect_call *call) {
    const json_t *value = json_object_get(call->request, "signal");
    struct process *process = select_alive(call);
    int number = read_signal(value);
    if (!process)
        return;
    if (number) {
        process_signal(process, number, on_done, connect_hold(call));
        return;
    }
    const char *name = json_string_value(value);
    connect_fail(call, CONNECT_UNIMPLEMENTED, "invalid signal: %s",
                 name ? name : "SIGNAL_UNSPECIFIED");
}

/* ---- input -----------------------------------------------------------------------------------
 */

static void write_input(struct connect_call *call, struct process *process, const json_t *input,
                        void (*done)(void *ctx, const struct error *err)) {
    const json_t *pty = json_object_get(input, "pty");
    const json_t *data = pty ? pty : json_object_get(input, "stdin");
    size_t len = json_string_length(data);
    cleanup_free char *bytes = malloc(base64_decoded_size(len));
    if (!json_is_string(data))
        connect_fail(call, CONNECT_INVALID_ARGUMENT, "input has neither stdin nor pty");
    else if (!bytes)
        connect_fail(call, CONNECT_RESOURCE_EXHAUSTED, "out of memory");
    else if (!base64_decode(json_string_value(data), len, bytes, &len))
        connect_fail(call, CONNECT_INVALID_ARGUMENT, "input is not valid base64");
    else
        process_write(process, pty != NULL, bytes, len, done, connect_hold(call));
}

static void run_send_input(struct connect_call *call) {
    struct process *process = select_alive(call);
    if (process)
        write_input(call, process, json_object_get(call->request, "input"), on_done);
}

static void run_close_stdin(struct connect_call *call) {
    struct error err = ERROR_INIT;
    struct process *process = select_alive(call);
    if (!process)
        return;
    if (process_close_stdin(process, &err))
        connect_reply(call, json_object());
    else
        connect_fail(call, CONNECT_UNKNOWN, "%s", err.message);
}

/* ---- StreamInput: a start message that selects, then data ------------------------------------
 */

struct input {
    json_t *selector;
};

static void on_input_closed(struct connect_call *call) {
    struct input *input = call->ctx;
    json_decref(input->selector);
    free(input);
}

static void on_input_finished(struct connect_call *call) {
    connect_reply(call, json_object());
}

static void on_input_written(void *ctx, const struct error *err) {
    struct connect_call *call = ctx;
    if (err)
        connect_fail_error(call, err);
    else
        connect_next(call);
    connect_release(call);
}

static void start_input(struct connect_call *call, const json_t *start) {
    struct input *input = call->ctx;
    json_t *selector = json_object_get(start, "process");
    if (!envd_select_process(call, selector, true))
        return;
    json_decref(input->selector);
    input->selector = json_incref(selector);
    connect_next(call);
}

static void run_stream_input(struct connect_call *call) {
    const json_t *start = json_object_get(call->request, "start");
    const json_t *data = json_object_get(call->request, "data");
    struct input *input = call->ctx ? call->ctx : calloc(1, sizeof(*input));
    if (!input) {
        connect_fail(call, CONNECT_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    call->ctx = input;
    call->closed = on_input_closed;
    call->finished = on_input_finished;
    if (start) {
        start_input(call, start);
    } else if (!data) {
        connect_next(call); /* a sign of life */
    } else if (!input->selector) {
        connect_fail(call, CONNECT_INVALID_ARGUMENT, "the first message must be a start");
    } else {
        struct process *process = envd_select_process(call, input->selector, true);
        if (process)
            write_input(call, process, json_object_get(data, "input"), on_input_written);
    }
}

/* ---- the table -------------------------------------------------------------------------------
 */

static void list(struct call *call) {
    connect_serve(call, CONNECT_UNARY, run_list);
}

static void update(struct call *call) {
    connect_serve(call, CONNECT_UNARY, run_update);
}

static void send_input(struct call *call) {
    connect_serve(call, CONNECT_UNARY, run_send_input);
}

static void stream_input(struct call *call) {
    connect_serve(call, CONNECT_CLIENT_STREAM, run_stream_input);
}

static void send_signal(struct call *call) {
    connect_serve(call, CONNECT_UNARY, run_signal);
}

static void close_stdin(struct call *call) {
    connect_serve(call, CONNECT_UNARY, run_close_stdin);
}

static void start(struct call *call) {
    connect_serve(call, CONNECT_STREAM, envd_run_start);
}

static void connect_process(struct call *call) {
    connect_serve(call, CONNECT_STREAM, envd_run_connect);
}

const struct route envd_process_routes[] = {
    {"POST", "/process.Process/List", ROUTE_OPEN, list},
    {"POST", "/process.Process/Start", ROUTE_OPEN, start},
    {"POST", "/process.Process/Connect", ROUTE_OPEN, connect_process},
    {"POST", "/process.Process/Update", ROUTE_OPEN, update},
    {"POST", "/process.Process/SendInput", ROUTE_OPEN, send_input},
    {"POST", "/process.Process/StreamInput", ROUTE_OPEN, stream_input},
    {"POST", "/process.Process/SendSignal", ROUTE_OPEN, send_signal},
    {"POST", "/process.Process/CloseStdin", ROUTE_OPEN, close_stdin},
    {0},
};
