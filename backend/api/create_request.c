/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/api/create_request.h"

#include "backend/api/network_request.h"

#include <errno.h>
#include <string.h>

enum {
    DEFAULT_TIMEOUT_V1_S = 15,
    DEFAULT_TIMEOUT_S = 300,
    MAX_METADATA_BYTES = 64 << 10,
    MAX_ENV_BYTES = 256 << 10,
};

/* null, false, "", [], {}: asks for nothing. */
static bool is_empty(const json_t *value) {
    if (json_is_string(value))
        return !json_string_length(value);
    if (json_is_array(value))
        return !json_array_size(value);
    if (json_is_object(value))
        return !json_object_size(value);
    return !value || json_is_null(value) || json_is_false(value);
}

static bool unsupported(struct error *err, const char *field) {
    error_set(err, ERR_INVALID, "\"%s\" is not supported by this backend", field);
    return error_hint(err, "leave it out, or use the hosted service for this sandbox");
}

static bool get_network(const json_t *body, struct sandbox_request *request, struct error *err) {
    json_t *network = NULL;
    if (!json_get_object(body, "network", &network, err) ||
        !network_request_parse(body, network, &request->network, err))
        return false;
    if (request->network.is_private && !request->secure)
        return error_set(err, ERR_INVALID,
                         "\"network.allowPublicTraffic\" = false needs \"secure\" = true");
    return true;
}

static bool get_lifecycle(const json_t *body, struct sandbox_lifecycle *lifecycle,
                          struct error *err) {
    bool auto_pause = false, pause_memory = true, auto_resume = false;
    json_t *resume = NULL;
    if (!json_get_bool(body, "autoPause", &auto_pause, err) ||
        !json_get_bool(body, "autoPauseMemory", &pause_memory, err) ||
        !json_get_object(body, "autoResume", &resume, err) ||
        !json_get_bool(resume, "enabled", &auto_resume, err))
        return false;
    if (!pause_memory && !auto_pause)
        return error_set(err, ERR_INVALID, "\"autoPauseMemory\" needs \"autoPause\"");
    if (!pause_memory && auto_resume)
        return error_set(
            err, ERR_INVALID,
            "\"autoResume\" needs \"autoPauseMemory\": without its memory a sandbox is "
            "only resumed explicitly");
    *lifecycle = (struct sandbox_lifecycle){auto_pause, pause_memory, auto_resume};
    return true;
}

/* "mcp" is none of them: the client itself starts its gateway in the sandbox. */
static bool check_unbuilt(const json_t *body, struct error *err) {
    static const char *const fields[] = {"iam"};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (!is_empty(json_object_get(body, fields[i])))
            return unsupported(err, fields[i]);
    return true;
}

static bool get_pairs(const json_t *body, const char *field, size_t max, struct pairs *pairs,
                      struct error *err) {
    json_t *object = NULL, *value;
    const char *key;
    size_t bytes = 0;
    if (!json_get_object(body, field, &object, err) || !json_check_string_map(object, field, err))
        return false;
    json_object_foreach(object, key, value) {
        bytes += strlen(key) + json_string_length(value) + 2;
        if (!*key)
            return error_set(err, ERR_INVALID, "%s: an empty name", field);
    }
    if (bytes > max)
        return error_set(err, ERR_INVALID, "%s: more than %zu bytes", field, max);
    return pairs_from_json(pairs, object) || error_errno(err, ENOMEM, "%s", field);
}

/* [{name, path}, ...], as path to name. */
static bool get_mounts(const json_t *body, struct pairs *mounts, struct error *err) {
    json_t *list = NULL, *entry;
    size_t i;
    if (!json_get_array(body, "volumeMounts", &list, err))
        return false;
    json_array_foreach(list, i, entry) {
        const char *name = NULL, *path = NULL;
        if (!json_is_object(entry) || !json_get_string(entry, "name", &name, err) ||
            !json_get_string(entry, "path", &path, err) || !name || !path)
            return error_set(err, ERR_INVALID, "volumeMounts: an entry needs a name and a path");
        if (!plan_check_mount(path, err))
            return false;
        for (size_t k = 0; k < mounts->count; k++)
            if (strcmp(mounts->at[2 * k], path) == 0 || strcmp(mounts->at[2 * k + 1], name) == 0)
                return error_set(err, ERR_INVALID, "volumeMounts: '%s' at '%s' is there twice",
                                 name, path);
        if (!pairs_put(mounts, path, name))
            return error_errno(err, ENOMEM, "volumeMounts");
    }
    return true;
}

static bool check_env_names(const struct pairs *env, struct error *err) {
    for (size_t i = 0; i < env->count; i++)
        if (strchr(env->at[2 * i], '='))
            return error_set(err, ERR_INVALID, "envVars: the name \"%.100s\" holds a '='",
                             env->at[2 * i]);
    return true;
}

static bool parse(const json_t *body, int version, struct sandbox_request *request,
                  struct error *err) {
    *request = (struct sandbox_request){
        .timeout_s = version == 1 ? DEFAULT_TIMEOUT_V1_S : DEFAULT_TIMEOUT_S,
        .secure = version != 1,
    };
    if (!json_get_string(body, "templateID", &request->template_ref, err))
        return false;
    if (!request->template_ref)
        return error_set(err, ERR_INVALID, "property \"templateID\" is missing");
    if (!json_get_int(body, "timeout", INT32_MIN, INT32_MAX, &request->timeout_s, err) ||
        (version == 1 && !json_get_bool(body, "secure", &request->secure, err)) ||
        !check_unbuilt(body, err) || !get_lifecycle(body, &request->lifecycle, err))
        return false;
    return get_network(body, request, err) &&
           get_pairs(body, "metadata", MAX_METADATA_BYTES, &request->metadata, err) &&
           get_pairs(body, "envVars", MAX_ENV_BYTES, &request->env, err) &&
           get_mounts(body, &request->mounts, err) && check_env_names(&request->env, err);
}

bool create_request_parse(const json_t *body, int version, struct sandbox_request *request,
                          struct error *err) {
    if (parse(body, version, request, err))
        return true;
    sandbox_request_free(request);
    return error_wrap(err, "validation error");
}
