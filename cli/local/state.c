/* SPDX-License-Identifier: Apache-2.0
 *
 * `local export`, `local import`, `local reset`: the whole state, while no backend runs. The work
 * is a program of its own, because the files belong to ids that we are not.
 */
#include "cli/context.h"
#include "cli/local/local.h"
#include "common/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

/* Runs it with these as its standard input and output; it says itself what went wrong. */
static int run_program(const char *mode, int in, int out, struct error *err) {
    char program[PATHS_MAX];
    posix_spawn_file_actions_t files;
    pid_t pid;
    int status = 0;
    if (!paths_program("e2b-state", program, err))
        return -1;
    char *const argv[] = {program, (char *)(uintptr_t)mode, NULL};
    fflush(stdout);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    int error = posix_spawn(&pid, program, &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    if (error)
        return error_errno(err, error, "cannot run %s", program) - 1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

/* A backend that stayed serves programs that could not start it. */
static int start_again(const struct invocation *in, enum local_was was, int status,
                       struct error *err) {
    struct error own = ERROR_INIT;
    if (was != LOCAL_STAYED)
        return status;
    cleanup_local_client struct client *client = client_open(&in->context->target, true, &own);
    if ((client && local_call(client, "POST", "/local/stay", NULL, &own)) || status != EXIT_OK)
        return status;
    *err = own;
    return -1;
}

/* ---- export ---- */

/* Beside its place first, and readable for us alone: there are keys in it. */
static int export_to(const char *file, struct error *err) {
    cleanup_free char *temporary = NULL;
    if (asprintf(&temporary, "%s.e2b-XXXXXX", file) < 0) {
        temporary = NULL;
        return error_errno(err, ENOMEM, "cannot write %s", file) - 1;
    }
    cleanup_close int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "cannot write %s", file) - 1;
    int status = run_program("export", STDIN_FILENO, fd, err);
    if (status == EXIT_OK && (fsync(fd) < 0 || rename(temporary, file) < 0))
        status = error_errno(err, errno, "cannot write %s", file) - 1;
    if (status != EXIT_OK)
        unlink(temporary);
    return status;
}

static int export_run(struct invocation *in, struct error *err) {
    const char *file = in->args[0];
    const bool to_stdout = strcmp(file, "-") == 0;
    enum local_was was;
    if (to_stdout && isatty(STDOUT_FILENO)) {
        error_set(err, ERR_USAGE, "an archive is not for a terminal");
        return error_hint(err, "name a file, or pipe it into a program") - 1;
    }
    if (!local_stop(in, false, &was, err))
        return -1;
    int status =
        to_stdout ? run_program("export", STDIN_FILENO, STDOUT_FILENO, err) : export_to(file, err);
    if (status == EXIT_OK && !to_stdout)
        printf("The state is in %s; keys and secrets are part of it\n", file);
    return start_again(in, was, status, err);
}

const struct command command_local_export = {
    .name = "export",
    .summary = "put the whole state into one tar archive",
    .description = "Paused sandboxes, snapshots, volumes, secrets, keys, records. Stops the "
                   "backend meanwhile; refused while a sandbox runs or stands still in memory.",
    .arguments = "<file>",
    .complete = "file",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_LOCAL,
    .examples =
        (const char *const[]){"e2b local export state.tar", "into a file",
                              "e2b local export - | zstd >state.tar.zst", "compressed", NULL},
    .handler = export_run,
};

/* ---- import ---- */

static int import_run(struct invocation *in, struct error *err) {
    const char *file = in->args[0];
    const bool from_stdin = strcmp(file, "-") == 0;
    enum local_was was;
    cleanup_close int fd = from_stdin ? -1 : open(file, O_RDONLY | O_CLOEXEC);
    if (!from_stdin && fd < 0)
        return error_errno(err, errno, "cannot open %s", file) - 1;
    if (!local_stop(in, false, &was, err))
        return -1;
    int status = run_program("import", from_stdin ? STDIN_FILENO : fd, STDOUT_FILENO, err);
    if (status == EXIT_OK)
        puts("The state is here; the next command starts the backend with it");
    return start_again(in, was, status, err);
}

const struct command command_local_import = {
    .name = "import",
    .summary = "take the whole state from an archive of `local export`",
    .description = "Only where there is no state yet. Archives compressed by the usual programs "
                   "are understood.",
    .arguments = "<file>",
    .complete = "file",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_LOCAL,
    .examples = (const char *const[]){"e2b local import state.tar.zst", "from a file", NULL},
    .handler = import_run,
};

/* ---- reset ---- */

static const struct option_spec reset_options[] = {
    {.name = "yes", .letter = 'y', .type = OPTION_BOOL, .help = "do not ask"},
    {0},
};

static bool confirm(const struct invocation *in, struct error *err) {
    struct paths paths;
    char answer[8];
    if (option_bool(in, "yes"))
        return true;
    if (!paths_find(&paths, err))
        return false;
    if (!isatty(STDIN_FILENO))
        return error_set(err, ERR_USAGE, "nobody can be asked here: -y/--yes removes everything");
    printf("This ends all sandboxes and removes them, and all snapshots, volumes, secrets and keys "
           "in %s.\nGo on? [y/N] ",
           paths.state);
    fflush(stdout);
    return (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y')) ||
           error_set(err, ERR_CONFLICT, "nothing was removed");
}

/* A backend is started for it, since sandboxes may have outlived the last one. */
static int reset_run(struct invocation *in, struct error *err) {
    enum local_was was;
    if (!confirm(in, err))
        return -1;
    cleanup_local_client struct client *client = client_open(&in->context->target, true, err);
    if (!client) /* a state that no backend starts with is just what is to be removed */
        *err = (struct error)ERROR_INIT;
    client_close(steal_ptr(&client));
    if (!local_stop(in, true, &was, err))
        return -1;
    int status = run_program("reset", STDIN_FILENO, STDOUT_FILENO, err);
    if (status == EXIT_OK)
        puts("The state has been removed");
    return status;
}

const struct command command_local_reset = {
    .name = "reset",
    .summary = "end all sandboxes and remove everything the backend keeps",
    .flags = COMMAND_LOCAL,
    .options = reset_options,
    .examples = (const char *const[]){"e2b local reset --yes", "without being asked", NULL},
    .handler = reset_run,
};
