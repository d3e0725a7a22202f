/* SPDX-License-Identifier: Apache-2.0
 *
 * `local logs`: the backend's log, read from its file, so that it can be read when the backend does
 * not run, or does not start.
 */
#include "cli/local/local.h"

#include "cli/output.h"
#include "common/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static const struct option_spec options[] = {
    {.name = "follow", .letter = 'f', .type = OPTION_BOOL, .help = "wait for more"},
    {0},
};

struct log {
    struct paths paths;
    char path[PATHS_MAX + sizeof(PATHS_LOG) + 1];
    int fd;
    bool hung_up; /* the reader of our output left */
};

/* Prints what is there. */
static bool drain(struct log *log, struct error *err) {
    char bytes[64 << 10];
    ssize_t n = 0;
    while (!log->hung_up && (n = read(log->fd, bytes, sizeof(bytes))) > 0) {
        fwrite(bytes, 1, (size_t)n, stdout);
        if (!output_finish(&log->hung_up, err) && !log->hung_up)
            return false;
    }
    return n >= 0 || error_errno(err, errno, "cannot read %s", log->path);
}

/* When it grew too large it was renamed and begun anew. */
static bool was_rotated(const struct log *log) {
    struct stat ours, now;
    return stat(log->path, &now) == 0 && fstat(log->fd, &ours) == 0 && ours.st_ino != now.st_ino;
}

static bool open_log(struct log *log, struct error *err) {
    close_fd(&log->fd);
    log->fd = open(log->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (log->fd >= 0)
        return true;
    int saved = errno;
    error_errno(err, saved, "cannot open %s", log->path);
    if (saved == ENOENT) {
        error_set(err, ERR_NOT_FOUND, "there is no log: the backend has never run");
        error_hint(err, "start it with `e2b local start`");
    }
    return false;
}

/* Until the directory of the log changes, or the reader of our output leaves. */
static bool wait_for_change(struct log *log, int watch, struct error *err) {
    char events[4096];
    struct pollfd fds[] = {{.fd = watch, .events = POLLIN}, {.fd = STDOUT_FILENO}};
    while (poll(fds, ARRAY_LEN(fds), -1) < 0)
        if (errno != EINTR)
            return error_errno(err, errno, "cannot watch %s", log->paths.state);
    log->hung_up = (fds[1].revents & (POLLERR | POLLHUP)) != 0;
    return !fds[0].revents || read(watch, events, sizeof(events)) > 0 ||
           error_errno(err, errno, "cannot watch %s", log->paths.state);
}

static bool follow(struct log *log, struct error *err) {
    cleanup_close int watch = inotify_init1(IN_CLOEXEC);
    if (watch < 0 ||
        inotify_add_watch(watch, log->paths.state, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        return error_errno(err, errno, "cannot watch %s", log->paths.state);
    while (!log->hung_up) {
        if (!drain(log, err))
            return false;
        if (was_rotated(log)) {
            if (!open_log(log, err))
                return false;
            continue;
        }
        if (!log->hung_up && !wait_for_change(log, watch, err))
            return false;
    }
    return true;
}

static int logs_run(struct invocation *in, struct error *err) {
    struct log log = {.fd = -1};
    if (!paths_find(&log.paths, err))
        return -1;
    snprintf(log.path, sizeof(log.path), "%s/%s", log.paths.state, PATHS_LOG);
    bool ok =
        open_log(&log, err) && (option_bool(in, "follow") ? follow(&log, err) : drain(&log, err));
    close_fd(&log.fd);
    return ok ? EXIT_OK : -1;
}

const struct command command_local_logs = {
    .name = "logs",
    .summary = "print the backend's log",
    .description = "One JSON object a line. Works also when the backend does not run.",
    .flags = COMMAND_LOCAL,
    .options = options,
    .examples = (const char *const[]){"e2b local logs --follow", "watch it", NULL},
    .handler = logs_run,
};
