/* SPDX-License-Identifier: Apache-2.0
 *
 * Walks /proc until a whole pass finds nobody new to signal: a process that forks meanwhile is
 * found by the next one.
 */
#include "backend/runtime/stop.h"

#include "common/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { MAX_PASSES = 50 };

static bool pid_namespace(pid_t pid, struct stat *st) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
    return stat(path, st) == 0;
}

/* 'T' when stopped, 'Z' when dead, '\0' when that cannot be seen for want of a descriptor. */
static char state_of(pid_t pid) {
    char path[64], text[256];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && error_is_passing(errno))
        return '\0';
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    text[MAX(n, 0)] = '\0';
    const char *behind = strrchr(text, ')'); /* a name may hold anything */
    return behind && behind[1] == ' ' ? behind[2] : 'Z';
}

/* Whether it had to be signalled; *ok is set to false when nobody can tell. The descriptor is
 * opened first, so that what was looked at is what gets the signal. */
static bool signal_one(pid_t pid, const struct stat *namespace, bool stopped, bool *ok) {
    struct stat st;
    cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    *ok &= pidfd >= 0 || !error_is_passing(errno);
    if (pidfd < 0 || !pid_namespace(pid, &st) || st.st_ino != namespace->st_ino ||
        st.st_dev != namespace->st_dev)
        return false;
    char state = state_of(pid);
    *ok &= state != '\0';
    if (!state || state == 'Z' || state == 'X' || (state == 'T' && stopped))
        return false; /* all are told to go on: one that was to stop may not have got to it yet */
    return syscall(SYS_pidfd_send_signal, pidfd, stopped ? SIGSTOP : SIGCONT, NULL, 0) == 0;
}

/* One walk; false if /proc cannot be read. `sum` stands for who was signalled. Without opendir(),
 * which needs memory: a sandbox that cannot go on is lost. */
static bool pass(pid_t pid1, const struct stat *namespace, bool stopped, uint64_t *sum) {
    cleanup_close int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _Alignas(struct dirent64) char bytes[8192];
    ssize_t len = -1;
    bool ok = true;
    *sum = 0;
    while (proc >= 0 && (len = getdents64(proc, bytes, sizeof(bytes))) > 0)
        for (const char *at = bytes; at < bytes + len;) {
            const struct dirent64 *entry = (const void *)at;
            pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
            if (pid > 0 && pid != pid1 && signal_one(pid, namespace, stopped, &ok))
                *sum += (uint64_t)pid * 0x9e3779b97f4a7c15;
            at += entry->d_reclen;
        }
    if (len == 0 && !ok)
        errno = EMFILE;
    return len == 0 && ok;
}

bool stop_processes(pid_t pid1, bool stopped, struct error *err) {
    struct stat namespace;
    uint64_t before = 0, sum;
    if (!pid_namespace(pid1, &namespace))
        return error_errno(err, errno, "cannot find the processes of a sandbox");
    for (int passes = 0; passes < MAX_PASSES; passes++) {
        if (!pass(pid1, &namespace, stopped, &sum))
            return error_errno(err, errno, "cannot read /proc");
        /* The same ones again: they wait in the kernel, a parent for the exec of its child, say,
         * which is stopped. They stop when they leave it. None is told to stop while others go on,
         * so that takes one walk. */
        if (!stopped || sum == before)
            return true;
        before = sum;
    }
    return error_set(err, ERR_LIMIT, "a sandbox starts processes faster than they can be stopped");
}
