/* SPDX-License-Identifier: Apache-2.0
 *
 * While the daemon starts, whoever started it waits for its word on descriptor 3; the lines are
 * described in client/spawn.h. Run by hand, without such a descriptor, it speaks to standard error.
 */
#include "backend/daemon/daemon.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { STARTER_FD = 3 };

static int starter = -1;

void report_open(void) {
    struct stat st;
    if (fstat(STARTER_FD, &st) < 0 || !S_ISSOCK(st.st_mode))
        return;
    fcntl(STARTER_FD, F_SETFD, FD_CLOEXEC);
    starter = STARTER_FD;
}

/* One line; what would break the line into two is a space there. */
static void say(const char *word, const char *text, const char *hint) {
    char line[2048];
    int n = snprintf(line, sizeof(line), "%s%s%s%s%s", word, *text ? " " : "", text,
                     *hint ? "\thint " : "", hint);
    size_t len = MIN((size_t)MAX(n, 0), sizeof(line) - 2);
    for (size_t i = 0; i < len; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[len++] = '\n';
    if (starter < 0)
        fwrite(line, 1, len, stderr);
    else if (send(starter, line, len, MSG_NOSIGNAL) < 0)
        close_fd(&starter); /* nobody listens any more; the log has it too */
}

void report_progress(void *ctx, const char *line) {
    (void)ctx;
    say("progress", line, "");
}

void report_ready(void) {
    say("ready", "", "");
    close_fd(&starter);
}

void report_error(const struct error *err) {
    say("error", err->message, err->hint);
}
