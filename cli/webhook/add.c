/* SPDX-License-Identifier: Apache-2.0
 *
 * `webhook add` and `webhook update`: the same fields, needed by the one, left alone by the other.
 */
#include "cli/output.h"
#include "cli/webhook/webhook.h"

#include <stdio.h>

#define SECRET_OPTION(text)                                                                        \
    { .name = "secret-file", .type = OPTION_PATH, .value = "file", .help = (text), }

static bool put_events(const struct invocation *in, json_t *body, struct error *err) {
    json_t *types = event_types_given(in, "events", err);
    if (types && json_array_size(types))
        json_object_set(body, "events", types);
    json_decref(types);
    return types;
}

static bool put_secret(const struct invocation *in, json_t *body, struct error *err) {
    const char *file = option_string(in, "secret-file");
    cleanup_secret char *secret = file ? webhook_secret_read(file, err) : NULL;
    if (file && !secret)
        return false;
    if (secret)
        json_object_set_new(body, "signatureSecret", json_string(secret));
    return true;
}

/* ---- add ---- */

static const struct option_spec add_options[] = {
    {.name = "name",
     .letter = 'n',
     .type = OPTION_STRING,
     .value = "name",
     .help = "what it is called; the URL if not given"},
    EVENT_TYPES_OPTION("types of events, e.g. created,killed (can be repeated); all if not given"),
    SECRET_OPTION("secret that signatures are made with, in a file (-: standard input); one is "
                  "made and shown once if not given"),
    {.name = "disabled", .type = OPTION_BOOL, .help = "make it, but tell it nothing yet"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

static json_t *all_types(void) {
    json_t *list = json_array();
    struct error ignored;
    char full[EVENT_TYPE];
    for (const char *const *at = event_types; *at; at++)
        if (event_type_full(*at, full, &ignored))
            json_array_append_new(list, json_string(full));
    return list;
}

static json_t *add_body(const struct invocation *in, char made[static WEBHOOK_SECRET],
                        struct error *err) {
    const char *name = option_string(in, "name");
    cleanup_json json_t *body =
        json_pack("{s:s, s:s, s:b, s:o}", "name", name ? name : in->args[0], "url", in->args[0],
                  "enabled", !option_bool(in, "disabled"), "events", all_types());
    if (!body) {
        error_set(err, ERR_INVALID, "the name or the URL is no UTF-8");
        return NULL;
    }
    if (!put_events(in, body, err) || !put_secret(in, body, err))
        return NULL;
    made[0] = '\0';
    if (!option_given(in, "secret-file")) {
        webhook_secret_make(made);
        json_object_set_new(body, "signatureSecret", json_string(made));
    }
    return steal_ptr(&body);
}

static int add_run(struct invocation *in, struct error *err) {
    char made[WEBHOOK_SECRET];
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = add_body(in, made, err);
    if (!body || !client_call(in->client, "POST", WEBHOOKS_PATH, body, &response, err))
        return -1;
    if (output_wants_json(in)) {
        if (*made)
            json_object_set_new(response.json, "signatureSecret", json_string(made));
        output_json(stdout, response.json);
        return EXIT_OK;
    }
    printf("Webhook %s has been added\n", json_string_value(json_object_get(response.json, "id")));
    if (*made)
        printf("Its secret, shown only now: %s\n", made);
    return EXIT_OK;
}

const struct command command_webhook_add = {
    .name = "add",
    .aliases = {"create"},
    .summary = "have a web server told of events",
    .arguments = "<url>",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = add_options,
    .examples =
        (const char *const[]){"e2b webhook add http://localhost:3000/hook", "of all events",
                              "e2b webhook add https://example.com/hook -e killed --secret-file -",
                              "only of ends; the secret comes on standard input", NULL},
    .handler = add_run,
};

/* ---- update ---- */

static const struct option_spec update_options[] = {
    {.name = "name", .letter = 'n', .type = OPTION_STRING, .value = "name", .help = "another name"},
    {.name = "url", .type = OPTION_STRING, .value = "url", .help = "another receiver"},
    EVENT_TYPES_OPTION("these types of events instead, e.g. created,killed (can be repeated)"),
    SECRET_OPTION("another secret, in a file (-: standard input)"),
    {.name = "enabled",
     .type = OPTION_BOOL,
     .help = "tell it of events again; --no-enabled stops that and forgets what waited"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

static json_t *update_body(const struct invocation *in, struct error *err) {
    static const char *const texts[] = {"name", "url"};
    cleanup_json json_t *body = json_object();
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (option_given(in, texts[i]))
            json_object_set_new(body, texts[i], json_string(option_string(in, texts[i])));
    if (option_given(in, "enabled"))
        json_object_set_new(body, "enabled", json_boolean(option_bool(in, "enabled")));
    if (!put_events(in, body, err) || !put_secret(in, body, err))
        return NULL;
    if (json_object_size(body))
        return steal_ptr(&body);
    error_set(err, ERR_USAGE, "nothing to update");
    return NULL;
}

static int update_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = update_body(in, err);
    if (!body ||
        !resource_call(in->client, "PATCH", WEBHOOKS_PATH, in->args[0], "", body, &response, err))
        return -1;
    if (output_wants_json(in))
        output_json(stdout, response.json);
    else
        printf("Webhook %s has been updated\n", in->args[0]);
    return EXIT_OK;
}

const struct command command_webhook_update = {
    .name = "update",
    .aliases = {"up"},
    .summary = "change a webhook",
    .arguments = "<webhookID>",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = update_options,
    .examples =
        (const char *const[]){"e2b webhook update ID --no-enabled", "stop telling it",
                              "e2b webhook update ID --events created", "other events", NULL},
    .handler = update_run,
};
