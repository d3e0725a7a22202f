/* SPDX-License-Identifier: Apache-2.0
 *
 * Speaks to systemd through busctl, which comes with it: a D-Bus library for one call, made once a
 * daemon, would not earn its place. Every daemon has a scope of its own, because a process cannot
 * enter one that an earlier daemon left to its sandboxes.
 */
#include "backend/runtime/cgroup_scope.h"

#include "backend/runtime/cgroup_tree.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

static bool run_busctl(const char *const argv[]) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd <= 2; fd++)
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    pid_t pid;
    int rc = posix_spawnp(&pid, argv[0], &actions, NULL, (char **)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    int status = -1;
    return rc == 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

bool cgroup_scope_enter(const char *name) {
    char unit[96], pid[16], text[8192], manager[4096];
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    snprintf(manager, sizeof(manager), "%s/systemd/private", runtime ? runtime : "");
    if (access(manager, F_OK) < 0)
        return false;
    snprintf(unit, sizeof(unit), "%s-%d.scope", name, (int)getpid());
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    const char *const argv[] = {"busctl",
                                "--user",
                                "--timeout=1",
                                "call",
                                "org.freedesktop.systemd1",
                                "/org/freedesktop/systemd1",
                                "org.freedesktop.systemd1.Manager",
                                "StartTransientUnit",
                                "ssa(sv)a(sa(sv))",
                                unit,
                                "fail",
                                "3",
                                "PIDs",
                                "au",
                                "1",
                                pid,
                                "Delegate",
                                "b",
                                "true",
                                "CollectMode",
                                "s",
                                "inactive-or-failed",
                                "0",
                                NULL};
    if (!run_busctl(argv))
        return false;
    /* the answer is the number of a job; it is done when we are there */
    for (int tries = 0; tries < 200; tries++) {
        if (cgroup_get("/proc/self", "cgroup", text, sizeof(text)) && strstr(text, unit))
            return true;
        pause_ms(5);
    }
    return false;
}
