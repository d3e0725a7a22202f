/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/process_io.h"
#include "backend/core/core.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

enum { READS_A_TURN = 8 }; /* then the rest of the loop has its turn */

struct channel {
    uv_poll_t poll;
    int fd, events;
    struct process *process;
    enum process_stream stream;
};

/* Something that waits to be written. */
struct process_write {
    struct process_write *next;
    size_t len, at;
    void (*done)(void *ctx, const struct error *err);
    void *ctx;
    char bytes[];
};

static void on_poll(uv_poll_t *poll, int status, int events);

struct channel *channel_open(struct process *process, int fd, enum process_stream stream,
                             struct error *err) {
    struct channel *channel = calloc(1, sizeof(*channel));
    int failure =
        channel ? uv_poll_init(process->sandbox->core->config.loop, &channel->poll, fd) : UV_ENOMEM;
    if (failure) {
        error_errno(err, -failure, "cannot watch a pipe of a process");
        free(channel);
        close(fd);
        return NULL;
    }
    channel->poll.data = channel;
    channel->fd = fd;
    channel->process = process;
    channel->stream = stream;
    return channel;
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

void channel_close(struct channel **slot) {
    struct channel *channel = steal_ptr(slot);
    if (!channel)
        return;
    uv_close((uv_handle_t *)&channel->poll, on_closed);
    close_fd(&channel->fd);
    channel->process = NULL;
}

bool channel_resize(const struct channel *channel, uint16_t cols, uint16_t rows) {
    struct winsize size = {.ws_col = cols, .ws_row = rows};
    return ioctl(channel->fd, TIOCSWINSZ, &size) == 0;
}

static void set_events(struct channel *channel, int events) {
    if (!channel || channel->events == events)
        return;
    channel->events = events;
    if (events)
        uv_poll_start(&channel->poll, events, on_poll);
    else
        uv_poll_stop(&channel->poll);
}

static bool is_paused(const struct process *process) {
    for (const struct process_listener *at = process->listeners; at; at = at->next)
        if (at->full)
            return true;
    return false;
}

void process_poll(struct process *process) {
    int output = is_paused(process) ? 0 : UV_READABLE;
    int input = process->writes ? UV_WRITABLE : 0;
    set_events(process->out, process->pty ? output | input : output);
    set_events(process->err, output);
    set_events(process->in, input);
}

/* ---- output ----------------------------------------------------------------------------------
 */

/* False when the channel has nothing more: at its end, or dry after a program whose own end is
 * enough. */
static bool read_once(struct channel *channel, bool *more) {
    static char bytes[PROCESS_PIPE_CHUNK];
    struct process *process = channel->process;
    bool terminal = channel->stream == PROCESS_TERMINAL;
    bool draining = process->exit_known && process->ends_alone;
    size_t room = terminal ? PROCESS_TERMINAL_CHUNK : PROCESS_PIPE_CHUNK;
    ssize_t n = nowait_read(channel->fd, bytes, room, terminal);
    *more = n > 0;
    if (n < 0)
        return (errno == EAGAIN && !draining) || errno == EINTR;
    if (n == 0)
        return false;
    process_tell_data(process, channel->stream, bytes, (size_t)n);
    if (!draining)
        return true;
    process->drain_left -= MIN((size_t)n, process->drain_left);
    return process->drain_left > 0;
}

static void read_channel(struct channel **slot) {
    struct process *process = *slot ? (*slot)->process : NULL;
    bool more = process != NULL;
    for (int i = 0; more && i < READS_A_TURN && !is_paused(process); i++) {
        process->reading = true;
        bool open = read_once(*slot, &more);
        process->reading = false;
        if (!open) {
            channel_close(slot);
            return;
        }
    }
}

void process_settle(struct process *process) {
    if (process->reading || process->ended)
        return;
    if (process->exit_known && process->ends_alone) {
        read_channel(&process->out);
        read_channel(&process->err);
    }
    process_poll(process);
    process_check_end(process);
}

/* ---- input -----------------------------------------------------------------------------------
 */

static void finish_write(struct process *process, const struct error *err) {
    struct process_write *write = process->writes;
    process->writes = write->next;
    if (!process->writes)
        process->writes_end = &process->writes;
    process->writes_len -= write->len;
    write->done(write->ctx, err);
    free(write);
}

void process_drop_writes(struct process *process, const struct error *err) {
    while (process->writes)
        finish_write(process, err);
}

static void write_some(struct process *process, int fd) {
    struct error err = ERROR_INIT;
    while (process->writes) {
        struct process_write *write = process->writes;
        ssize_t n =
            nowait_write(fd, write->bytes + write->at, write->len - write->at, process->pty);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) {
            error_errno(&err, errno, "error writing to %s", process->pty ? "tty" : "stdin");
            process_drop_writes(process, &err);
            return;
        }
        write->at += (size_t)n;
        if (write->at == write->len)
            finish_write(process, NULL);
    }
}

