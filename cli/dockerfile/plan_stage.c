/* SPDX-License-Identifier: Apache-2.0
 *
 * WORKDIR and USER, and the instructions that a sandbox has no use for.
 */
#include "cli/dockerfile/planner.h"

#include <string.h>

/* ---- WORKDIR, USER ----------------------------------------------------------------------------
 */

static bool one_text(const struct instruction *in, const char *type, char **text,
                     struct error *err) {
    const struct scope *scope = &planner_state(in->planner)->scope;
    *text = planner_expand(in, scope, in->rest, strlen(in->text), err);
    if (!*text)
        return false;
    if (!**text)
        return planner_fail(in, in->rest, err, "%s needs a value, and this is empty", type);
    return planner_add(in, type, json_pack("[s]", *text), err);
}

bool planner_workdir(const struct instruction *in, struct error *err) {
    cleanup_free char *path = NULL;
    if (!one_text(in, "WORKDIR", &path, err))
        return false;
    planner_state(in->planner)->sets_workdir = true;
    return true;
}

/* A group is not part of it on the server: the user's own counts. */
bool planner_user(const struct instruction *in, struct error *err) {
    cleanup_free char *user = NULL;
    if (!one_text(in, "USER", &user, err))
        return false;
    struct planner_stage *state = planner_state(in->planner);
    size_t name = strcspn(user, ":");
    if (user[name]) {
        user[name] = '\0';
        planner_warn(in, "the group of USER is not used: %s runs with its own", user);
        struct dockerfile_stage *stage = planner_stage(in->planner);
        json_array_set_new(stage->steps[stage->step_count - 1].args, 0, json_string(user));
    }
    state->sets_user = true;
    free(state->user);
    state->user = steal_ptr(&user);
    return true;
}

/* ---- what has no counterpart ------------------------------------------------------------------
 */

bool planner_ignored(const struct instruction *in, struct error *err) {
    (void)in;
    (void)err;
    return true;
}

bool planner_unsupported(const struct instruction *in, struct error *err) {
    (void)err;
    planner_warn(in, "Unsupported instruction: %.*s", (int)strcspn(in->text, " \t"), in->text);
    return true;
}
