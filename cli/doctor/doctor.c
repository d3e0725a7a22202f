/* SPDX-License-Identifier: Apache-2.0
 *
 * `e2b doctor`: has the backend's own program probe this machine, with the calls that sandboxes are
 * made with, and prints what it found. Needs no running backend and starts none.
 */
#include "cli/output.h"
#include "cli/root.h"
#include "common/io.h"
#include "common/json.h"
#include "common/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

enum { MAX_ANSWER = 1 << 20 };

static bool run_program(const char *program, int output, pid_t *pid, struct error *err) {
    const char *const argv[] = {program, "--probe", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    int rc = posix_spawn(pid, program, &actions, NULL, (char **)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return rc == 0 || error_errno(err, rc, "cannot run %s", program);
}

static json_t *probe(struct error *err) {
    char program[PATHS_MAX];
    int ends[2];
    pid_t pid;
    if (!paths_program("e2bd", program, err))
        return NULL;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        error_errno(err, errno, "cannot make a pipe");
        return NULL;
    }
    cleanup_close int reader = ends[0];
    bool runs = run_program(program, ends[1], &pid, err);
    close(ends[1]);
    if (!runs)
        return NULL;
    cleanup_buf struct buf answer = BUF_INIT(MAX_ANSWER);
    bool whole = io_read_all(reader, &answer);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (!whole || !answer.len) {
        error_set(err, ERR_INTERNAL, "%s told nothing", program);
        return NULL;
    }
    return json_parse(answer.data, answer.len, err);
}

static const char *text_of(const json_t *check, const char *key) {
    const char *text = json_string_value(json_object_get(check, key));
    return text ? text : "";
}

static void print_more(const char *label, const char *text) {
    if (*text)
        printf("%29s%s: %s\n", "", label, text);
}

/* Several checks may have one remedy: it is printed once. */
static void print_check(const json_t *check, const json_t *before) {
    const char *fix = text_of(check, "fix");
    const char *status = text_of(check, "status");
    enum style style = !strcmp(status, "ok")         ? STYLE_GREEN
                       : !strcmp(status, "degraded") ? STYLE_YELLOW
                                                     : STYLE_RED;
    printf("%s%-9s%s %-18s %s\n", output_style(stdout, style), status,
           output_style(stdout, STYLE_END), text_of(check, "name"), text_of(check, "detail"));
    print_more("lost", text_of(check, "lost"));
    print_more("fix", *fix && !strcmp(fix, text_of(before, "fix")) ? "as above" : fix);
}

static void print_all(const json_t *all, bool can_run) {
    size_t index;
    const json_t *check;
    const json_t *before = NULL;
    json_array_foreach(json_object_get(all, "checks"), index, check) {
        print_check(check, before);
        before = check;
    }
    puts(can_run ? "\nSandboxes can run on this machine."
                 : "\nNo sandbox can run on this machine until what is missing is there.");
}

static int doctor(struct invocation *in, struct error *err) {
    cleanup_json json_t *all = probe(err);
    if (!all)
        return -1;
    bool can_run = json_is_true(json_object_get(all, "canRun"));
    if (output_wants_json(in))
        output_json(stdout, all);
    else
        print_all(all, can_run);
    return can_run ? EXIT_OK : EXIT_UNSUPPORTED;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "find out whether sandboxes can run on this machine, and what would help",
    .description = "Tries on this machine what sandboxes need. For each: ok, degraded or missing, "
                   "what is lost and how to get it. Exits 8 when no sandbox can run.",
    .options = (const struct option_spec[]){OUTPUT_FORMAT_OPTION, {0}},
    .examples =
        (const char *const[]){
            "e2b doctor",
            "one line for each thing that sandboxes need",
            "e2b doctor --format json",
            "the same for a program",
            NULL,
        },
    .handler = doctor,
};
