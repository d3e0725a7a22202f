/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the probes one after the other, each in a child: some change what a process is (namespaces,
 * groups, filters), and some may hang in a driver or a helper program.
 */
#include "backend/runtime/probe.h"

#include "common/io.h"
#include "common/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { TIMEOUT_MS = 10000 };

static const char *const status_names[] = {
    [PROBE_OK] = "ok", [PROBE_DEGRADED] = "degraded", [PROBE_MISSING] = "missing"};

void probe_say(struct probe_row *row, enum probe_status status, const char *lost, const char *fix) {
    row->status = status;
    snprintf(row->lost, sizeof(row->lost), "%s", lost);
    snprintf(row->fix, sizeof(row->fix), "%s", fix);
}

void probe_detail(struct probe_row *row, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(row->detail, sizeof(row->detail), format, args);
    va_end(args);
}

static void child(const struct probe *probe, const struct paths *paths, int report) {
    struct probe_row row = {.status = PROBE_OK};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    probe->run(paths, &row);
    _exit(io_write_all(report, &row, sizeof(row)) ? 0 : 1);
}

/* Waits for the row; kills the child and what it started when time is up. */
static void collect(pid_t pid, int report, struct probe_row *row) {
    struct pollfd ready = {.fd = report, .events = POLLIN};
    int told = poll(&ready, 1, TIMEOUT_MS);
    /* a pipe takes and gives this much at once */
    ssize_t n = told > 0 ? read(report, row, sizeof(*row)) : -1;
    if (n != (ssize_t)sizeof(*row)) {
        *row = (struct probe_row){.status = PROBE_MISSING};
        probe_detail(row, told > 0 ? "the probe died" : "no answer within %d seconds",
                     TIMEOUT_MS / 1000);
    }
    kill(-pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void run(const struct probe *probe, const struct paths *paths, struct probe_row *row) {
    int ends[2];
    *row = (struct probe_row){.status = PROBE_MISSING};
    if (pipe2(ends, O_CLOEXEC) < 0) {
        probe_detail(row, "cannot make a pipe: %s", strerror(errno));
        return;
    }
    pid_t pid = fork();
    if (pid == 0)
        child(probe, paths, ends[1]);
    close(ends[1]);
    if (pid > 0)
        collect(pid, ends[0], row);
    else
        probe_detail(row, "cannot fork: %s", strerror(errno));
    close(ends[0]);
}

static bool append(json_t *checks, const struct probe *probe, const struct paths *paths) {
    struct probe_row row;
    run(probe, paths, &row);
    json_array_append_new(checks,
                          json_pack("{ss ss sb ss ss ss}", "name", probe->name, "status",
                                    status_names[row.status], "required", probe->required, "detail",
                                    row.detail, "lost", row.lost, "fix", row.fix));
    return !probe->required || row.status != PROBE_MISSING;
}

int probe_main(void) {
    struct paths paths;
    struct error err = ERROR_INIT;
    bool can_run = true;
    if (!paths_find(&paths, &err)) {
        fprintf(stderr, "e2bd: %s\n", err.message);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    cleanup_json json_t *checks = json_array();
    for (const struct probe *probe = probe_kernel; probe->name; probe++)
        can_run &= append(checks, probe, &paths);
    for (const struct probe *probe = probe_host; probe->name; probe++)
        can_run &= append(checks, probe, &paths);
    cleanup_json json_t *all = json_pack("{sb sO}", "canRun", can_run, "checks", checks);
    if (!all || json_dumpf(all, stdout, JSON_INDENT(2)) < 0 || putchar('\n') < 0 || fflush(stdout))
        return 1;
    return can_run ? 0 : 1;
}
