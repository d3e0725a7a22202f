/* SPDX-License-Identifier: Apache-2.0
 *
 * See wake.h. A request that the sandbox would refuse does not wake it.
 */
#include "backend/envd/wake.h"

#include "backend/envd/envd.h"
#include "backend/envd/ports.h"

#include <errno.h>
#include <stdio.h>

struct waking {
    struct exchange *x; /* NULL: the client has left */
    char id[ID_SANDBOX];
    unsigned port;
    wake_serve serve;
};

static void refuse(struct exchange *x, const char *id, int status, const char *message) {
    exchange_reply_json(
        x, status,
        json_pack("{s:s, s:s, s:i}", "sandboxId", id, "message", message, "code", status));
}

static void on_client_left(void *ctx, bool broken) {
    struct waking *w = ctx;
    (void)broken;
    w->x = NULL;
}

static void finish(struct waking *w, struct sandbox *sandbox, const struct error *err) {
    static const struct exchange_events none = {0};
    if (w->x) {
        exchange_set_events(w->x, &none, NULL);
        if (sandbox)
            w->serve(sandbox, w->port, w->x);
        else if (err->kind == ERR_LIMIT)
            refuse(w->x, w->id, 429, err->message);
        else if (err->kind == ERR_NOT_FOUND || err->kind == ERR_CONFLICT || err->kind == ERR_GONE)
            ports_reply_no_sandbox(w->x, w->id);
        else
            exchange_reply_error(w->x, err);
    }
    free(w);
}

static void on_resumed(void *ctx, struct sandbox *sandbox, bool resumed, const struct error *err) {
    (void)resumed;
    finish(ctx, sandbox, err);
}

static bool may_wake(const struct sandbox *sandbox, unsigned port, struct exchange *x) {
    if (port != ENVD_PORT && *sandbox->traffic_token) {
        const char *token = exchange_header(x, "e2b-traffic-access-token");
        return token && ids_equal_secret(token, sandbox->traffic_token);
    }
    const char *token = exchange_header(x, "X-Access-Token");
    return port != ENVD_PORT || !sandbox->secure ||
           (token && ids_equal_secret(token, sandbox->access_token));
}

void wake(struct core *core, const char *id, unsigned port, struct exchange *x, wake_serve serve) {
    static const struct exchange_events events = {.closed = on_client_left};
    struct error err = ERROR_INIT;
    struct sandbox *sandbox = sandbox_lookup(core, id, &err);
    if (sandbox && sandbox_is_running(sandbox)) {
        serve(sandbox, port, x);
        return;
    }
    if (!sandbox || !sandbox->lifecycle.auto_resume) {
        ports_reply_no_sandbox(x, id);
        return;
    }
    if (!may_wake(sandbox, port, x)) {
        refuse(x, id, 403, "The sandbox is paused, and the request may not resume it");
        return;
    }
    if (sandbox->paused == PAUSED_ON_DISK) {
        refuse(x, id, 403, "The sandbox was paused without its memory: resume it explicitly");
        return;
    }
    struct waking *w = malloc(sizeof(*w));
    if (!w) {
        error_errno(&err, ENOMEM, "cannot resume the sandbox");
        exchange_reply_error(x, &err);
        return;
    }
    *w = (struct waking){.x = x, .port = port, .serve = serve};
    snprintf(w->id, sizeof(w->id), "%s", sandbox->id);
    exchange_set_events(x, &events, w);
    const struct sandbox_resume how = {.timeout_s = sandbox->timeout_s};
    sandbox_resume(core, w->id, &how, on_resumed, w);
}
