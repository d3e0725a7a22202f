/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/process_text.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

static const char *const signals[] = {
    [SIGHUP] = "hangup",
    [SIGINT] = "interrupt",
    [SIGQUIT] = "quit",
    [SIGILL] = "illegal instruction",
    [SIGTRAP] = "trace/breakpoint trap",
    [SIGABRT] = "aborted",
    [SIGBUS] = "bus error",
    [SIGFPE] = "floating point exception",
    [SIGKILL] = "killed",
    [SIGUSR1] = "user defined signal 1",
    [SIGSEGV] = "segmentation fault",
    [SIGUSR2] = "user defined signal 2",
    [SIGPIPE] = "broken pipe",
    [SIGALRM] = "alarm clock",
    [SIGTERM] = "terminated",
};

void process_text_end(int32_t wait_status, struct process_end *end) {
    if (WIFEXITED(wait_status)) {
        end->exited = true;
        end->exit_code = WEXITSTATUS(wait_status);
        snprintf(end->status, sizeof(end->status), "exit status %d", end->exit_code);
        return;
    }
    int number = WTERMSIG(wait_status);
    const char *core = WCOREDUMP(wait_status) ? " (core dumped)" : "";
    end->exited = false;
    end->exit_code = -1;
    if ((size_t)number < ARRAY_LEN(signals) && signals[number])
        snprintf(end->status, sizeof(end->status), "signal: %s%s", signals[number], core);
    else
        snprintf(end->status, sizeof(end->status), "signal: signal %d%s", number, core);
}
