/* SPDX-License-Identifier: Apache-2.0
 *
 * A process that was started through the API, and those who listen to it. The process owns its
 * pipes; reading goes at the speed of the slowest listener (a full one pauses the pipes, and so the
 * program), and output without a listener is read and dropped. Its end is kept for 30 seconds.
 */
#ifndef E2B_CORE_PROCESS_H
#define E2B_CORE_PROCESS_H

#include "backend/core/sandbox.h"

enum process_stream { PROCESS_OUT, PROCESS_ERR, PROCESS_TERMINAL };

struct process_end {
    int exit_code; /* -1 if a signal ended it */
    bool exited;
    char status[64]; /* "exit status 3", "signal: killed" */
    bool deadline;   /* it was killed because its time was over */
};

struct process_spec {
    const char *user, *cwd, *cmd, *tag; /* NULL: default / none */
    const char *const *args;            /* NULL-terminated */
    struct pairs env;                   /* borrowed */
    bool pty, want_stdin;
    bool ends_alone; /* with its program, whoever else holds its pipes */
    uint16_t cols, rows;
    int64_t timeout_ms; /* life of the process; 0: unlimited */
};

struct process {
    int32_t pid;
    struct sandbox *sandbox;
    char *cmd, *cwd, *tag; /* cwd and tag may be NULL */
    char **args;           /* NULL-terminated */
    struct pairs env;      /* as requested */
    bool pty, ended;
    bool doomed; /* SIGKILL is on its way: for others it is gone already */
    struct process_end end;
    struct process *next;

    /* core's own */
    struct process_listener *listeners;
    bool *is_gone; /* of whoever tells the listeners: one of them may end the sandbox */
    struct channel *out, *err, *in; /* a terminal: only out, both ways */
    struct process_write *writes, **writes_end;
    size_t writes_len;
    uv_timer_t *timer;   /* the deadline, and after the end the time until it is forgotten */
    int64_t deadline_ms; /* steady time when it is to be killed; 0: never */
    int32_t wait_status;
    bool exit_known, ends_alone, close_wanted, reading;
    size_t drain_left;       /* what is still read then of its pipes */
    struct process_log *log; /* NULL until it writes something */
};

/* A listener. One that is full says so in `full` and stops the output for all, until
 * process_resume. After `end` or `lost` it is forgotten; from within `data` it may unlisten itself,
 * and nothing else. */
struct process_listener {
    void (*data)(struct process_listener *l, enum process_stream stream, const void *bytes,
                 size_t len);
    void (*end)(struct process_listener *l, const struct process_end *end);
    /* The sandbox went away under it (ERR_GONE), or stands still for long; nothing follows. */
    void (*lost)(struct process_listener *l, const struct error *why);
    bool full;
    struct process *process;
    struct process_listener *next;
};

/* `done` gets the process with `first` already listening, or an error: ERR_UNAUTHENTICATED for an
 * unknown user, ERR_INVALID for a missing cwd, ERR_GONE when the sandbox ended meanwhile. */
void process_start(struct sandbox *sandbox, const struct process_spec *spec,
                   struct process_listener *first,
                   void (*done)(void *ctx, struct process *process, const struct error *err),
                   void *ctx);
struct process *process_by_pid(struct sandbox *sandbox, int64_t pid, struct error *err);
struct process *process_by_tag(struct sandbox *sandbox, const char *tag, struct error *err);

/* Of an ended process the listener gets its end from within the call. */
void process_listen(struct process *process, struct process_listener *listener);
void process_unlisten(struct process_listener *listener);
void process_resume(struct process_listener *listener);

/* Takes a copy; `done` (maybe from within the call) when all of it went into the pipe or pty, or
 * the process is gone. At most 16 MiB may be waiting (ERR_LIMIT). */
void process_write(struct process *process, bool to_pty, const void *bytes, size_t len,
                   void (*done)(void *ctx, const struct error *err), void *ctx);
/* Behind what is waiting to be written; again is fine. ERR_UNSUPPORTED for a terminal. */
bool process_close_stdin(struct process *process, struct error *err);
bool process_resize(struct process *process, uint16_t cols, uint16_t rows, struct error *err);
void process_signal(struct process *process, int number,
                    void (*done)(void *ctx, const struct error *err), void *ctx);

#endif
