/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/api/build_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    DEFAULT_CPUS = 2,
    DEFAULT_MEMORY_MB = 1024,
    MAX_CPUS = 32,
    MIN_MEMORY_MB = 128,
    MAX_MEMORY_MB = 1 << 20,
    MAX_TEXT = 1 << 20,
};

static bool check_size(const struct build_request *request, struct error *err) {
    if (request->cpus != 1 && (request->cpus < 1 || request->cpus % 2 || request->cpus > MAX_CPUS))
        return error_set(err, ERR_INVALID, "CPU count must be 1 or even, and at most %d", MAX_CPUS);
    if (request->memory_mb % 2 || request->memory_mb < MIN_MEMORY_MB ||
        request->memory_mb > MAX_MEMORY_MB)
        return error_set(err, ERR_INVALID, "memory must be even, and between %d and %d MB",
                         MIN_MEMORY_MB, MAX_MEMORY_MB);
    return true;
}

bool build_request_parse(const json_t *body, struct build_request *request, struct error *err) {
    json_t *tags = NULL;
    const char *alias = NULL;
    *request = (struct build_request){.cpus = DEFAULT_CPUS, .memory_mb = DEFAULT_MEMORY_MB};
    if (!json_get_string(body, "name", &request->name, err) ||
        !json_get_string(body, "alias", &alias, err) || !json_get_array(body, "tags", &tags, err) ||
        !json_get_int(body, "cpuCount", INT32_MIN, INT32_MAX, &request->cpus, err) ||
        !json_get_int(body, "memoryMB", INT32_MIN, INT32_MAX, &request->memory_mb, err))
        return error_wrap(err, "validation error");
    if (!request->name)
        request->name = alias;
    request->tags = tags;
    if (!request->name || !*request->name)
        return error_set(err, ERR_INVALID, "Name is required");
    return check_size(request, err);
}

/* ---- steps ---- */

static bool no_memory(struct error *err) {
    return error_errno(err, ENOMEM, "cannot read the build");
}

static bool get_text(const json_t *body, const char *key, char **text, struct error *err) {
    const char *value = NULL;
    if (!json_get_string(body, key, &value, err))
        return false;
    if (value && strlen(value) > MAX_TEXT)
        return error_set(err, ERR_TOO_LARGE, "\"%s\" has more than %d bytes", key, MAX_TEXT);
    *text = value ? strdup(value) : NULL;
    return *text || !value || no_memory(err);
}

static bool get_args(const json_t *args, struct build_step *step, struct error *err) {
    size_t i;
    json_t *arg;
    if (json_array_size(args) > BUILD_MAX_ARGS)
        return error_set(err, ERR_INVALID, "a step has more than %d arguments", BUILD_MAX_ARGS);
    step->args = calloc(json_array_size(args) + 1, sizeof(*step->args));
    if (!step->args)
        return no_memory(err);
    json_array_foreach(args, i, arg) {
        if (!json_is_string(arg))
            return error_set(err, ERR_INVALID, "an argument of a step is no string");
        if (!(step->args[step->count++] = strdup(json_string_value(arg))))
            return no_memory(err);
    }
    return true;
}

static bool get_step(const json_t *object, struct build_step *step, struct error *err) {
    const char *type = NULL, *hash = NULL;
    json_t *args = NULL;
    int64_t from_stage = -1;
    if (!json_is_object(object))
        return error_set(err, ERR_INVALID, "a step is no object");
    if (!json_get_string(object, "type", &type, err) ||
        !json_get_string(object, "filesHash", &hash, err) ||
        !json_get_bool(object, "force", &step->force, err) ||
        !json_get_int(object, "fromStage", 0, BUILD_MAX_STAGES, &from_stage, err) ||
        !json_get_array(object, "args", &args, err))
        return false;
    if (!type)
        return error_set(err, ERR_INVALID, "a step has no type");
    if (!build_step_parse_type(type, &step->type))
        return error_set(err, ERR_INVALID, "command type %.40s is not implemented", type);
    step->from_stage = (int)from_stage;
    strncpy(step->name, type, sizeof(step->name) - 1);
    if (hash && *hash) {
        if (strlen(hash) != BUILD_FILES_HASH - 1 ||
            strspn(hash, "0123456789abcdef") != BUILD_FILES_HASH - 1)
            return error_set(err, ERR_INVALID, "filesHash is no SHA-256 in hexadecimal");
        memcpy(step->files_hash, hash, BUILD_FILES_HASH);
    }
    return get_args(args, step, err);
}