static bool may_write(const struct process *process, bool to_pty, size_t len, struct error *err) {
    if (process->pty && !to_pty)
        return error_set(err, ERR_INTERNAL,
                         "tty assigned to process — input should be written to the pty, not the "
                         "stdin");
    if (!process->pty && to_pty)
        return error_set(err, ERR_INTERNAL, "tty not assigned to process");
    if (process->close_wanted || !(process->pty ? process->out : process->in))
        return error_set(err, ERR_INTERNAL,
                         process->pty ? "tty closed" : "stdin not enabled or closed");
    if (len > PROCESS_MAX_WAITING - process->writes_len)
        return error_set(err, ERR_LIMIT, "more than %d MiB of input are waiting to be read",
                         PROCESS_MAX_WAITING >> 20);
    return true;
}

void process_write(struct process *process, bool to_pty, const void *bytes, size_t len,
                   void (*done)(void *ctx, const struct error *err), void *ctx) {
    struct error err = ERROR_INIT;
    if (!may_write(process, to_pty, len, &err)) {
        done(ctx, &err);
        return;
    }
    if (!len) {
        done(ctx, NULL);
        return;
    }
    struct process_write *write = malloc(sizeof(*write) + len);
    if (!write) {
        error_errno(&err, ENOMEM, "cannot hold the input");
        done(ctx, &err);
        return;
    }
    *write = (struct process_write){.len = len, .done = done, .ctx = ctx};
    memcpy(write->bytes, bytes, len);
    *process->writes_end = write;
    process->writes_end = &write->next;
    process->writes_len += len;
    process_poll(process);
}

static void close_stdin(struct process *process) {
    channel_close(&process->in);
    guest_close_stdin(process->sandbox->guest, process->pid);
}

bool process_close_stdin(struct process *process, struct error *err) {
    if (process->pty)
        return error_set(err, ERR_UNSUPPORTED,
                         "cannot close stdin for PTY process — send Ctrl+D (0x04) instead");
    if (process->ended || process->close_wanted)
        return true;
    process->close_wanted = true;
    if (!process->writes)
        close_stdin(process);
    return true;
}

/* ---- both ------------------------------------------------------------------------------------
 */

static struct channel **slot_of(struct channel *channel) {
    struct process *process = channel->process;
    return channel == process->out   ? &process->out
           : channel == process->err ? &process->err
                                     : &process->in;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    struct channel *channel = poll->data;
    struct process *process = channel->process;
    struct channel **slot = slot_of(channel);
    if (status < 0) {
        /* libuv has stopped by itself: a reader of stdin has gone, and writing says so. */
        channel->events = 0;
        events = slot == &process->in ? UV_WRITABLE : UV_READABLE;
    }
    if (events & UV_WRITABLE)
        write_some(process, channel->fd);
    if (slot != &process->in && (events & UV_READABLE))
        read_channel(slot);
    if (process->close_wanted && !process->writes && process->in)
        close_stdin(process);
    process_settle(process);
}
