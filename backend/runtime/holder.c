/* SPDX-License-Identifier: Apache-2.0
 *
 * The zygote runs from a sealed copy of its program in memory: what /proc/PID/exe of a sandbox's
 * first process names is then no file of the host, and nobody can write to it.
 */
#include "backend/runtime/holder.h"
#include "backend/agent/protocol.h"
#include "backend/runtime/id_range.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

enum { ANSWER_TIMEOUT_MS = 5000 };

static int program_copy(const char *path, struct error *err) {
    struct stat st;
    cleanup_close int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &st) < 0) {
        error_errno(err, errno, "cannot open %s", path);
        return -1;
    }
    cleanup_close int copy = memfd_create("e2b-agent", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (copy < 0 && errno == EINVAL) /* a kernel before 6.3: every memfd may be executed */
        copy = memfd_create("e2b-agent", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    off_t at = 0;
    while (copy >= 0 && at < st.st_size && sendfile(copy, file, &at, (size_t)(st.st_size - at)) > 0)
        ;
    if (copy < 0 || at != st.st_size ||
        fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        error_errno(err, errno, "cannot copy %s to memory", path);
        return -1;
    }
    return steal_fd(&copy);
}

/* The child's ways to us: `made` tells an errno once the namespace is there, `mapped` is awaited.
 */
struct birth {
    int program, socket;
    int made[2], mapped[2];
};

static void birth_close(struct birth *b) {
    int *const all[] = {&b->program, &b->socket,    &b->made[0],
                        &b->made[1], &b->mapped[0], &b->mapped[1]};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        close_fd(all[i]);
}

static int become_zygote(const struct birth *b) {
    static char name[] = "e2b-zygote";
    char *argv[] = {name, NULL}, *envp[] = {NULL};
    /* out of the way of the numbers they or others get */
    int program = fcntl(b->program, F_DUPFD_CLOEXEC, AGENT_CONNECTION + 1);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (setsid() < 0 || (setgroups(0, NULL) < 0 && errno != EPERM) || setresgid(0, 0, 0) < 0 ||
        setresuid(0, 0, 0) < 0 || chdir("/") < 0)
        return errno;
    if (program < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
        dup2(b->socket, AGENT_CONNECTION) < 0)
        return errno;
    fcntl(AGENT_CONNECTION, F_SETFD, 0);
    syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
    return errno;
}

static noreturn void child(struct birth *b) {
    int error = unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ? errno : 0;
    char byte;
    close_fd(&b->made[0]);
    close_fd(&b->mapped[1]);
    if (write(b->made[1], &error, sizeof(error)) != sizeof(error) || error ||
        read(b->mapped[0], &byte, 1) != 1)
        _exit(1);
    error = become_zygote(b);
    (void)!write(b->made[1], &error, sizeof(error));
    _exit(1);
}

/* An errno from the child, 0, or -1 when it closed its end without a word: it runs the program. */
static int hear(int fd) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int error;
    if (poll(&ready, 1, ANSWER_TIMEOUT_MS) <= 0)
        return ETIMEDOUT;
    ssize_t n = read(fd, &error, sizeof(error));
    return n == sizeof(error) ? error : n == 0 ? -1 : EPROTO;
}

static bool no_namespace(struct error *err, int error) {
    error_errno(err, error, "cannot make a user namespace");
    err->kind = ERR_UNSUPPORTED;
    return error_hint(err, "allow them: sysctl kernel.unprivileged_userns_clone=1 (Debian), "
                           "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), "
                           "user.max_user_namespaces above 0; a container may forbid them");
}

static bool ping(int socket, struct error *err) {
    const union zygote_request ping = {.any = {AGENT_PROTOCOL, ZYGOTE_PING, 0}};
    struct zygote_reply reply;
    struct pollfd ready = {.fd = socket, .events = POLLIN};
    if (send(socket, &ping, sizeof(ping.any), MSG_NOSIGNAL) < 0 ||
        poll(&ready, 1, ANSWER_TIMEOUT_MS) <= 0 ||
        recv(socket, &reply, sizeof(reply), 0) != sizeof(reply) ||
        reply.version != AGENT_PROTOCOL || reply.error)
        return error_set(err, ERR_INTERNAL, "the zygote does not answer");
    return true;
}

static bool raise_child(struct holder *h, struct birth *b, const struct id_range *range,
                        struct error *err) {
    char path[64];
    close_fd(&b->made[1]);
    close_fd(&b->mapped[0]);
    close_fd(&b->socket);
    h->pidfd = (int)syscall(SYS_pidfd_open, h->pid, 0);
    int error = h->pidfd < 0 ? errno : hear(b->made[0]);
    if (error)
        return no_namespace(err, error < 0 ? EPROTO : error);
    if (!id_range_write(range, h->pid, err))
        return false;
    snprintf(path, sizeof(path), "/proc/%d/ns/user", h->pid);
    h->userns = open(path, O_RDONLY | O_CLOEXEC);
    if (h->userns < 0 || write(b->mapped[1], "", 1) != 1)
        return error_errno(err, errno, "cannot reach the sandboxes' user namespace");
    error = hear(b->made[0]);
    if (error >= 0)
        return error_errno(err, error, "cannot start the zygote");
    return ping(h->socket, err);
}

static pid_t fork_into(int cgroup) {
    struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
    if (cgroup < 0)
        return fork();
    args.cgroup = (uint64_t)cgroup;
    return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static bool start_with(struct holder *h, const char *program, int cgroup,
                       const struct id_range *range, struct error *err) {
    struct birth b = {-1, -1, {-1, -1}, {-1, -1}};
    int pair[2];
    *h = (struct holder)HOLDER_INIT;
    h->is_root = range->is_root;
    h->id_base = range->base;
    h->id_count = range->is_root || range->uid_start ? ID_COUNT : 1;
    b.program = program_copy(program, err);
    if (b.program < 0)
        return false;
    bool ok = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0;
    if (ok) {
        h->socket = pair[0];
        b.socket = pair[1];
        ok = pipe2(b.made, O_CLOEXEC) == 0 && pipe2(b.mapped, O_CLOEXEC) == 0;
    }
    if (ok)
        h->pid = fork_into(cgroup);
    if (h->pid == 0)
        child(&b);
    ok = ok && h->pid > 0 ? raise_child(h, &b, range, err)
                          : error_errno(err, errno, "cannot start the zygote");
    birth_close(&b);
    if (ok)
        ok = io_set_nonblocking(h->socket, true);
    if (!ok)
        holder_stop(h);
    return ok;
}

bool holder_start(struct holder *holder, const char *program, int cgroup, struct error *err) {
    struct id_range range;
    id_range_find(&range);
    if (start_with(holder, program, cgroup, &range, err))
        return true;
    if (range.is_root || !range.uid_start)
        return false;
    range.uid_start = range.gid_start = 0; /* the range is no use: do with one id */
    return start_with(holder, program, cgroup, &range, err);
}

void holder_stop(struct holder *holder) {
    close_fd(&holder->socket);
    if (holder->pid > 0) {
        kill(holder->pid, SIGKILL);
        while (waitpid(holder->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close_fd(&holder->pidfd);
    close_fd(&holder->userns);
    holder->pid = -1;
}
