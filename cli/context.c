/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of precedence, and what the environment and a login hold.
 */
#include "cli/context.h"

#include "cli/login.h"
#include "common/ids.h"
#include "common/io.h"
#include "common/paths.h"

#include <stdio.h>
#include <string.h>

#define HOSTED_DOMAIN "e2b.app"

const char *const context_names[] = {"local", "cloud", NULL};

static const char *env(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool use_local(struct context *context, const char *reason) {
    context->name = "local";
    context->reason = reason;
    context->target = (struct target){.kind = TARGET_LOCAL};
    return true;
}

/* No backend has run yet: no key is its own. */
static bool is_local_key(const char *key) {
    struct paths paths;
    struct error ignored = ERROR_INIT;
    cleanup_buf struct buf own = BUF_INIT(4096);
    char path[PATHS_MAX + 16];
    if (!paths_find(&paths, &ignored))
        return false;
    snprintf(path, sizeof(path), "%s/api-key", paths.state);
    if (!io_read_file(path, &own, &ignored) || !own.data)
        return false;
    own.data[strcspn(own.data, "\r\n")] = '\0';
    return *own.data && ids_equal_secret(own.data, key);
}

static bool is_loopback(const char *url) {
    static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        size_t len = strlen(hosts[i]);
        if (strncmp(host, hosts[i], len) == 0 && strchr(":/", host[len]))
            return true;
    }
    return false;
}

/* The exports of `e2b local env`. */
static bool environment_is_local(void) {
    const char *key = env("E2B_API_KEY"), *url = env("E2B_API_URL");
    return key && (!url || is_loopback(url)) && is_local_key(key);
}

static bool check_key(const char *key, struct error *err) {
    for (const char *at = key; *at; at++)
        if (*at <= ' ' || *at > '~')
            return error_set(err, ERR_INVALID, "the API key holds characters that no key can have");
    return true;
}

/* `from_environment` false: the variables describe another server than the hosted one. */
static bool fill_remote(struct context *context, bool from_environment, struct error *err) {
    struct target *target = &context->target;
    const char *url = from_environment ? env("E2B_API_URL") : NULL;
    const char *domain = from_environment ? env("E2B_DOMAIN") : NULL;
    const char *debug = from_environment ? env("E2B_DEBUG") : NULL;
    bool debugging = debug && strcmp(debug, "true") == 0;
    target->kind = TARGET_REMOTE;
    target->domain = domain ? domain : HOSTED_DOMAIN;
    target->sandbox_url = from_environment ? env("E2B_SANDBOX_URL") : NULL;
    if (!target->sandbox_url && debugging)
        target->sandbox_url = "http://localhost:49983";
    if (!url && debugging)
        url = "http://localhost:3000";
    if (!url && asprintf(&context->owned_api_url, "https://api.%s", target->domain) < 0)
        return error_set(err, ERR_INTERNAL, "out of memory");
    target->api_url = url ? url : context->owned_api_url;
    return check_key(target->api_key, err);
}

static bool use_key_of_login(struct context *context) {
    if (!context->owned_key)
        context->owned_key = login_key(context->warning, sizeof(context->warning));
    context->target.api_key = context->owned_key;
    return context->owned_key != NULL;
}

static bool not_logged_in(struct error *err) {
    error_set(err, ERR_UNAUTHENTICATED, "no API key for the hosted service");
    return error_hint(err, "set E2B_API_KEY (keys: https://e2b.dev/dashboard?tab=keys), or use "
                           "--context local");
}

static bool use_cloud(struct context *context, const char *reason, struct error *err) {
    bool ours = environment_is_local();
    const char *key = ours ? NULL : env("E2B_API_KEY");
    context->name = "cloud";
    context->reason = reason;
    context->target.api_key = key;
    if (!key && !use_key_of_login(context))
        return not_logged_in(err);
    return fill_remote(context, !ours, err);
}

static bool use_name(struct context *context, const char *name, const char *reason,
                     struct error *err) {
    if (strcmp(name, "local") == 0)
        return use_local(context, reason);
    if (strcmp(name, "cloud") == 0)
        return use_cloud(context, reason, err);
    error_set(err, ERR_NOT_FOUND, "there is no context '%s'", name);
    return error_hint(err, "the contexts are local and cloud");
}

static bool use_environment(struct context *context, struct error *err) {
    const char *key = env("E2B_API_KEY");
    context->name = "environment";
    context->reason = key ? "E2B_API_KEY" : "E2B_API_URL";
    context->target.api_key = key;
    if (!key && !use_key_of_login(context))
        return not_logged_in(err);
    return fill_remote(context, true, err);
}

bool context_resolve(struct context *context, const char *chosen, const char *chosen_by,
                     struct error *err) {
    *context = (struct context){0};
    if (chosen)
        return use_name(context, chosen, chosen_by, err);
    if (environment_is_local())
        return use_local(context, "E2B_API_KEY is the local backend's own");
    if (env("E2B_API_KEY") || env("E2B_API_URL"))
        return use_environment(context, err);
    if (use_key_of_login(context))
        return use_cloud(context, "~/.e2b/config.json", err);
    return use_local(context, "nothing else is chosen");
}

void context_free(struct context *context) {
    free(context->owned_key);
    free(context->owned_api_url);
    *context = (struct context){0};
}
