/* SPDX-License-Identifier: Apache-2.0
 *
 * COPY from another stage. That one gets a box of its own, in which nothing of it runs; the copying
 * is done by the box of the step, which is given the other's root directory. So names are looked up
 * where they belong, and no path of either in here.
 */
#include "backend/core/build_internal.h"
#include "backend/core/files.h"
#include "common/io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void build_copy_stop(struct build_run *run) {
    if (run->taking)
        files_cancel(steal_ptr(&run->taking));
    if (run->source)
        build_box_close(steal_ptr(&run->source));
}

static const char *arg(const struct build_step *step, size_t i) {
    return i < step->count ? step->args[i] : "";
}

static void explain(const struct build_run *run, const struct files_result *result,
                    struct error *err) {
    const struct build_step *step = &build_stage_now(run)->steps[run->at - 1];
    const char *stage = run->spec.stages[step->from_stage].name;
    switch (result->failure) {
    case FILES_OK:
        return;
    case FILES_MISSING:
        error_set(err, ERR_INVALID, "'%.300s' is not in stage '%s'", step->args[0], stage);
        return;
    case FILES_NO_DIRECTORY:
        error_set(err, ERR_INVALID,
                  "'%.300s' is more than one: the destination must end with a slash",
                  step->args[0]);
        return;
    case FILES_NO_USER:
        error_set(err, ERR_INVALID, "there is no user or group '%.100s'", arg(step, 2));
        return;
    case FILES_NOT_REGULAR:
        error_set(err, ERR_INVALID, "'%.300s' is neither a file nor a directory", result->path);
        return;
    case FILES_PARENT:
        error_set(err, ERR_INVALID, "'%.300s' is no directory", result->path);
        return;
    default:
        if (result->lost)
            error_set(err, ERR_GONE, "its sandbox ended meanwhile");
        else
            error_errno(err, result->error, "cannot copy to '%.300s'", arg(step, 1));
    }
}

static void on_taken(void *ctx, const struct files_result *result) {
    struct build_run *run = ctx;
    struct error err = ERROR_INIT;
    run->taking = NULL;
    explain(run, result, &err);
    build_copy_stop(run);
    build_end_step(run, err.kind ? &err : NULL);
}

/* The one in the step's box is sent the socket on which the other one answers. */
static int connect_helpers(struct build_run *run, const char *const *args, struct error *err) {
    static const char *const none[] = {NULL};
    struct guest *from = build_box_guest(run->source), *to = build_box_guest(run->box);
    cleanup_close int root = guest_helper(from, HELPER_ROOT, "root", none, err);
    cleanup_close int sock =
        root < 0 ? -1 : guest_helper(to, HELPER_FILE_TAKE, run->state.user, args, err);
    const struct helper_reply head = {.version = AGENT_PROTOCOL};
    if (sock >= 0 && io_send_fds(sock, &head, sizeof(head), &root, 1, MSG_DONTWAIT) < 0)
        error_errno(err, errno, "cannot copy");
    return err->kind ? -1 : steal_fd(&sock);
}

static void on_source_ready(void *ctx, const struct error *err) {
    struct build_run *run = ctx;
    const struct build_step *step = &build_stage_now(run)->steps[run->at - 1];
    struct error own = ERROR_INIT;
    cleanup_free char *dest = step_destination(step, &run->state);
    const char *const args[] = {step->args[0], dest, arg(step, 2), arg(step, 3), NULL};
    const struct files_request request = {.op = HELPER_FILE_TAKE, .done = on_taken, .ctx = run};
    if (!dest)
        error_errno(&own, ENOMEM, "cannot copy");
    int sock = err || !dest ? -1 : connect_helpers(run, args, &own);
    if (sock >= 0)
        run->taking = files_listen(core_loop(run->core), sock, &request, &own);
    if (run->taking)
        return;
    build_copy_stop(run);
    build_end_step(run, err ? err : &own);
}

void build_copy(struct build_run *run, const struct build_step *step) {
    const struct build_box_plan plan = {.overlays = &run->made[step->from_stage].overlays,
                                        .template_id = run->build->recipe->id,
                                        .cpus = run->build->cpus,
                                        .memory_mb = run->build->memory_mb};
    run->source = build_box_open(run->core, &plan, on_source_ready, run);
}
