/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/process_internal.h"
#include "backend/core/process_io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct starting {
    struct process *process;
    struct process_listener *first;
    void (*done)(void *ctx, struct process *process, const struct error *err);
    void *ctx;
};

/* ---- the environment -------------------------------------------------------------------------
 */

static void free_strings(char ***strings) {
    for (char **at = *strings; at && *at; at++)
        free(*at);
    free(*strings);
}

static size_t join_pairs(char **to, const struct pairs *pairs) {
    size_t made = 0;
    for (; made < pairs->count; made++)
        if (asprintf(&to[made], "%s=%s", pairs->at[2 * made], pairs->at[2 * made + 1]) < 0) {
            to[made] = NULL;
            break;
        }
    return made;
}

/* The sandbox's, then the request's: the last one wins. */
static char **make_env(const struct sandbox *sandbox, const struct pairs *request) {
    struct pairs first cleanup(pairs_free) = {NULL, 0};
    if (!sandbox_environment(sandbox, &first))
        return NULL;
    size_t count = first.count + request->count;
    char **env = calloc(count + 1, sizeof(*env));
    if (!env)
        return NULL;
    size_t made = join_pairs(env, &first);
    if (made == first.count)
        made += join_pairs(env + made, request);
    if (made < count)
        free_strings(&env);
    return made < count ? NULL : env;
}

/* ---- starting --------------------------------------------------------------------------------
 */

static bool copy_args(struct process *process, const char *const *args) {
    size_t count = 0;
    while (args[count])
        count++;
    process->args = calloc(count + 1, sizeof(*process->args));
    if (!process->args)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!(process->args[i] = strdup(args[i])))
            return false;
    return true;
}

static struct process *describe(struct sandbox *sandbox, const struct process_spec *spec) {
    struct process *process = process_new(sandbox);
    if (!process)
        return NULL;
    process->pty = spec->pty;
    process->ends_alone = spec->ends_alone;
    if (spec->timeout_ms > 0)
        process->deadline_ms = steady_now_ms() + spec->timeout_ms;
    process->cmd = strdup(spec->cmd);
    process->cwd = spec->cwd ? strdup(spec->cwd) : NULL;
    process->tag = spec->tag ? strdup(spec->tag) : NULL;
    if (process->cmd && (process->cwd || !spec->cwd) && (process->tag || !spec->tag) &&
        copy_args(process, spec->args) && pairs_copy(&process->env, &spec->env))
        return process;
    process_free(process);
    return NULL;
}

static void on_spawned(void *ctx, const struct guest_process *spawned, const struct error *err) {
    struct starting *starting = ctx;
    struct process *process = starting->process;
    struct error own = ERROR_INIT;
    if (spawned) {
        struct guest_process guest = *spawned;
        if (!process->sandbox->guest) {
            error_set(&own, ERR_GONE, "the sandbox has ended");
            err = &own;
        } else if (!process_connect(process, &guest, &own)) {
            guest_forget(process->sandbox->guest, guest.pid);
            err = &own;
        }
        process_close_all(&guest);
    }
    if (err) {
        process_free(process);
        starting->done(starting->ctx, NULL, err);
    } else {
        process_enter(process);
        process_log_start(process);
        process_watch_deadline(process);
        process_listen(process, starting->first);
        starting->done(starting->ctx, process, NULL);
        process_settle(process);
    }
    free(starting);
}

static bool start(struct sandbox *sandbox, const struct process_spec *spec,
                  struct starting *starting) {
    char **env cleanup(free_strings) = make_env(sandbox, &spec->env);
    starting->process = env ? describe(sandbox, spec) : NULL;
    if (!starting->process)
        return false;
    const struct guest_spawn spawn = {
        .user = spec->user ? spec->user : sandbox->default_user,
        .cwd = spec->cwd && *spec->cwd    ? spec->cwd
               : sandbox->default_workdir ? sandbox->default_workdir
                                          : "",
        .tag = spec->tag ? spec->tag : "",
        .cmd = spec->cmd,
        .args = spec->args,
        .env = (const char *const *)env,
        .pty = spec->pty,
        .want_stdin = spec->want_stdin,
        .deadline_ms = starting->process->deadline_ms,
        .cols = spec->cols,
        .rows = spec->rows,
    };
    guest_spawn(sandbox->guest, &spawn, on_spawned, starting);
    return true;
}

void process_start(struct sandbox *sandbox, const struct process_spec *spec,
                   struct process_listener *first,
                   void (*done)(void *ctx, struct process *process, const struct error *err),
                   void *ctx) {
    struct starting *starting = malloc(sizeof(*starting));
    if (starting) {
        *starting = (struct starting){.first = first, .done = done, .ctx = ctx};
        if (start(sandbox, spec, starting))
            return;
    }
    free(starting);
    struct error err = ERROR_INIT;
    error_errno(&err, ENOMEM, "cannot start a process");
    done(ctx, NULL, &err);
}
