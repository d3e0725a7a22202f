/* SPDX-License-Identifier: Apache-2.0
 *
 * The child tells how it went through a pipe, as one struct error; nothing there is that it died.
 */
#include "backend/image/holder_run.h"

#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static bool enter(int holder, struct error *err) {
    if (setns(holder, CLONE_NEWUSER) < 0)
        return error_errno(err, errno, "cannot enter the sandboxes' user namespace");
    /* setgroups is denied in a namespace that an ordinary user mapped to himself alone */
    if (setgroups(0, NULL) < 0 && errno != EPERM)
        return error_errno(err, errno, "cannot drop groups");
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return error_errno(err, errno, "cannot become root of the sandboxes' user namespace");
    return true;
}

static void child(int holder, int report, bool (*work)(void *ctx, struct error *err), void *ctx) {
    struct error err = ERROR_INIT;
    umask(0);
    bool done = enter(holder, &err);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of ids clears it, so not before */
    done = done && work(ctx, &err);
    _exit(io_write_all(report, &err, sizeof(err)) && done ? 0 : 1);
}

bool holder_run(int holder, bool (*work)(void *ctx, struct error *err), void *ctx,
                struct error *err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_errno(err, errno, "cannot make a pipe");
    cleanup_close int reader = ends[0];
    cleanup_close int writer = ends[1];
    pid_t pid = fork();
    if (pid < 0)
        return error_errno(err, errno, "cannot fork");
    if (pid == 0)
        child(holder, writer, work, ctx);
    close_fd(&writer);
    struct buf told = BUF_INIT(sizeof(*err) + 1);
    bool whole = io_read_all(reader, &told) && told.len == sizeof(*err);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (whole && status != 0)
        memcpy(err, told.data, sizeof(*err));
    else if (!whole)
        error_set(err, ERR_INTERNAL, "a child of the daemon ended before its work was done");
    buf_free(&told);
    return whole && status == 0;
}
