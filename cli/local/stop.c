/* SPDX-License-Identifier: Apache-2.0
 *
 * `local stop`: returns when the backend is gone, so that what is typed next does not meet it.
 */
#include "cli/local/local.h"

#include "common/json.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>

enum { PATIENCE_MS = 20000 };

static bool wait_gone(int process, json_int_t pid, struct error *err) {
    struct pollfd fd = {.fd = process, .events = POLLIN};
    int ready;
    do
        ready = poll(&fd, 1, PATIENCE_MS);
    while (ready < 0 && errno == EINTR);
    if (ready > 0)
        return true;
    error_set(err, ERR_TIMEOUT, "the local backend (pid %lld) does not leave", (long long)pid);
    return error_hint(err, "see `e2b local logs`; `kill -9 %lld` ends it, its sandboxes live on",
                      (long long)pid);
}

bool local_stop(const struct invocation *in, bool kill, enum local_was *was, struct error *err) {
    cleanup_local_client struct client *client = local_running(in, err);
    cleanup_json json_t *status = NULL;
    *was = LOCAL_WAS_NOT_THERE;
    if (!client)
        return err->kind == ERR_NONE;
    if (!local_call(client, "GET", "/local/status", &status, err))
        return false;
    *was = json_is_true(json_object_get(status, "stays")) ? LOCAL_STAYED : LOCAL_RAN;
    json_int_t pid = json_integer_value(json_object_get(status, "pid"));
    cleanup_close int process = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (process < 0)
        return error_errno(err, errno, "cannot watch process %lld", (long long)pid);
    if (!local_call(client, "POST", kill ? "/local/stop?kill=true" : "/local/stop", NULL, err))
        return false;
    client_close(steal_ptr(&client)); /* or it would wait for us */
    return wait_gone(process, pid, err);
}

static int stop_run(struct invocation *in, struct error *err) {
    enum local_was was;
    if (!local_stop(in, false, &was, err))
        return -1;
    puts(was ? "The local backend has stopped" : "The local backend does not run");
    return EXIT_OK;
}

const struct command command_local_stop = {
    .name = "stop",
    .summary = "stop the backend",
    .description = "Running sandboxes live on until their time is over; the next command that "
                   "starts the backend finds them again. `e2b sandbox kill --all` ends them.",
    .flags = COMMAND_LOCAL,
    .examples = (const char *const[]){"e2b local stop", "stop it", NULL},
    .handler = stop_run,
};
