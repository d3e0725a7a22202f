/* SPDX-License-Identifier: Apache-2.0
 *
 * The set-up of a sandbox, step by step, in the process that becomes its PID 1. The order carries
 * weight: groups before the namespace that hides them, /proc and /sys while the host's are still
 * there to vouch for them, capabilities last, because everything before needs some.
 */
#include "backend/agent/setup.h"
#include "backend/agent/parts.h"
#include "backend/agent/sys.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Not before the overlays are there: what the disk's file system caches of their directories would
 * be charged to the group, and a removed group is kept by the kernel as long as any such page. */
static int enter_groups(struct setup *s) {
    for (size_t i = 0; i < s->plan->cgroup_count; i++) {
        if (write(s->cgroups[i], "0", 1) != 1)
            return errno;
        close(s->cgroups[i]);
    }
    return unshare(CLONE_NEWCGROUP) < 0 ? errno : 0;
}

static int unshare_network(struct setup *s) {
    (void)s;
    setsid();
    return unshare(CLONE_NEWNET) < 0 ? errno : 0;
}

static int bring_up_loopback(struct setup *s) {
    (void)s;
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return errno;
    int error = ioctl(sock, SIOCSIFFLAGS, &request) < 0 ? errno : 0;
    close(sock);
    return error;
}

static int set_hostname(struct setup *s) {
    return sethostname(s->plan->hostname, strlen(s->plan->hostname)) < 0 ? errno : 0;
}

/* 0, 1 and 2 were opened outside. */
static int open_stdio(struct setup *s) {
    (void)s;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return errno;
    for (int fd = 0; fd <= 2; fd++)
        if (dup2(null, fd) < 0)
            return errno;
    close(null);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct setup *s);
} steps[] = {
    {"making its network namespace", unshare_network},
    {"finding its volumes", setup_take_volumes}, /* while every path is still to be seen */
    {"finding its layers", setup_layers},
    {"mounting its root", setup_overlays},
    {"entering its control groups", enter_groups},
    {"entering its root", setup_enter_root},
    {"mounting /proc and /sys", setup_kernel_mounts},
    {"making /dev", setup_devices},
    {"making /run and /tmp", setup_run_and_tmp},
    {"leaving the host's files", setup_leave_old_root},
    {"masking kernel files", setup_masks},
    {"mounting its volumes", setup_volumes},
    {"bringing up loopback", bring_up_loopback},
    {"setting its hostname", set_hostname},
    {"opening /dev/null", open_stdio},
    {"setting resource limits", setup_limits},
    {"loading the system call filter", setup_seccomp},
    {"dropping capabilities", setup_capabilities},
};

/* Moves the two descriptors that last to their places, whatever lies there now. */
static int settle(int listen, int connection) {
    int high = fcntl(listen, F_DUPFD_CLOEXEC, AGENT_LISTEN + 1);
    if (high < 0 || dup3(connection, AGENT_CONNECTION, O_CLOEXEC) < 0 ||
        dup3(high, AGENT_LISTEN, O_CLOEXEC) < 0)
        return errno;
    return sys_close_range(AGENT_LISTEN + 1, ~0U, 0) < 0 ? errno : 0;
}

static void take(struct setup *s, const int *fds) {
    fds += 2;
    s->seccomp = *fds++;
    s->rw = *fds++;
    for (size_t i = 0; i < s->plan->overlay_count; i++)
        for (uint32_t k = 0; k < s->plan->overlays[i].lower_count; k++)
            s->lowers[s->lower_count++] = *fds++;
    for (size_t i = 0; i < s->plan->mount_count; i++)
        s->volumes[i] = *fds++;
    for (size_t i = 0; i < s->plan->cgroup_count; i++)
        s->cgroups[i] = *fds++;
}

static noreturn void give_up(int connection, const char *step, const char *what, int error) {
    struct agent_reply reply = {.version = AGENT_PROTOCOL, .type = AGENT_FAILED, .error = error};
    const char *const parts[] = {step, what ? ": " : "", what ? what : ""};
    size_t used = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t len = strnlen(parts[i], sizeof(reply.text) - 1 - used);
        memcpy(reply.text + used, parts[i], len);
        used += len;
    }
    send(connection, &reply, sizeof(reply), MSG_NOSIGNAL);
    _exit(1);
}

noreturn void setup_run(const struct zygote_create *plan, const int *fds, size_t fd_count) {
    struct setup s = {.plan = plan, .old_root = -1};
    const int listen_fd = fds[0], connection = fds[1];
    (void)fd_count;          /* the zygote checked it against the plan */
    close(AGENT_CONNECTION); /* the zygote's own */
    signal(SIGCHLD, SIG_DFL);
    take(&s, fds);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        s.what = NULL;
        int error = steps[i].run(&s);
        if (error)
            give_up(connection, steps[i].name, s.what, error);
    }
    int error = settle(listen_fd, connection);
    if (error)
        give_up(connection, "keeping its connection", NULL, error);
    agent_run(plan);
}
