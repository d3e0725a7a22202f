/* SPDX-License-Identifier: Apache-2.0
 *
 * The server is asked every 200 ms, as the official clients do, and at first more often: a build of
 * kept steps is over sooner. One that is away for a moment, as a backend that starts again, is
 * asked on.
 */
#include "cli/template/follow.h"

#include "cli/interrupt.h"
#include "cli/resource.h"
#include "common/clock.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { ASK_FIRST_MS = 10, ASK_EVERY_MS = 200, RETRIES = 5, RETRY_AFTER_MS = 1000 };

static void keep_text(const json_t *object, const char *key, char *room, size_t size) {
    const char *text = json_string_value(json_object_get(object, key));
    if (text)
        snprintf(room, size, "%s", text);
}

static bool is_over(const struct build_follow *follow) {
    return strcmp(follow->status, "ready") == 0 || strcmp(follow->status, "error") == 0;
}

static bool check_status(const struct build_follow *follow, struct error *err) {
    static const char *const known[] = {"waiting", "building", "ready", "error", "uploaded"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(follow->status, known[i]) == 0)
            return true;
    return error_set(err, ERR_INTERNAL, "the server says that the build is '%s'", follow->status);
}

bool build_follow_page(struct build_follow *follow, bool *more, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_free char *suffix = NULL;
    cleanup_free char *build = client_encode(follow->build_id);
    if (!build || asprintf(&suffix, "/builds/%s/status?logsOffset=%zu", build, follow->offset) < 0)
        abort();
    if (!resource_call(follow->client, "GET", "/templates", follow->template_id, suffix, NULL,
                       &response, err))
        return false;
    const json_t *entries = json_object_get(response.json, "logEntries");
    const json_t *reason = json_object_get(response.json, "reason");
    size_t count = json_array_size(entries);
    for (size_t i = 0; follow->log && i < count; i++)
        buildlog_entry(follow->log, json_array_get(entries, i));
    follow->offset += count;
    *more = count > 0;
    follow->status[0] = '\0';
    keep_text(response.json, "status", follow->status, sizeof(follow->status));
    keep_text(reason, "message", follow->reason, sizeof(follow->reason));
    keep_text(reason, "step", follow->step, sizeof(follow->step));
    return check_status(follow, err);
}

static bool is_passing(const struct error *err) {
    return err->kind == ERR_UNAVAILABLE || err->http_status >= 500;
}

static bool wait_a_moment(const struct build_follow *follow, int ms, struct error *err) {
    if (follow->deadline_ms && clock_mono_ms() + ms > follow->deadline_ms)
        return error_set(err, ERR_TIMEOUT, "the build is still %s", follow->status);
    poll(NULL, 0, ms);
    return true;
}

bool build_follow_run(struct build_follow *follow, struct error *err) {
    int failures = 0, pause_ms = ASK_FIRST_MS;
    for (bool more = true; !interrupt_signal();) {
        struct error why = ERROR_INIT;
        if (!build_follow_page(follow, &more, &why)) {
            if (!is_passing(&why) || ++failures > RETRIES) {
                *err = why;
                return false;
            }
            if (!wait_a_moment(follow, RETRY_AFTER_MS, err))
                return false;
            continue;
        }
        failures = 0;
        if (is_over(follow) && !more)
            return true;
        if (!is_over(follow) && !wait_a_moment(follow, pause_ms, err))
            return false;
        pause_ms = MIN(2 * pause_ms, ASK_EVERY_MS);
    }
    return false;
}

bool build_follow_verdict(const struct build_follow *follow, struct error *err) {
    if (strcmp(follow->status, "error") != 0)
        return true;
    error_set(err, ERR_INVALID, "%s", follow->reason[0] ? follow->reason : "Unknown error");
    if (follow->step[0])
        error_hint(err, "the build failed in step %s", follow->step);
    return false;
}

static bool cancel(const struct build_follow *follow) {
    cleanup_response struct response response = {0};
    cleanup_free char *suffix = NULL;
    struct error ignored = ERROR_INIT;
    if (asprintf(&suffix, "/builds/%s/cancel", follow->build_id) < 0)
        abort();
    return resource_call(follow->client, "POST", "/v2/templates", follow->template_id, suffix, NULL,
                         &response, &ignored);
}

void build_follow_interrupted(const struct build_follow *follow, bool can_cancel) {
    fflush(stdout);
    if (can_cancel && cancel(follow))
        fputs(
            "Interrupted: the build was cancelled. The steps that were done are not done again.\n",
            stderr);
    else
        fprintf(stderr,
                "Interrupted: the build goes on at the server.\n"
                "`e2b template logs -f %s %s` shows it.\n",
                follow->template_id, follow->build_id);
}

char *build_template_id(struct client *client, const char *word, struct error *err) {
    cleanup_response struct response response = {0};
    struct error why = ERROR_INIT;
    const char *id = NULL;
    if (resource_call(client, "GET", "/templates/aliases", word, "", NULL, &response, &why)) {
        if (!json_get_string(response.json, "templateID", &id, err))
            return NULL;
    } else if (why.http_status != 404 && why.http_status != 403 && why.http_status != 400) {
        *err = why;
        return NULL;
    }
    char *copy = strdup(id ? id : word);
    if (!copy)
        abort();
    return copy;
}

char *build_newest(struct client *client, const char *template_id, struct error *err) {
    cleanup_response struct response response = {0};
    const char *newest = NULL, *newest_at = "";
    json_t *build;
    size_t i;
    if (!resource_call(client, "GET", "/templates", template_id, "", NULL, &response, err)) {
        if (err->http_status == 404)
            error_set(err, ERR_NOT_FOUND, "Template %s wasn't found", template_id);
        return NULL;
    }
    json_array_foreach(json_object_get(response.json, "builds"), i, build) {
        const char *at = json_string_value(json_object_get(build, "createdAt"));
        const char *id = json_string_value(json_object_get(build, "buildID"));
        if (id && (!newest || (at && strcmp(at, newest_at) > 0))) {
            newest = id;
            newest_at = at ? at : "";
        }
    }
    if (!newest)
        error_set(err, ERR_NOT_FOUND, "template %s has no build", template_id);
    return newest ? strdup(newest) : NULL;
}
