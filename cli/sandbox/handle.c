/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths and bodies of the calls about one sandbox, and "wasn't found" in the words of the official
 * command line.
 */
#include "cli/sandbox/handle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void handle_free(struct handle *handle) {
    json_decref(handle->json);
    *handle = (struct handle){0};
}

bool handle_take(struct handle *handle, struct response *response, struct error *err) {
    *handle = (struct handle){.json = steal_ptr(&response->json)};
    const json_t *json = handle->json;
    if (!json_get_string(json, "sandboxID", &handle->address.id, err) ||
        !json_get_string(json, "envdAccessToken", &handle->address.access_token, err) ||
        !json_get_string(json, "domain", &handle->address.domain, err) ||
        !json_get_string(json, "envdVersion", &handle->envd_version, err) || !handle->address.id) {
        handle_free(handle);
        return error_set(err, ERR_INTERNAL, "the server's answer is no sandbox");
    }
    return true;
}

bool handle_call(struct client *client, const char *method, const char *id, const char *suffix,
                 const json_t *body, struct response *response, struct error *err) {
    cleanup_free char *name = client_encode(id);
    cleanup_free char *path = NULL;
    if (!name || asprintf(&path, "/sandboxes/%s%s", name, suffix) < 0) {
        path = NULL;
        return error_errno(err, ENOMEM, "cannot ask for sandbox %s", id);
    }
    return client_call(client, method, path, body, response, err);
}

/* When and why it ended, which the local backend says behind the hosted service's words. */
static void hint_end(const char *message, struct error *err) {
    const char *end = strstr(message, "it ended at ");
    if (end)
        error_hint(err, "%s", end);
}

static bool say_which(const char *id, struct error *err) {
    const struct error told = *err;
    if (err->http_status != 404)
        return false;
    error_set(err, ERR_NOT_FOUND, "sandbox %s wasn't found", id);
    err->http_status = 404;
    error_hint(err, "`e2b sandbox list` shows which sandboxes run");
    hint_end(told.message, err);
    return false;
}

bool handle_connect(struct client *client, const char *id, struct handle *handle,
                    struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = json_pack("{s:i}", "timeout", HANDLE_TIMEOUT_S);
    if (!handle_call(client, "POST", id, "/connect", body, &response, err))
        return say_which(id, err);
    return handle_take(handle, &response, err);
}

bool handle_set_timeout(struct client *client, const char *id, int64_t seconds, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = json_pack("{s:I}", "timeout", (json_int_t)seconds);
    return handle_call(client, "POST", id, "/timeout", body, &response, err) || say_which(id, err);
}

bool handle_ask(struct client *client, const char *method, const char *id, const char *suffix,
                const json_t *body, struct response *response, struct error *err) {
    if (handle_call(client, method, id, suffix, body, response, err))
        return true;
    const struct error told = *err;
    if (err->http_status == 404) {
        error_set(err, ERR_NOT_FOUND, "Sandbox %s wasn't found", id);
        hint_end(told.message, err);
    }
    return false;
}

bool handle_kill(struct client *client, const char *id, bool *found, struct error *err) {
    cleanup_response struct response response = {0};
    *found = handle_call(client, "DELETE", id, "", NULL, &response, err);
    return *found || err->http_status == 404;
}

bool handle_at_least(const struct handle *handle, int major, int minor, int patch) {
    int a = 0, b = 0, c = 0;
    if (!handle->envd_version || sscanf(handle->envd_version, "%d.%d.%d", &a, &b, &c) < 2)
        return true;
    if (a != major)
        return a > major;
    return b != minor ? b > minor : c >= patch;
}
