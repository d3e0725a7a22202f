/* SPDX-License-Identifier: Apache-2.0
 *
 * The noun's table, and what needs no file of its own.
 */
#include "cli/webhook/webhook.h"

#include "cli/output.h"
#include "cli/root.h"
#include "cli/sandbox/view.h"
#include "common/buf.h"

#include <string.h>

static const struct option_spec options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

static const char *const examples[] = {
    "e2b webhook listen --forward-to http://localhost:3000/hook",
    "receive events here and hand them to a program",
    "e2b webhook add https://example.com/hook --events created,killed --secret-file secret.txt",
    "tell a server", NULL};

/* "created, killed" is enough to read. */
static void shorten_events(json_t *webhook) {
    cleanup_buf struct buf text = BUF_INIT(1 << 10);
    const json_t *events = json_object_get(webhook, "events"), *event;
    size_t i;
    bool ok = json_array_size(events) > 0;
    json_array_foreach(events, i, event) {
        const char *name = json_string_value(event), *dot = name ? strrchr(name, '.') : NULL;
        ok = ok && name && buf_printf(&text, "%s%s", i ? ", " : "", dot ? dot + 1 : name);
    }
    if (ok)
        json_object_set_new(webhook, "events", json_string(text.data));
}

static int list_run(struct invocation *in, struct error *err) {
    static const struct resource_column columns[] = {
        {"WEBHOOK ID", "id", NULL}, {"NAME", "name", NULL},
        {"URL", "url", NULL},       {"ENABLED", "enabled", NULL},
        {"STATUS", "status", NULL}, {"CREATED AT", "createdAt", view_time},
        {"EVENTS", "events", NULL}, {0},
    };
    cleanup_response struct response response = {0};
    if (!client_call(in->client, "GET", WEBHOOKS_PATH, NULL, &response, err))
        return -1;
    for (size_t i = 0; !output_wants_json(in) && i < json_array_size(response.json); i++)
        shorten_events(json_array_get(response.json, i));
    resource_print(in, response.json, columns, "No webhooks found");
    return EXIT_OK;
}

static const struct command command_list = {
    .name = "list",
    .aliases = {"ls"},
    .summary = "list webhooks",
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b webhook list", "who is told, and who fails", NULL},
    .handler = list_run,
};

static int info_run(struct invocation *in, struct error *err) {
    static const struct field fields[] = {
        {"id", "Webhook ID", NULL},
        {"name", "Name", NULL},
        {"url", "URL", NULL},
        {"enabled", "Enabled", NULL},
        {"status", "Status", NULL},
        {"failingSince", "Failing since", view_time},
        {"retrying", "Waiting to be tried again", NULL},
        {"createdAt", "Created at", view_time},
        {"events", "Events", NULL},
        {"teamID", NULL, NULL},
        {"teamId", NULL, NULL},
        {0},
    };
    return resource_info(in, WEBHOOKS_PATH, fields, err);
}

static const struct command command_info = {
    .name = "info",
    .aliases = {"in"},
    .summary = "show a webhook, and whether its receiver answers",
    .arguments = "<webhookID>",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b webhook info ID", "does its receiver answer", NULL},
    .handler = info_run,
};

static int remove_run(struct invocation *in, struct error *err) {
    return resource_delete(in, WEBHOOKS_PATH, NULL, "Webhook", "removed", err);
}

static const struct command command_remove = {
    .name = "remove",
    .aliases = {"delete", "rm", "dl"},
    .summary = "remove webhooks",
    .description = "Exits 4 if one of them was not there; the others are removed.",
    .arguments = "<webhookIDs...>",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b webhook remove ID ID2", "tell them nothing more", NULL},
    .handler = remove_run,
};

static const struct command *const children[] = {
    &command_webhook_add,     &command_list,           &command_info,
    &command_webhook_update,  &command_remove,         &command_webhook_deliveries,
    &command_webhook_resend,  &command_webhook_stats,  &command_webhook_listen,
    &command_webhook_trigger, &command_webhook_verify, NULL,
};

const struct command command_webhook = {
    .name = "webhook",
    .summary = "tell web servers what happens to sandboxes",
    .description =
        "An event that does not arrive is sent again, at growing intervals, for at least "
        "24 hours and 20 attempts; a receiver may get one twice. Works against the "
        "hosted service wherever its API has the call.",
    .children = children,
    .examples = examples,
};