static bool get_steps(const json_t *body, struct build_stage *stage, struct error *err) {
    json_t *steps = NULL, *step;
    size_t i;
    if (!json_get_array(body, "steps", &steps, err))
        return false;
    if (json_array_size(steps) > BUILD_MAX_STEPS)
        return error_set(err, ERR_INVALID, "more than %d steps", BUILD_MAX_STEPS);
    stage->steps = calloc(json_array_size(steps) + 1, sizeof(*stage->steps));
    if (!stage->steps)
        return no_memory(err);
    json_array_foreach(steps, i, step) {
        if (!get_step(step, &stage->steps[stage->count++], err))
            return error_wrap(err, "step %zu", i + 1);
    }
    return true;
}

static void drop_empty(char **text) {
    if (*text && !**text)
        free(steal_ptr(text));
}

/* Its name is for people: what is too long for one is cut. */
static bool get_stage(const json_t *object, size_t number, struct build_stage *stage,
                      struct error *err) {
    const char *name = NULL;
    if (!json_is_object(object))
        return error_set(err, ERR_INVALID, "it is no object");
    if (!json_get_string(object, "name", &name, err) ||
        !get_text(object, "fromImage", &stage->from_image, err) ||
        !get_text(object, "fromTemplate", &stage->from_template, err) ||
        !get_steps(object, stage, err))
        return false;
    drop_empty(&stage->from_image);
    drop_empty(&stage->from_template);
    if (name && *name)
        snprintf(stage->name, sizeof(stage->name), "%s", name);
    else
        snprintf(stage->name, sizeof(stage->name), "%zu", number);
    return true;
}

/* Those to copy from, which only this backend knows, and the template. */
static bool get_stages(const json_t *body, struct build_spec *spec, struct error *err) {
    json_t *stages = NULL, *stage;
    size_t i;
    if (!json_get_array(body, "stages", &stages, err))
        return false;
    if (json_array_size(stages) >= BUILD_MAX_STAGES)
        return error_set(err, ERR_INVALID, "more than %d stages", BUILD_MAX_STAGES);
    if (!build_spec_new(spec, json_array_size(stages) + 1))
        return no_memory(err);
    json_array_foreach(stages, i, stage) {
        if (!get_stage(stage, i, &spec->stages[i], err))
            return error_wrap(err, "stage %zu", i);
    }
    return get_stage(body, spec->stage_count - 1, &spec->stages[spec->stage_count - 1], err);
}

static bool parse(const json_t *body, struct build_spec *spec, struct error *err) {
    if (!get_stages(body, spec, err) || !get_text(body, "startCmd", &spec->start_cmd, err) ||
        !get_text(body, "readyCmd", &spec->ready_cmd, err) ||
        !json_get_bool(body, "force", &spec->force, err))
        return false;
    if (!spec->ready_cmd || !*spec->ready_cmd) {
        free(spec->ready_cmd);
        spec->ready_cmd = strdup(spec->start_cmd && *spec->start_cmd ? "sleep 20" : "");
    }
    if (!spec->start_cmd)
        spec->start_cmd = strdup("");
    if (!spec->start_cmd || !spec->ready_cmd)
        return no_memory(err);
    return build_spec_check(spec, err);
}

bool build_spec_parse(const json_t *body, struct build_spec *spec, struct error *err) {
    *spec = (struct build_spec){.file = -1};
    if (parse(body, spec, err))
        return true;
    build_spec_free(spec);
    return error_wrap(err, "validation error");
}
