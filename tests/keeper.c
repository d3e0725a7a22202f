/* SPDX-License-Identifier: Apache-2.0
 *
 * keeper SECONDS PROGRAM [ARGUMENT...]: runs one test file and lets nothing of it survive. It is
 * the subreaper of all that the test starts, so a daemon that left its session is still found here.
 * What goes wrong is told as TAP on stdout: a time-out, and each process left behind (which is then
 * killed; a tenth of SECONDS is given to it). The exit status is the program's, 128 + signal, or
 * 124 after a time-out.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILL_SECONDS = 3, EXIT_TIMEOUT = 124 };

static sigset_t watched;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Waits for a signal until `end`: its number, or 0 when the time is over. */
static int await_signal(double end) {
    double left = end - now();
    if (left < 0)
        return 0;
    struct timespec wait = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
    int number = sigtimedwait(&watched, NULL, &wait);
    return number > 0 ? number : errno == EINTR ? SIGCHLD : 0;
}

/* Reaps all that has ended. False when no child is left at all. */
static bool reap(pid_t main_child, int *status, bool *ended) {
    for (;;) {
        int one;
        pid_t pid = waitpid(-1, &one, WNOHANG);
        if (pid <= 0)
            return pid == 0;
        if (pid == main_child) {
            *status = one;
            *ended = true;
        }
    }
}

/* Calls `each` for every child; they are the roots of all that is left. */
static void for_children(void (*each)(pid_t pid)) {
    FILE *list = fopen("/proc/thread-self/children", "re");
    int pid;
    if (!list)
        return;
    while (fscanf(list, "%d", &pid) == 1)
        each(pid);
    fclose(list);
}

static void report(pid_t pid) {
    char path[64], line[256] = "";
    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);
    if (fd >= 0)
        close(fd);
    for (ssize_t i = 0; i + 1 < n; i++)
        if (line[i] == '\0' || line[i] == '\n')
            line[i] = ' ';
    printf("not ok - leaves no process behind: %d %s\n", pid, line);
}

static void kill_one(pid_t pid) {
    kill(pid, SIGKILL);
}

/* Children of the killed become ours, so this goes on until there are none, or only such that an
 * ordinary user may not kill. */
static void kill_all(void) {
    double end = now() + KILL_SECONDS;
    int status;
    bool ended;
    while (reap(0, &status, &ended) && now() < end) {
        for_children(kill_one);
        await_signal(now() + 0.1);
    }
}

static pid_t start(char **argv) {
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    sigprocmask(SIG_UNBLOCK, &watched, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid(); /* no terminal: the same outcome at a desk and in CI */
    execvp(argv[0], argv);
    fprintf(stderr, "keeper: %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* Returns what ended the wait: SIGCHLD (the program is done), another signal, or 0 (time-out). */
static int wait_for(pid_t pid, double seconds, int *status) {
    double end = now() + seconds;
    bool ended = false;
    for (;;) {
        reap(pid, status, &ended);
        if (ended)
            return SIGCHLD;
        int number = await_signal(end);
        if (number != SIGCHLD)
            return number;
    }
}

/* A clean stop may still be under way when the test's own program has ended. */
static void settle(double seconds) {
    double end = now() + seconds;
    int status;
    bool ended;
    while (reap(0, &status, &ended) && await_signal(end) != 0)
        continue;
    for_children(report);
}

int main(int argc, char **argv) {
    if (argc < 3 || atoi(argv[1]) <= 0) {
        fprintf(stderr, "usage: keeper SECONDS PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGHUP);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGTERM);

    int status = 0;
    int cause = wait_for(start(argv + 2), atoi(argv[1]), &status);
    if (cause == 0)
        printf("not ok - ends within %s seconds\n", argv[1]);
    else if (cause == SIGCHLD)
        settle(atoi(argv[1]) / 10.0);
    fflush(stdout);
    kill_all();
    if (cause == 0)
        return EXIT_TIMEOUT;
    if (cause != SIGCHLD)
        return 128 + cause;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
