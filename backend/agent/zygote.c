/* SPDX-License-Identifier: Apache-2.0
 *
 * The zygote: lives in the holder user namespace, is small, and so forks at once. It answers each
 * request with one reply and keeps nothing; its children are reaped by the kernel and watched by
 * the daemon through pidfds. It ends when the daemon does.
 */
#include "backend/agent/helpers.h"
#include "backend/agent/parts.h"
#include "backend/agent/sys.h"
#include "common/io.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* The network namespace, the dearest, is made by the child, beside the others' children. */
#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS)

struct received {
    union zygote_request request;
    int fds[IO_MAX_FDS];
    size_t fd_count;
};

/* Identity. In two pieces, because one may not lie across two of the holder's, and a user's holder
 * has himself as 0 and his range behind. */
static int write_map(pid_t pid, const char *name, uint32_t count) {
    char path[64], map[32];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    int len = count == 1 ? snprintf(map, sizeof(map), "0 0 1")
                         : snprintf(map, sizeof(map), "0 0 1\n1 1 %u", count - 1);
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, map, (size_t)len) == len ? 0 : errno;
}

static bool well_formed(const struct zygote_create *c, size_t fd_count) {
    size_t wanted = 4 + c->mount_count + c->cgroup_count + !!(c->flags & ZYGOTE_INTO_CGROUP);
    size_t lowers = 0;
    if (c->mount_count > ZYGOTE_MAX_MOUNTS || c->overlay_count < 1 ||
        c->overlay_count > ZYGOTE_MAX_OVERLAYS || c->cgroup_count > ZYGOTE_MAX_CGROUPS ||
        (c->id_count != 1 && c->id_count != 65536))
        return false;
    for (size_t i = 0; i < c->overlay_count; i++) {
        if (c->overlays[i].lower_count < 1 || c->overlays[i].lower_count > ZYGOTE_MAX_LAYERS ||
            !memchr(c->overlays[i].target, '\0', AGENT_TARGET))
            return false;
        lowers += c->overlays[i].lower_count;
    }
    for (size_t i = 0; i < c->mount_count; i++)
        if (!memchr(c->mounts[i], '\0', AGENT_MOUNT) || c->mounts[i][0] != '/')
            return false;
    return lowers <= ZYGOTE_MAX_LAYERS && wanted + lowers == fd_count &&
           memchr(c->hostname, '\0', AGENT_HOSTNAME) &&
           memchr(c->template_id, '\0', AGENT_TEMPLATE) &&
           memchr(c->nameserver, '\0', AGENT_NAMESERVER);
}

static int create(const struct received *r, pid_t *pid, int *pidfd) {
    const struct zygote_create *plan = &r->request.create;
    int go[2];
    if (!well_formed(plan, r->fd_count))
        return EPROTO;
    if (pipe2(go, O_CLOEXEC) < 0)
        return errno;
    cleanup_close int go_read = go[0];
    cleanup_close int go_write = go[1];
    struct clone_args args = {
        .flags = NAMESPACES | CLONE_PIDFD, .pidfd = (uintptr_t)pidfd, .exit_signal = SIGCHLD};
    if (plan->flags & ZYGOTE_INTO_CGROUP) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)r->fds[r->fd_count - 1];
    }
    *pid = sys_clone3(&args);
    if (*pid < 0)
        return errno;
    if (*pid == 0) {
        char byte;
        close_fd(&go_write);
        if (read(go_read, &byte, 1) != 1)
            _exit(1);
        close_fd(&go_read);
        setup_run(plan, r->fds, r->fd_count);
    }
    int error = write_map(*pid, "uid_map", plan->id_count);
    if (!error)
        error = write_map(*pid, "gid_map", plan->id_count);
    if (!error && write(go_write, "", 1) != 1)
        error = errno;
    if (error)
        close_fd(pidfd); /* the child ends: nobody lets it go */
    return error;
}

static int helper(const struct received *r, pid_t *pid) {
    struct helper h = {.op = r->request.helper.op, .socket = -1, .arguments = -1};
    if (r->fd_count < 2 || r->fd_count - 2 > HELPER_MAX_OBJECTS)
        return EPROTO;
    *pid = fork();
    if (*pid != 0)
        return *pid < 0 ? errno : 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* what it began, the next daemon goes on with */
    close(AGENT_CONNECTION);
    h.socket = r->fds[0];
    h.arguments = r->fds[1];
    h.object_count = r->fd_count - 2;
    memcpy(h.objects, r->fds + 2, h.object_count * sizeof(int));
    helper_run(&h, HELPER_IN_ZYGOTE);
}

static bool serve(const struct received *r, size_t len) {
    struct zygote_reply reply = {.version = AGENT_PROTOCOL, .id = r->request.any.id, .pid = -1};
    cleanup_close int pidfd = -1;
    const bool is_ping = r->request.any.type == ZYGOTE_PING;
    const bool is_create = r->request.any.type == ZYGOTE_CREATE;
    const bool is_helper = r->request.any.type == ZYGOTE_HELPER;
    if (len < sizeof(r->request.any) || r->request.any.version != AGENT_PROTOCOL)
        reply.error = EPROTO;
    else if (is_create && len == sizeof(r->request.create))
        reply.error = create(r, &reply.pid, &pidfd);
    else if (is_helper && len == sizeof(r->request.helper))
        reply.error = helper(r, &reply.pid);
    else if (!is_ping)
        reply.error = EPROTO;
    return io_send_fds(AGENT_CONNECTION, &reply, sizeof(reply), &pidfd, pidfd >= 0, 0) >= 0;
}

int zygote_main(void) {
    /* static: 5 KiB that each child inherits in place */
    static struct received r;
    prctl(PR_SET_DUMPABLE, 0);
    signal(SIGCHLD, SIG_IGN);
    umask(0);
    for (;;) {
        r.fd_count = IO_MAX_FDS;
        ssize_t n =
            io_recv_fds(AGENT_CONNECTION, &r.request, sizeof(r.request), r.fds, &r.fd_count, 0);
        if (n <= 0)
            return 0;
        bool served = serve(&r, (size_t)n);
        for (size_t i = 0; i < r.fd_count; i++)
            close(r.fds[i]);
        if (!served)
            return 0;
    }
}
