/* SPDX-License-Identifier: Apache-2.0
 *
 * What the handlers of the instructions share while a Dockerfile is read. Internal to the room.
 */
#ifndef E2B_CLI_DOCKERFILE_PLANNER_H
#define E2B_CLI_DOCKERFILE_PLANNER_H

#include "cli/dockerfile/dockerfile.h"
#include "cli/dockerfile/expand.h"

/* The kernel takes 128 KiB in one argument, and the server has something to add. */
enum { COMMAND_MAX = 120 << 10 };

struct planner_stage {
    struct scope scope;
    char *user;      /* in force; NULL: root */
    json_t *shell;   /* of SHELL; NULL: the server's own */
    json_t *command; /* CMD: a string in shell form, an array in exec form */
    json_t *entrypoint;
    const struct source_line *from; /* with the image */
    bool sets_user, sets_workdir;
    bool sets_command; /* itself, not the stage that it is based on */
};

struct planner {
    struct dockerfile *file;
    const struct dockerfile_options *options;
    struct scope global;          /* ARGs before the first FROM */
    struct planner_stage *stages; /* beside file->stages */
    bool *used_args;              /* which of the build arguments some ARG took */
};

/* One instruction as a handler sees it. */
struct instruction {
    struct planner *planner;
    const struct source_line *line;
    const char *text; /* the logical line */
    size_t rest;      /* where the arguments start, flags included */
};

static inline struct dockerfile_stage *planner_stage(const struct planner *p) {
    return &p->file->stages[p->file->stage_count - 1];
}
static inline struct planner_stage *planner_state(const struct planner *p) {
    return &p->stages[p->file->stage_count - 1];
}

/* Fails at a byte of the logical line. */
bool planner_fail(const struct instruction *in, size_t at, struct error *err, const char *format,
                  ...) printf_like(4, 5);
void planner_warn(const struct instruction *in, const char *format, ...) printf_like(2, 3);
struct dockerfile_step *planner_add(const struct instruction *in, const char *type, json_t *args,
                                    struct error *err);

/* A flag of an instruction: "--name" or "--name=value". Moves *at behind it. */
struct flag {
    const char *name, *value; /* value NULL: none; both end where their lengths say */
    size_t name_len, value_len, at;
};
bool planner_flag(const struct instruction *in, size_t *at, struct flag *flag);
static inline bool flag_is(const struct flag *flag, const char *name) {
    return __builtin_strlen(name) == flag->name_len &&
           __builtin_memcmp(name, flag->name, flag->name_len) == 0;
}
/* The expansion of a piece of the line, variables of the base image excepted; free()d by the
 * caller. */
char *planner_expand(const struct instruction *in, const struct scope *scope, size_t start,
                     size_t end, struct error *err);
/* The text as a JSON array of strings, or NULL. */
json_t *planner_json(const char *text);
/* An exec form as words for a shell. */
char *planner_quote(const json_t *words);

/* BUILDARCH, TARGETPLATFORM and their like. */
void planner_set_platform(struct scope *global);
/* The stage of that name or number among the first `count`; -1: none. */
ssize_t planner_find_stage(const struct dockerfile *file, size_t count, const char *word);

bool planner_from(const struct instruction *in, struct error *err);
bool planner_check_scratch(const struct planner *planner, struct error *err);
bool planner_arg(const struct instruction *in, struct error *err);
bool planner_env(const struct instruction *in, struct error *err);
bool planner_run(const struct instruction *in, struct error *err);
bool planner_copy(const struct instruction *in, struct error *err);
bool planner_add_files(const struct instruction *in, struct error *err);
bool planner_workdir(const struct instruction *in, struct error *err);
bool planner_user(const struct instruction *in, struct error *err);
bool planner_shell(const struct instruction *in, struct error *err);
bool planner_command(const struct instruction *in, struct error *err);
bool planner_entrypoint(const struct instruction *in, struct error *err);
bool planner_ignored(const struct instruction *in, struct error *err);
bool planner_unsupported(const struct instruction *in, struct error *err);

/* The start command that ENTRYPOINT and CMD make together; NULL: none. */
char *planner_start(const struct planner_stage *stage);

#endif
