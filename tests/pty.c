/* SPDX-License-Identifier: Apache-2.0
 *
 * A person at a terminal, for tests: runs a program on a pseudo terminal of 30 rows and 100 columns
 * and follows a script from standard input, a line each:
 *
 *   expect TEXT    wait until TEXT has come out since the last expect
 *   send TEXT      type it; \r, \n, \\ and \ooo (octal) are written so
 *   size ROWS COLS resize the window
 *   kill N         send signal N to the program
 *
 * Then waits for the end. All that came out goes to standard output; the exit status is the
 * program's (128 + N for signal N), or 99 when an expectation was not met within 20 seconds.
 *
 *   pty COMMAND ARGUMENT...
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, MAX_OUTPUT = 1 << 20, UNMET = 99 };

static char output[MAX_OUTPUT + 1];
static size_t length, seen;
static int terminal;
static bool ended;
static pid_t child;

/* False at the end of the program's output, or when nothing comes. */
static bool read_more(void) {
    struct pollfd fd = {.fd = terminal, .events = POLLIN};
    if (poll(&fd, 1, PATIENCE_MS) <= 0 || length == MAX_OUTPUT)
        return false;
    ssize_t n = read(terminal, output + length, MAX_OUTPUT - length);
    ended = n == 0 || (n < 0 && errno != EINTR);
    if (n <= 0)
        return !ended;
    length += (size_t)n;
    return true;
}

static void give_up(const char *text) {
    kill(child, SIGKILL);
    fwrite(output, 1, length, stdout);
    fprintf(stderr, "pty: did not see: %s\n", text);
    exit(UNMET);
}

static void expect(const char *text) {
    for (;;) {
        const char *at = memmem(output + seen, length - seen, text, strlen(text));
        if (at) {
            seen = (size_t)(at - output) + strlen(text);
            return;
        }
        if (!read_more())
            give_up(text);
    }
}

static char unescape(const char **at) {
    if (**at != '\\')
        return *(*at)++;
    char c = *++*at;
    if (c >= '0' && c <= '3') {
        char *end;
        char digits[4] = "";
        memcpy(digits, *at, strnlen(*at, 3));
        c = (char)strtol(digits, &end, 8);
        *at += end - digits;
        return c;
    }
    ++*at;
    return c == 'r' ? '\r' : c == 'n' ? '\n' : c;
}

static void type(const char *text) {
    while (*text) {
        char c = unescape(&text);
        if (write(terminal, &c, 1) != 1)
            give_up(text);
    }
}

static void resize(const char *text) {
    struct winsize size = {0};
    if (sscanf(text, "%hu %hu", &size.ws_row, &size.ws_col) == 2)
        ioctl(terminal, TIOCSWINSZ, &size);
}

static void follow(char *line) {
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "expect ", 7) == 0)
        expect(line + 7);
    else if (strncmp(line, "send ", 5) == 0)
        type(line + 5);
    else if (strncmp(line, "size ", 5) == 0)
        resize(line + 5);
    else if (strncmp(line, "kill ", 5) == 0)
        kill(child, atoi(line + 5));
    else
        give_up(line);
}

int main(int argc, char **argv) {
    struct winsize size = {.ws_row = 30, .ws_col = 100};
    char line[4096];
    if (argc < 2)
        return UNMET;
    child = forkpty(&terminal, NULL, NULL, &size);
    if (child == 0) {
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (child < 0)
        return UNMET;
    while (fgets(line, sizeof(line), stdin))
        follow(line);
    while (read_more())
        ;
    if (!ended)
        give_up("its end");
    int status;
    waitpid(child, &status, 0);
    fwrite(output, 1, length, stdout);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
