/* SPDX-License-Identifier: Apache-2.0
 *
 * The order that makes many starts one: connect, lock, connect again, start. The lock file also
 * carries the reason of a failed start to those who waited for it.
 */
#include "client/spawn.h"

#include "client/launch.h"
#include "common/clock.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { MAX_RECORD = 2048, START_TRIES = 3 };

static bool is_mine(int sock, const char *runtime, struct error *err) {
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return error_errno(err, errno, "cannot tell whose socket %s/%s is", runtime, PATHS_SOCKET);
    if (peer.uid == geteuid())
        return true;
    error_set(err, ERR_FORBIDDEN, "the socket %s/%s belongs to another user (uid %u)", runtime,
              PATHS_SOCKET, (unsigned)peer.uid);
    return error_hint(err, "remove it, or set E2B_HOME to a directory of your own");
}

/* ERR_UNAVAILABLE when nobody listens there. */
static int connect_in(const char *runtime, struct error *err) {
    cleanup_close int dir = open(runtime, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int sock = -1;
    if (dir < 0) {
        int saved = errno;
        error_errno(err, saved, "cannot open %s", runtime);
        if (saved == ENOENT)
            err->kind = ERR_UNAVAILABLE;
    } else {
        sock = io_unix_connect(dir, PATHS_SOCKET, SOCK_STREAM, err);
        if (sock >= 0)
            return is_mine(sock, runtime, err) ? steal_fd(&sock) : -1;
        error_wrap(err, "%s", runtime);
    }
    if (err->kind != ERR_UNAVAILABLE && !err->hint[0])
        error_hint(err, "set E2B_HOME to a directory of your own");
    return -1;
}

/* A backend of ours that was started with another environment, as by sudo or cron, listens in
 * another directory. */
static int connect_now(const struct paths *paths, struct error *err) {
    char elsewhere[PATHS_MAX];
    struct error ignored = ERROR_INIT;
    int sock = connect_in(paths->runtime, err);
    if (sock >= 0 || err->kind != ERR_UNAVAILABLE || !paths_elsewhere(paths, elsewhere))
        return sock;
    sock = connect_in(elsewhere, &ignored);
    if (sock >= 0)
        *err = (struct error)ERROR_INIT;
    return sock;
}

static int open_lock(const struct paths *paths, struct error *err) {
    char path[PATHS_MAX + sizeof(PATHS_LOCK) + 1];
    snprintf(path, sizeof(path), "%s/%s", paths->runtime, PATHS_LOCK);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        error_errno(err, errno, "cannot open %s", path);
    return lock;
}

static bool take_lock(int lock, int how) {
    int result;
    do
        result = flock(lock, how);
    while (result < 0 && errno == EINTR);
    return result == 0;
}

/* The failure of a start is left in the lock file for those who wait behind it: "MS
 * KIND\nTEXT\nHINT" with the monotonic time; empty after a start that went well. */
static void record(int lock, const struct error *failure) {
    char text[MAX_RECORD];
    int len = 0;
    if (failure)
        len = snprintf(text, sizeof(text), "%lld %d\n%s\n%s", (long long)clock_mono_ms(),
                       failure->kind, failure->message, failure->hint);
    if (ftruncate(lock, 0) == 0 && len > 0 &&
        pwrite(lock, text, MIN((size_t)len, sizeof(text) - 1), 0) < 0)
        return;
}

/* Did a start fail since `since`? Then its error is ours. */
static bool recorded(int lock, int64_t since, struct error *err) {
    char text[MAX_RECORD + 1];
    ssize_t len = pread(lock, text, MAX_RECORD, 0);
    long long when;
    int kind;
    if (len <= 0)
        return false;
    text[len] = '\0';
    char *message = strchr(text, '\n');
    char *hint = message ? strchr(message + 1, '\n') : NULL;
    if (!hint || sscanf(text, "%lld %d", &when, &kind) != 2 || when < since)
        return false;
    *hint = '\0';
    error_set(err, kind > ERR_NONE && kind <= ERR_INTERNAL ? (enum error_kind)kind : ERR_INTERNAL,
              "%s", message + 1);
    error_hint(err, "%s", hint + 1);
    return true;
}

static bool remove_stale(const struct paths *paths, struct error *err) {
    char path[PATHS_MAX + sizeof(PATHS_SOCKET) + 1];
    snprintf(path, sizeof(path), "%s/%s", paths->runtime, PATHS_SOCKET);
    return unlink(path) == 0 || errno == ENOENT ||
           error_errno(err, errno, "cannot remove the stale socket %s", path);
}

/* With the lock: connects once more, since another may have started it meanwhile. One that was
 * ready may have left again before we came, when it is told to leave early. */
static int start(const struct paths *paths, int lock, void (*progress)(const char *line),
                 struct error *err) {
    struct error late = ERROR_INIT;
    int sock = connect_now(paths, err);
    if (sock >= 0 || err->kind != ERR_UNAVAILABLE)
        return sock;
    for (int tries = 0; sock < 0 && tries < START_TRIES; tries++) {
        if (!remove_stale(paths, err))
            break;
        bool launched = launch_daemon(paths, progress, err);
        sock = connect_now(paths, launched ? err : &late);
        if (!launched)
            break; /* because another one runs now, or for a reason to tell */
    }
    record(lock, sock < 0 ? err : NULL);
    return sock;
}

/* Many at once: one wins the lock alone and starts; the others wait for a shared one, which all of
 * them get together when he has finished. */
static int start_or_wait(const struct paths *paths, void (*progress)(const char *line),
                         struct error *err) {
    if (!paths_create(paths, err))
        return -1;
    cleanup_close int lock = open_lock(paths, err);
    if (lock < 0)
        return -1;
    int64_t since = clock_mono_ms();
    for (;;) {
        if (take_lock(lock, LOCK_EX | LOCK_NB))
            return start(paths, lock, progress, err);
        if (errno != EWOULDBLOCK || !take_lock(lock, LOCK_SH)) {
            error_errno(err, errno, "cannot lock %s/%s", paths->runtime, PATHS_LOCK);
            return -1;
        }
        int sock = connect_now(paths, err);
        if (sock >= 0 || err->kind != ERR_UNAVAILABLE || recorded(lock, since, err))
            return sock;
        take_lock(lock, LOCK_UN);
    }
}

int spawn_connect(const struct paths *paths, bool may_start, void (*progress)(const char *line),
                  struct error *err) {
    int sock = connect_now(paths, err);
    if (sock >= 0 || err->kind != ERR_UNAVAILABLE)
        return sock;
    if (may_start) {
        sock = start_or_wait(paths, progress, err);
        if (sock >= 0)
            *err = (struct error)ERROR_INIT; /* that nobody answered at first is no failure */
        return sock;
    }
    error_set(err, ERR_UNAVAILABLE, "the local backend does not run");
    error_hint(err, "start it with `e2b local start`");
    return -1;
}
