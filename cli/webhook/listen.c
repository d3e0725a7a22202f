/* SPDX-License-Identifier: Apache-2.0
 *
 * `webhook listen`: a receiver that registers itself, looks at every signature, prints what
 * arrives, hands it on, and unregisters when it ends. Its secret is made once and kept, so a
 * program that checks signatures behind it needs to be told only once.
 */
#include "cli/context.h"
#include "cli/event/event.h"
#include "cli/output.h"
#include "cli/webhook/receiver.h"
#include "cli/webhook/webhook.h"
#include "common/clock.h"
#include "common/io.h"
#include "common/paths.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FORWARD_MS = 8000, HEADER = 512, FORWARDED = 5 };
static const char name_prefix[] = "e2b webhook listen, process ";

static const struct option_spec options[] = {
    {.name = "forward-to",
     .type = OPTION_STRING,
     .value = "url",
     .help = "post what arrives there too, and answer as it does"},
    EVENT_TYPES_OPTION("types of events, e.g. created,killed (can be repeated); all if not given"),
    {.name = "port",
     .type = OPTION_INTEGER,
     .value = "port",
     .min = 1,
     .max = 65535,
     .help = "where to listen on 127.0.0.1; any free one if not given"},
    {.name = "public-url",
     .type = OPTION_STRING,
     .value = "url",
     .help = "register this address instead, that of a tunnel to the port"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

struct listener {
    struct invocation *in;
    struct client *forward; /* NULL: not wanted */
    const char *forward_to;
    bool as_json;
    char *secret;
    char *id; /* of the webhook */
    struct receiver receiver;
};

/* ---- the secret ---- */

static char *keep_new_secret(const char *path, struct error *err) {
    char made[WEBHOOK_SECRET];
    webhook_secret_make(made);
    return io_write_file(path, made, strlen(made), 0600, err) ? strdup(made) : NULL;
}

static char *find_secret(struct error *err) {
    struct paths paths;
    char path[PATHS_MAX + 32];
    if (!paths_find(&paths, err) || !io_mkdirs(paths.state, 0700, err))
        return NULL;
    snprintf(path, sizeof(path), "%s/webhook-listen-secret", paths.state);
    return access(path, F_OK) == 0 ? webhook_secret_read(path, err) : keep_new_secret(path, err);
}

/* ---- registration ---- */

/* What listeners left that could not unregister: their process is gone. */
static void remove_left(struct client *client) {
    struct error ignored = ERROR_INIT;
    cleanup_response struct response all = {0};
    size_t i;
    json_t *webhook;
    if (!client_call(client, "GET", WEBHOOKS_PATH, NULL, &all, &ignored))
        return;
    json_array_foreach(all.json, i, webhook) {
        const char *name = json_string_value(json_object_get(webhook, "name"));
        const char *id = json_string_value(json_object_get(webhook, "id"));
        cleanup_response struct response gone = {0};
        if (!name || !id || strncmp(name, name_prefix, sizeof(name_prefix) - 1) != 0)
            continue;
        long pid = strtol(name + sizeof(name_prefix) - 1, NULL, 10);
        if (pid > 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH)
            resource_call(client, "DELETE", WEBHOOKS_PATH, id, "", NULL, &gone, &ignored);
    }
}

static json_t *wanted_types(const struct invocation *in, struct error *err) {
    json_t *types = event_types_given(in, "events", err);
    char full[EVENT_TYPE];
    bool all = types && !json_array_size(types);
    for (const char *const *at = event_types; all && *at; at++)
        if (event_type_full(*at, full, err))
            json_array_append_new(types, json_string(full));
    return types;
}

static bool enlist(struct listener *l, struct error *err) {
    char url[64], name[64];
    const char *public_url = option_string(l->in, "public-url");
    cleanup_response struct response response = {0};
    json_t *types = wanted_types(l->in, err);
    if (!types)
        return false;
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", l->receiver.port);
    snprintf(name, sizeof(name), "%s%d", name_prefix, (int)getpid());
    cleanup_json json_t *body =
        json_pack("{s:s, s:s, s:b, s:o, s:s}", "name", name, "url", public_url ? public_url : url,
                  "enabled", true, "events", types, "signatureSecret", l->secret);
    if (l->in->context->target.kind == TARGET_LOCAL)
        remove_left(l->in->client);
    if (!client_call(l->in->client, "POST", WEBHOOKS_PATH, body, &response, err))
        return error_wrap(err, "cannot register");
    const char *id = json_string_value(json_object_get(response.json, "id"));
    l->id = id ? strdup(id) : NULL;
    return l->id || error_set(err, ERR_INTERNAL, "the server's answer has no id");
}

static bool delist(struct listener *l, struct error *err) {
    cleanup_response struct response response = {0};
    return !l->id ||
           resource_call(l->in->client, "DELETE", WEBHOOKS_PATH, l->id, "", NULL, &response, err);
}

/* ---- deliveries ---- */

struct outcome {
    bool valid;
    int status;         /* what is answered */
    int64_t took_ms;    /* of handing it on */
    struct error error; /* of handing it on */
};

/* What a receiver needs to see; everything else belongs to this connection. */
static bool hand_on(struct listener *l, const struct http1_head *head, const char *body, size_t len,
                    struct outcome *outcome) {
    static const char *const names[FORWARDED] = {"content-type", "e2b-webhook-id",
                                                 "e2b-delivery-id", "e2b-signature-version",
                                                 "e2b-signature"};
    char lines[FORWARDED][HEADER];
    const char *headers[FORWARDED + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < FORWARDED; i++) {
        const struct slice *value = http1_find(head, names[i]);
        if (!value)
            continue;
        snprintf(lines[count], HEADER, "%s: %.*s", names[i], (int)MIN(value->len, (size_t)HEADER),
                 value->at);
        headers[count] = lines[count];
        count++;
    }
    const struct client_post post = {.url = l->forward_to,
                                     .headers = headers,
                                     .body = body,
                                     .len = len,
                                     .timeout_ms = FORWARD_MS,
                                     .stop_fd = l->receiver.signals};
    int64_t began = clock_mono_ms();
    bool ok = client_post(l->forward, &post, &outcome->status, &outcome->error);
    outcome->took_ms = clock_mono_ms() - began;
    return ok;
}

static void print_json(const struct listener *l, json_t *event, const char *delivery_id,
                       const struct outcome *outcome) {
    json_t *forward = json_null();
    if (l->forward && outcome->valid)
        forward = json_pack("{s:s, s:i, s:I, s:s?}", "url", l->forward_to, "status",
                            outcome->status, "durationMs", (json_int_t)outcome->took_ms, "error",
                            outcome->error.kind != ERR_NONE ? outcome->error.message : NULL);
    cleanup_json json_t *line =
        json_pack("{s:O, s:s, s:b, s:o}", "event", event, "deliveryId", delivery_id,
                  "signatureValid", outcome->valid, "forward", forward);
    event_print_json(stdout, line);
}

static void print_text(const struct listener *l, const json_t *event,
                       const struct outcome *outcome) {
    event_print(stdout, event);
    if (!outcome->valid)
        printf("    %sits signature is NOT valid: not handed on, answered %d%s\n",
               output_style(stdout, STYLE_RED), outcome->status, output_style(stdout, STYLE_END));
    else if (l->forward && outcome->error.kind != ERR_NONE)
        printf("    %s%s%s\n", output_style(stdout, STYLE_RED), outcome->error.message,
               output_style(stdout, STYLE_END));
    else if (l->forward)
        printf("    handed on: answered %d after %lld ms\n", outcome->status,
               (long long)outcome->took_ms);
}

static bool check(const struct listener *l, const struct http1_head *head, const char *body,
                  size_t len) {
    const struct slice *value = http1_find(head, "e2b-signature");
    struct error err = ERROR_INIT;
    char signature[HEADER];
    bool valid = false;
    if (!value)
        return false;
    snprintf(signature, sizeof(signature), "%.*s", (int)MIN(value->len, sizeof(signature)),
             value->at);
    if (!webhook_verify(l->secret, body, len, signature, &valid, &err))
        fprintf(stderr, "%s\n", err.message);
    return valid;
}

static int take(void *ctx, const struct http1_head *head, const char *body, size_t len) {
    struct listener *l = ctx;
    struct error ignored = ERROR_INIT;
    struct outcome outcome = {.status = 200};
    char delivery_id[64] = "";
    const struct slice *id = http1_find(head, "e2b-delivery-id");
    if (id)
        snprintf(delivery_id, sizeof(delivery_id), "%.*s", (int)MIN(id->len, sizeof(delivery_id)),
                 id->at);
    cleanup_json json_t *event = json_parse(body, len, &ignored);
    if (!slice_is(head->method, "POST") || !json_is_object(event))
        return 400;
    outcome.valid = check(l, head, body, len);
    if (!outcome.valid)
        outcome.status = 401;
    else if (l->forward && !hand_on(l, head, body, len, &outcome))
        outcome.status = 502;
    if (l->as_json)
        print_json(l, event, delivery_id, &outcome);
    else
        print_text(l, event, &outcome);
    fflush(stdout);
    return outcome.status;
}

/* ---- the command ---- */

static void greet(const struct listener *l) {
    if (l->as_json) {
        printf("{\"ready\":true,\"webhookId\":\"%s\",\"port\":%u,\"signatureSecret\":\"%s\"}\n",
               l->id, l->receiver.port, l->secret);
    } else {
        printf("Events arrive at http://127.0.0.1:%u (webhook %s)\n", l->receiver.port, l->id);
        printf("The secret, the same every time: %s\n", l->secret);
        if (l->forward)
            printf("They are handed on to %s\n", l->forward_to);
        puts("Ctrl-C ends it.");
    }
    fflush(stdout);
}

static bool check_reachable(const struct invocation *in, struct error *err) {
    if (in->context->target.kind == TARGET_LOCAL || option_given(in, "public-url"))
        return true;
    error_set(err, ERR_UNSUPPORTED, "a server elsewhere cannot reach 127.0.0.1");
    return error_hint(err, "open a tunnel to a port, and give --port and --public-url; or use "
                           "--context local");
}

static bool open_forward(struct listener *l, struct error *err) {
    static const struct target anywhere = {.kind = TARGET_REMOTE, .api_url = "", .domain = ""};
    const char *url = l->forward_to = option_string(l->in, "forward-to");
    if (url && strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
        return error_set(err, ERR_USAGE, "--forward-to needs a URL with http:// or https://");
    l->forward = l->forward_to ? client_open(&anywhere, false, err) : NULL;
    return !l->forward_to || l->forward;
}

static bool run(struct listener *l, struct error *err) {
    unsigned port = (unsigned)option_number(l->in, "port");
    l->secret = find_secret(err);
    if (!l->secret || !open_forward(l, err) || !receiver_open(&l->receiver, port, err) ||
        !enlist(l, err))
        return false;
    greet(l);
    return receiver_run(&l->receiver, err);
}

static int listen_run(struct invocation *in, struct error *err) {
    struct listener l = {.in = in,
                         .as_json = output_wants_json(in),
                         .receiver = {.listening = -1, .signals = -1, .take = take, .ctx = &l}};
    struct error late = ERROR_INIT;
    if (!check_reachable(in, err))
        return -1;
    bool ok = run(&l, err);
    if (!delist(&l, &late) && ok) {
        *err = late;
        ok = error_wrap(err, "cannot unregister");
    }
    receiver_close(&l.receiver);
    client_close(l.forward);
    webhook_secret_free(&l.secret);
    free(l.id);
    return ok ? EXIT_OK : -1;
}

const struct command command_webhook_listen = {
    .name = "listen",
    .summary = "receive events on this machine, print them and hand them on",
    .description = "Registers a webhook for as long as it runs. What --forward-to answers is "
                   "answered to the sender too, so what fails is sent again.",
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b webhook listen --forward-to http://localhost:3000/hook",
                                      "develop a receiver",
                                      "e2b webhook listen --events killed --format json",
                                      "one line of JSON for each end of a sandbox", NULL},
    .handler = listen_run,
};
