/* SPDX-License-Identifier: Apache-2.0
 *
 * One poll loop over signals, the stream, standard input and output. Nothing in it waits for one
 * party alone, but calls that the backend answers at once (a signal, a size, a timeout).
 */
#include "cli/sandbox/attach.h"

#include "cli/interrupt.h"
#include "cli/sandbox/events.h"
#include "cli/sandbox/feed.h"
#include "cli/sandbox/handle.h"
#include "cli/terminal.h"
#include "common/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

enum {
    GIVE_UP = 3,          /* that many signals end us, whatever the command does */
    EARLY_WAIT_MS = 2000, /* a signal that comes before the process is known waits for it so long */
};

struct session {
    const struct attach *attach;
    struct attach_end *end;
    struct client_stream *stream;
    struct feed feed;
    struct events events;
    int signals; /* signalfd */
    int interrupts, last_signal;
    int64_t renew_at, leave_at; /* monotonic milliseconds; leave_at 0: not decided */
};

/* What our parent told us to ignore (nohup, a shell's background job) stays ignored. */
static void signals_of(sigset_t *set) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
    sigemptyset(set);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct sigaction now;
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(set, numbers[i]);
    }
}

/* how: SIG_BLOCK for the time that the signalfd gets them, SIG_UNBLOCK */
static void mask_signals(int how) {
    sigset_t set;
    signals_of(&set);
    sigprocmask(how, &set, NULL);
}

