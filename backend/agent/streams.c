/* SPDX-License-Identifier: Apache-2.0
 *
 * See streams.h.
 */
#include "backend/agent/streams.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

static int terminals = -1;

bool streams_start(void) {
    terminals = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return terminals >= 0;
}

void streams_close(struct streams *s) {
    close_fd(&s->out);
    close_fd(&s->err);
    close_fd(&s->in);
}

static bool make_pipe(int *reader, int *writer) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    *reader = ends[0];
    *writer = ends[1];
    return true;
}

static bool make_terminal(struct streams *near, struct streams *far,
                          const struct agent_request *request) {
    const struct winsize size = {.ws_row = request->rows, .ws_col = request->cols};
    int unlock = 0;
    near->out = openat(terminals, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (near->out < 0 || ioctl(near->out, TIOCSPTLCK, &unlock) < 0 ||
        ioctl(near->out, TIOCSWINSZ, &size) < 0)
        return false;
    far->out = ioctl(near->out, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return far->out >= 0;
}

bool streams_make(struct streams *near, struct streams *far, const struct agent_request *request) {
    *near = *far = (struct streams){-1, -1, -1};
    bool made = request->flags & SPAWN_PTY
                    ? make_terminal(near, far, request)
                    : make_pipe(&near->out, &far->out) && make_pipe(&near->err, &far->err) &&
                          (!(request->flags & SPAWN_STDIN) || make_pipe(&far->in, &near->in));
    if (made)
        return true;
    int error = errno;
    streams_close(near);
    streams_close(far);
    errno = error;
    return false;
}

size_t streams_list(const struct streams *s, int fds[3]) {
    const int all[] = {s->out, s->err, s->in};
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i] >= 0)
            fds[count++] = all[i];
    return count;
}
