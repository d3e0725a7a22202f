/* SPDX-License-Identifier: Apache-2.0
 *
 * From the JSON of the process API to bytes for the sinks and the numbers of an end.
 */
#include "cli/sandbox/events.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* How the service writes a death by signal, and its number. */
static int signal_number(const char *reason) {
    static const struct {
        const char *text;
        int number;
    } known[] = {
        {"signal: killed", SIGKILL},
        {"signal: terminated", SIGTERM},
        {"signal: interrupt", SIGINT},
        {"signal: hangup", SIGHUP},
        {"signal: quit", SIGQUIT},
        {"signal: aborted", SIGABRT},
        {"signal: broken pipe", SIGPIPE},
        {"signal: segmentation fault", SIGSEGV},
        {"signal: bus error", SIGBUS},
        {"signal: floating point exception", SIGFPE},
        {"signal: alarm clock", SIGALRM},
        {"signal: illegal instruction", SIGILL},
        {"signal: trace/breakpoint trap", SIGTRAP},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strncmp(reason, known[i].text, strlen(known[i].text)) == 0)
            return known[i].number;
    return 0;
}

static bool take_end(struct events *e, const json_t *event, struct error *err) {
    int64_t code = 0;
    const char *status = "", *reason = "";
    if (!json_get_int(event, "exitCode", -1, INT32_MAX, &code, err) ||
        !json_get_string(event, "status", &status, err) ||
        !json_get_string(event, "error", &reason, err))
        return false;
    if (code && !*reason)
        reason = status;
    e->ended = true;
    e->end->exit_code = (int)code;
    e->end->number = code < 0 ? signal_number(reason) : 0;
    snprintf(e->end->reason, sizeof(e->end->reason), "%s", reason);
    return true;
}

static bool take_start(struct events *e, const json_t *event, struct error *err) {
    return json_get_int(event, "pid", 1, INT32_MAX, &e->end->pid, err);
}

static bool take_data(struct events *e, const json_t *data, struct error *err) {
    static const char *const kinds[] = {"stdout", "stderr", "pty"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const json_t *bytes = json_object_get(data, kinds[i]);
        if (json_is_string(bytes))
            return sink_put(i == 1 ? &e->err : &e->out, json_string_value(bytes),
                            json_string_length(bytes), err);
    }
    return true;
}

bool events_take(struct events *e, const json_t *message, struct error *err) {
    static const struct {
        const char *name;
        bool (*take)(struct events *e, const json_t *event, struct error *err);
    } kinds[] = {{"data", take_data}, {"start", take_start}, {"end", take_end}};
    const json_t *event = json_object_get(message, "event");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const json_t *body = json_object_get(event, kinds[i].name);
        if (body)
            return kinds[i].take(e, body, err);
    }
    return true; /* keep-alives, and what later versions may add */
}

void events_free(struct events *events) {
    sink_free(&events->out);
    sink_free(&events->err);
}