bool attach_has_input(void) {
    struct stat st;
    return fstat(STDIN_FILENO, &st) == 0 &&
           (S_ISFIFO(st.st_mode) || S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* ---- calls beside the stream ------------------------------------------------------------------
 */

static bool call(struct session *s, const char *method, json_t *message, struct error *err) {
    cleanup_response struct response response = {0};
    const struct attach *a = s->attach;
    json_object_set_new(message, "process", json_pack("{s:I}", "pid", (json_int_t)s->end->pid));
    bool ok = client_rpc(a->client, a->sandbox, method, a->user, message, &response, err);
    json_decref(message);
    return ok;
}

/* A process that is gone needs no signal: its end is on the way. */
static bool send_signal(struct session *s, const char *name, struct error *err) {
    return call(s, "process.Process/SendSignal", json_pack("{s:s}", "signal", name), err) ||
           err->kind == ERR_NOT_FOUND;
}

static json_t *size_now(void) {
    struct terminal_size size;
    terminal_size(STDIN_FILENO, &size);
    return json_pack("{s:{s:i, s:i}}", "size", "cols", (int)size.columns, "rows", (int)size.rows);
}

static void resize(struct session *s) {
    struct error ignored; /* a wrong size is no reason to end a session */
    if (s->attach->tty && s->end->pid)
        call(s, "process.Process/Update", json_pack("{s:o}", "pty", size_now()), &ignored);
}

static void renew(struct session *s) {
    const struct attach *a = s->attach;
    struct error ignored; /* if the sandbox is gone the stream says so */
    if (!a->renew_s || clock_mono_ms() < s->renew_at)
        return;
    handle_set_timeout(a->client, a->sandbox->id, a->renew_s, &ignored);
    s->renew_at = clock_mono_ms() + a->renew_s * 1000 / 3;
}

/* Reads events as long as their output can be handed on at once. */
static bool read_events(struct session *s, struct error *err) {
    while (!s->events.ended && !s->events.out.gone && events_drained(&s->events)) {
        json_t *message;
        enum stream_result result = client_stream_next(s->stream, &message, err);
        if (result == STREAM_WAIT)
            return true;
        if (result == STREAM_FAILED)
            return false;
        if (result == STREAM_END)
            return error_set(err, ERR_UNAVAILABLE, "the sandbox ended the stream too early");
        bool ok = events_take(&s->events, message, err);
        json_decref(message);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- the loop ---------------------------------------------------------------------------------
 */

enum { ON_SIGNALS, ON_STREAM, ON_INPUT, ON_REPLY, ON_OUT, ON_ERR, ON_COUNT };

/* Of a terminal it means that the terminal is gone, and shells in one ignore SIGTERM. */
static const char *interrupt_name(const struct session *s) {
    return s->interrupts > 1 || s->attach->tty ? "SIGNAL_SIGKILL" : "SIGNAL_SIGTERM";
}

static bool take_signal(struct session *s, struct error *err) {
    struct signalfd_siginfo info;
    if (read(s->signals, &info, sizeof(info)) != sizeof(info))
        return true;
    if (info.ssi_signo == SIGWINCH) {
        resize(s);
        return true;
    }
    s->interrupts++;
    s->last_signal = (int)info.ssi_signo;
    if (s->interrupts == GIVE_UP)
        s->end->interrupted = s->last_signal;
    if (!s->end->pid && !s->leave_at)
        s->leave_at = clock_mono_ms() + EARLY_WAIT_MS;
    if (!s->end->pid || s->end->interrupted)
        return true;
    return send_signal(s, interrupt_name(s), err);
}

static int patience(const struct session *s) {
    int64_t until = s->attach->renew_s ? s->renew_at : INT64_MAX;
    if (!s->end->pid && s->leave_at)
        until = MIN(until, s->leave_at);
    return until == INT64_MAX ? -1 : (int)MAX(until - clock_mono_ms(), (int64_t)0);
}

/* Nobody answers, and we were asked to leave. */
static void leave_in_time(struct session *s) {
    if (!s->end->pid && s->leave_at && clock_mono_ms() >= s->leave_at)
        s->end->interrupted = s->last_signal;
}

/* Standard output is watched also while there is nothing to write: with no events asked for, poll
 * still tells when the reader of a pipe leaves. */
static bool wait_and_act(struct session *s, struct error *err) {
    bool idle = events_drained(&s->events);
    struct pollfd fds[ON_COUNT] = {
        [ON_SIGNALS] = {.fd = s->signals, .events = POLLIN},
        [ON_STREAM] = {.fd = idle ? client_stream_fd(s->stream) : -1, .events = POLLIN},
        [ON_INPUT] = {.fd = feed_fd(&s->feed), .events = POLLIN},
        [ON_REPLY] = {.fd = s->feed.reply ? client_stream_fd(s->feed.reply) : -1, .events = POLLIN},
        [ON_OUT] = {.fd = STDOUT_FILENO, .events = sink_empty(&s->events.out) ? 0 : POLLOUT},
        [ON_ERR] = {.fd = sink_empty(&s->events.err) ? -1 : STDERR_FILENO, .events = POLLOUT},
    };
    if (poll(fds, ON_COUNT, patience(s)) < 0)
        return errno == EINTR || error_errno(err, errno, "cannot wait");
    s->events.out.gone |= (fds[ON_OUT].revents & (POLLERR | POLLHUP)) != 0;
    if (fds[ON_SIGNALS].revents && !take_signal(s, err))
        return false;
    if (fds[ON_INPUT].revents && !feed_read(&s->feed, err))
        return false;
    renew(s);
    leave_in_time(s);
    return true;
}

static bool finished(const struct session *s) {
    const struct attach *a = s->attach;
    bool left = a->background && s->end->pid && feed_done(&s->feed);
    return left || s->events.out.gone || s->end->interrupted ||
           (s->events.ended && events_drained(&s->events));
}

/* Input and signals that came too early have an address from now on. */
static bool note_start(struct session *s, struct error *err) {
    if (!s->end->pid || s->feed.pid)
        return true;
    s->feed.pid = s->end->pid;
    return !s->interrupts || send_signal(s, interrupt_name(s), err);
}

static bool loop(struct session *s, struct error *err) {
    while (read_events(s, err) && note_start(s, err) && feed_reply(&s->feed, err)) {
        if (finished(s))
            return true;
        if (!wait_and_act(s, err) || !sink_flush(&s->events.out, err) ||
            !sink_flush(&s->events.err, err))
            break;
    }
    return false;
}

/* Whoever reads its output left, or we cannot pass it on: nobody else would end it. Where only the
 * connection broke, the process lives on, as the service has it. */
static void put_down(struct session *s, bool ok, const struct error *err) {
    struct error ignored;
    bool ours =
        s->events.out.gone || (!ok && (err->kind == ERR_INTERNAL || err->kind == ERR_NO_SPACE));
    if (ours && s->end->pid && !s->events.ended)
        send_signal(s, "SIGNAL_SIGKILL", &ignored);
}

static json_t *start_message(const struct attach *a) {
    json_t *message = json_pack("{s:O}", "process", a->process);
    if (a->tty)
        json_object_set_new(message, "pty", size_now());
    else
        json_object_set_new(message, "stdin", json_boolean(a->input));
    return message;
}

static bool open_session(struct session *s, struct error *err) {
    const struct attach *a = s->attach;
    sigset_t set;
    signals_of(&set);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signals < 0)
        return error_errno(err, errno, "cannot wait for signals");
    cleanup_json json_t *message = start_message(a);
    s->stream = client_stream_open(a->client, a->sandbox, "process.Process/Start", a->user, message,
                                   0, err);
    return s->stream && (!a->tty || !isatty(STDIN_FILENO) || terminal_raw(err));
}

static void close_session(struct session *s) {
    terminal_restore();
    s->end->undelivered =
        s->feed.undelivered || (s->events.ended && s->feed.reply && s->feed.fd >= 0);
    s->end->hung_up = s->events.out.gone;
    feed_free(&s->feed);
    if (s->stream)
        client_stream_close(s->stream);
    events_free(&s->events);
    close_fd(&s->signals);
    interrupt_catch();
    mask_signals(SIG_UNBLOCK);
}

bool attach_run(const struct attach *attach, struct attach_end *end, struct error *err) {
    *end = (struct attach_end){0};
    struct session session = {
        .attach = attach,
        .end = end,
        .feed = {.client = attach->client,
                 .sandbox = attach->sandbox,
                 .user = attach->user,
                 .fd = attach->input ? STDIN_FILENO : -1,
                 .tty = attach->tty},
        .events = {.end = end, .out = SINK_INIT(STDOUT_FILENO), .err = SINK_INIT(STDERR_FILENO)},
        .signals = -1,
        .renew_at = clock_mono_ms() + attach->renew_s * 1000 / 3,
    };
    fflush(stdout);
    mask_signals(SIG_BLOCK);
    end->interrupted = interrupt_signal();
    bool ok = end->interrupted || (open_session(&session, err) && loop(&session, err));
    put_down(&session, ok, err);
    close_session(&session);
    return ok;
}
