/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/runtime/slirp.h"

#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { READY_MS = 5000, EXIT_FD = 3, READY_FD = 4 };

const char *slirp_program(void) {
    static const char *const places[] = {"/usr/bin/slirp4netns", "/usr/local/bin/slirp4netns",
                                         "/bin/slirp4netns"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

/* Descriptors 3 and 4 of the program are exit and ready; spawned in a session of its own, so that a
 * terminal's Ctrl-C does not reach it. */
static bool start(pid_t target, int exit_fd, int ready_fd, pid_t *pid, struct error *err) {
    char user[64], net[64];
    snprintf(user, sizeof(user), "--userns-path=/proc/%d/ns/user", (int)target);
    snprintf(net, sizeof(net), "/proc/%d/ns/net", (int)target);
    const char *const argv[] = {"slirp4netns",  "--disable-host-loopback",
                                "--mtu=65520",  "--exit-fd=3",
                                "--ready-fd=4", "--netns-type=path",
                                user,           net,
                                "tap0",         NULL};
    char *const envp[] = {NULL};
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, 0, 1);
    posix_spawn_file_actions_adddup2(&actions, 0, 2);
    posix_spawn_file_actions_adddup2(&actions, exit_fd, EXIT_FD);
    posix_spawn_file_actions_adddup2(&actions, ready_fd, READY_FD);
    int error = posix_spawn(pid, slirp_program(), &actions, &attributes,
                            (char *const *)(uintptr_t)argv, envp);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error ? error_errno(err, error, "cannot run slirp4netns") : true;
}

/* A byte means ready; end of file that it died. */
static bool wait_ready(int fd) {
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    char byte;
    int n;
    do
        n = poll(&poller, 1, READY_MS);
    while (n < 0 && errno == EINTR);
    return n == 1 && read(fd, &byte, 1) == 1;
}

pid_t slirp_attach(pid_t target, int exit_fd, struct error *err) {
    int ready[2];
    pid_t pid;
    if (pipe2(ready, O_CLOEXEC) < 0) {
        error_errno(err, errno, "cannot make a pipe");
        return -1;
    }
    cleanup_close int from = ready[0], to = ready[1];
    /* Out of the way of the numbers the program is given, which the spawn would overwrite. */
    cleanup_close int high_exit = fcntl(exit_fd, F_DUPFD_CLOEXEC, 10);
    cleanup_close int high_ready = fcntl(to, F_DUPFD_CLOEXEC, 10);
    close_fd(&to);
    if (high_exit < 0 || high_ready < 0) {
        error_errno(err, errno, "cannot start slirp4netns");
        return -1;
    }
    if (!start(target, high_exit, high_ready, &pid, err))
        return -1;
    close_fd(&high_ready);
    if (wait_ready(from))
        return pid;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    error_set(err, ERR_UNSUPPORTED, "slirp4netns could not connect the sandbox");
    error_hint(err, "`e2b doctor` tells what it lacks (often access to /dev/net/tun)");
    return -1;
}
