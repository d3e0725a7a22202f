/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything between fork and exec happens in a child with one thread and without allocation, so
 * what it needs is prepared before.
 */
#include "client/launch.h"

#include "common/clock.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
    WORDS_FD = 3,
    SILENCE_MS = 120000, /* building the base reports progress; longer without a word is a hang */
    MAX_LINE = 4096,
};

/* What the child needs, prepared before the fork. */
struct birth {
    char program[PATHS_MAX];
    char log[PATHS_MAX + sizeof(PATHS_LOG) + 1];
    int words;
};

static void inherit_nothing(const struct birth *birth) {
    sigset_t none;
    int null = open("/dev/null", O_RDWR);
    int log = open(birth->log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0600);
    int words = fcntl(birth->words, F_DUPFD, WORDS_FD + 1);
    dup2(null, 0);
    dup2(log < 0 ? null : log, 1);
    dup2(log < 0 ? null : log, 2);
    dup2(words, WORDS_FD);
    syscall(SYS_close_range, WORDS_FD + 1, ~0U, 0);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(077);
}

/* In the child's child: does not return. */
static void become_daemon(const struct birth *birth) {
    const char *const argv[] = {"e2bd", NULL};
    inherit_nothing(birth);
    if (chdir("/") == 0)
        execv(birth->program, (char **)(uintptr_t)argv);
    dprintf(WORDS_FD, "error cannot start %s: %s\thint is the installation complete?\n",
            birth->program, strerror(errno));
    _exit(127);
}

/* Twice forked, it is nobody's child; its own session keeps the terminal's signals away. */
static bool fork_daemon(const struct birth *birth, struct error *err) {
    pid_t child = fork();
    if (child < 0)
        return error_errno(err, errno, "cannot start the local backend");
    if (child == 0) {
        setsid();
        pid_t daemon = fork();
        if (daemon == 0)
            become_daemon(birth);
        _exit(daemon < 0 ? 1 : 0);
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error_set(err, ERR_LIMIT, "cannot start the local backend: too many processes");
    return true;
}

static bool refused(char *text, struct error *err) {
    char *hint = strstr(text, "\thint ");
    if (hint)
        *hint = '\0';
    error_set(err, ERR_UNAVAILABLE, "the local backend cannot start: %s", text);
    return error_hint(err, "%s",
                      hint ? hint + strlen("\thint ") : "`e2b doctor` examines this machine");
}

enum word { WORD_MORE, WORD_READY, WORD_FAILED };

static enum word hear(char *line, void (*progress)(const char *line), struct error *err) {
    if (strcmp(line, "ready") == 0)
        return WORD_READY;
    if (strncmp(line, "error ", 6) == 0) {
        refused(line + 6, err);
        return WORD_FAILED;
    }
    if (strncmp(line, "progress ", 9) == 0 && progress)
        progress(line + 9);
    return WORD_MORE;
}

/* One read's worth of lines. WORD_MORE with nothing left to read sets *ended. */
static enum word listen_once(int words, struct buf *text, bool *ended,
                             void (*progress)(const char *line), struct error *err) {
    char *end;
    if (!buf_reserve(text, 1))
        buf_consume(text, text->len);
    ssize_t n =
        buf_reserve(text, MAX_LINE / 2) ? read(words, text->data + text->len, MAX_LINE / 2) : -1;
    *ended = n == 0 || (n < 0 && errno != EINTR);
    if (n > 0)
        text->len += (size_t)n;
    while ((end = memchr(text->data, '\n', text->len))) {
        *end = '\0';
        enum word word = hear(text->data, progress, err);
        if (word != WORD_MORE)
            return word;
        buf_consume(text, (size_t)(end + 1 - text->data));
    }
    return WORD_MORE;
}

static bool wait_ready(int words, void (*progress)(const char *line), struct error *err) {
    cleanup_buf struct buf text = BUF_INIT(MAX_LINE);
    for (bool ended = false; !ended;) {
        struct pollfd fd = {.fd = words, .events = POLLIN};
        int ready = poll(&fd, 1, SILENCE_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0) {
            error_set(err, ERR_TIMEOUT, "the local backend does not get ready");
            return error_hint(err, "see `e2b local logs`");
        }
        enum word word = listen_once(words, &text, &ended, progress, err);
        if (word != WORD_MORE)
            return word == WORD_READY;
    }
    error_set(err, ERR_UNAVAILABLE, "the local backend died while it started");
    return error_hint(err, "see `e2b local logs`; `e2b doctor` examines this machine");
}

bool launch_daemon(const struct paths *paths, void (*progress)(const char *line),
                   struct error *err) {
    struct birth birth;
    int pair[2];
    if (!paths_program("e2bd", birth.program, err))
        return false;
    snprintf(birth.log, sizeof(birth.log), "%s/%s", paths->state, PATHS_LOG);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return error_errno(err, errno, "cannot start the local backend");
    cleanup_close int mine = pair[0];
    birth.words = pair[1];
    bool forked = fork_daemon(&birth, err);
    close(pair[1]);
    return forked && wait_ready(mine, progress, err);
}
