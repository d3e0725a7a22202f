/* SPDX-License-Identifier: Apache-2.0
 *
 * e2b-state, started by `e2b local export|import|reset`: the archive is its standard output or
 * input, errors are for the person at the terminal.
 */
#include "backend/image/holder_run.h"
#include "backend/keep/keep.h"
#include "backend/runtime/holder.h"
#include "backend/store/store.h"
#include "common/io.h"
#include "common/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

struct work {
    struct keep keep;
    bool (*run)(const struct keep *keep, struct error *err);
};

static bool to_stdout(const struct keep *keep, struct error *err) {
    return keep_export(keep, STDOUT_FILENO, err);
}

static bool from_stdin(const struct keep *keep, struct error *err) {
    return keep_import(keep, STDIN_FILENO, err);
}

static const struct {
    const char *name;
    bool (*run)(const struct keep *keep, struct error *err);
} modes[] = {{"export", to_stdout}, {"import", from_stdin}, {"reset", keep_reset}};

/* A backend holds it as long as it lives. */
static int take_lock(int state, struct error *err) {
    int lock = openat(state, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
        return lock;
    if (lock >= 0 && errno == EWOULDBLOCK) {
        error_set(err, ERR_CONFLICT, "the local backend runs");
        error_hint(err, "stop it with `e2b local stop`");
    } else {
        error_errno(err, errno, "cannot lock the state");
    }
    close_fd(&lock);
    return -1;
}

/* A sandbox lives on without its backend: whoever answers on its socket does. */
static bool check_ended(int state, struct error *err) {
    struct error ignored = ERROR_INIT;
    int fd = openat(state, "sandboxes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    bool ok = true;
    for (struct dirent *e; ok && stream && (e = readdir(stream));) {
        cleanup_close int dir = openat(fd, e->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        cleanup_close int agent =
            dir < 0 || e->d_name[0] == '.'
                ? -1
                : io_unix_connect(dir, "agent.sock", SOCK_SEQPACKET | SOCK_NONBLOCK, &ignored);
        if (agent >= 0) {
            error_set(err, ERR_CONFLICT, "sandbox %s runs, or stands still in memory", e->d_name);
            ok = error_hint(err, "kill it first, or pause it without its memory");
        }
    }
    if (stream)
        closedir(stream);
    return ok;
}

/* What the log still holds goes into the file, which is all that is kept. */
static bool settle_store(const struct paths *paths, struct error *err) {
    char path[PATHS_MAX + 16];
    snprintf(path, sizeof(path), "%s/state.db", paths->state);
    if (access(path, F_OK) < 0)
        return true;
    struct store *store = store_open(path, err);
    if (!store)
        return false;
    store_close(store);
    return true;
}

static bool do_work(void *ctx, struct error *err) {
    struct work *work = ctx;
    return work->run(&work->keep, err);
}

static bool run_in_holder(struct work *work, struct error *err) {
    char agent[PATHS_MAX];
    struct holder holder = HOLDER_INIT;
    if (!paths_program("e2b-agent", agent, err) || !holder_start(&holder, agent, -1, err))
        return false;
    work->keep.shift = holder.is_root ? holder.id_base : 0;
    work->keep.id_count = holder.id_count;
    bool ok = holder.is_root ? do_work(work, err) : holder_run(holder.userns, do_work, work, err);
    holder_stop(&holder);
    return ok;
}

static bool run(struct work *work, struct error *err) {
    struct paths paths;
    if (!paths_find(&paths, err) || !paths_create(&paths, err))
        return false;
    cleanup_close int state = open(paths.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state < 0)
        return error_errno(err, errno, "cannot open %s", paths.state);
    cleanup_close int lock = take_lock(state, err);
    work->keep.state = state;
    return lock >= 0 && check_ended(state, err) &&
           (work->run == keep_reset || settle_store(&paths, err)) && run_in_holder(work, err);
}

int main(int argc, char **argv) {
    struct work work = {.run = NULL};
    struct error err = ERROR_INIT;
    for (size_t i = 0; argc == 2 && i < ARRAY_LEN(modes); i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            work.run = modes[i].run;
    if (!work.run) {
        fputs("e2b-state is started by e2b\n", stderr);
        return 2;
    }
    setlocale(LC_CTYPE, "C.UTF-8"); /* names in an archive are UTF-8 */
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    if (run(&work, &err))
        return 0;
    fprintf(stderr, "error: %s\n%s%s%s", err.message, *err.hint ? "hint: " : "", err.hint,
            *err.hint ? "\n" : "");
    return 1;
}
