/* SPDX-License-Identifier: Apache-2.0
 *
 * One terminal, so one saved state. terminal_restore() is safe inside a signal handler: tcsetattr
 * is on POSIX's list.
 */
#include "cli/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

static struct termios saved;
static volatile sig_atomic_t is_raw;

bool terminal_size(int fd, struct terminal_size *size) {
    struct winsize window;
    bool known = ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0;
    *size = known ? (struct terminal_size){window.ws_col, window.ws_row}
                  : (struct terminal_size){80, 24};
    return known;
}

void terminal_restore(void) {
    if (is_raw)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
    is_raw = 0;
}

static void restore_and_die(int number) {
    terminal_restore();
    raise(number); /* SA_RESETHAND: the default action now */
}

/* A signal that the command handles itself keeps its handler, which ends in terminal_restore(). */
static void catch_deaths(void) {
    static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGABRT, SIGSEGV, SIGBUS};
    struct sigaction action = {.sa_handler = restore_and_die, .sa_flags = SA_RESETHAND};
    for (size_t i = 0; i < ARRAY_LEN(deadly); i++) {
        struct sigaction now;
        if (sigaction(deadly[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            sigaction(deadly[i], &action, NULL);
    }
}

bool terminal_raw(struct error *err) {
    static bool armed;
    if (is_raw)
        return true;
    if (tcgetattr(STDIN_FILENO, &saved) < 0)
        return error_errno(err, errno, "standard input is not a terminal");
    if (!armed) {
        atexit(terminal_restore);
        catch_deaths();
        armed = true;
    }
    struct termios raw = saved;
    cfmakeraw(&raw);
    is_raw = 1;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) < 0) {
        is_raw = 0;
        return error_errno(err, errno, "cannot put the terminal into raw mode");
    }
    return true;
}
