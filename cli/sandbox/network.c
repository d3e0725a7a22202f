/* SPDX-License-Identifier: Apache-2.0
 *
 * `sandbox network`: what a sandbox may reach. The server replaces all rules at once, so those that
 * are there are read first and given back with the change.
 */
#include "cli/output.h"
#include "cli/sandbox/handle.h"
#include "cli/sandbox/sandbox.h"

static const struct option_spec change_options[] = {
    {.name = "replace", .type = OPTION_BOOL, .help = "instead of those that are there"},
    {0},
};

/* ---- show ---- */

static const struct option_spec show_options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

/* {"internet": bool, "allowOut": [...], "denyOut": [...], ...} */
static json_t *read_rules(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    if (!handle_ask(in->client, "GET", in->args[0], "", NULL, &response, err))
        return NULL;
    const json_t *network = json_object_get(response.json, "network");
    json_t *internet = json_object_get(response.json, "allowInternetAccess");
    json_t *rules =
        json_is_object(network) ? json_copy((json_t *)(uintptr_t)network) : json_object();
    json_object_set_new(rules, "internet", json_boolean(!json_is_false(internet)));
    return rules;
}

static void print_list(const char *label, const json_t *list) {
    printf("%s:", label);
    for (size_t i = 0; i < json_array_size(list); i++) {
        putchar(' ');
        const char *rule = json_string_value(json_array_get(list, i));
        output_safe(stdout, rule ? rule : "", "");
    }
    puts(json_array_size(list) ? "" : " nothing");
}

static int show_run(struct invocation *in, struct error *err) {
    cleanup_json json_t *rules = read_rules(in, err);
    if (!rules)
        return -1;
    if (output_wants_json(in)) {
        output_json(stdout, rules);
        return EXIT_OK;
    }
    printf("Internet: %s\n", json_is_true(json_object_get(rules, "internet")) ? "yes" : "no");
    print_list("Allowed", json_object_get(rules, "allowOut"));
    print_list("Denied", json_object_get(rules, "denyOut"));
    return EXIT_OK;
}

static const struct command command_show = {
    .name = "show",
    .summary = "show what a sandbox may reach",
    .arguments = "<sandboxID>",
    .complete = "sandbox",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = show_options,
    .examples = (const char *const[]){"e2b sandbox network show i1234567890abcdefghij",
                                      "the rules in force", NULL},
    .handler = show_run,
};

/* ---- allow and deny ---- */

static int change(struct invocation *in, const char *field, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *rules = read_rules(in, err);
    if (!rules)
        return -1;
    json_t *list = json_object_get(rules, field);
    json_t *changed = option_bool(in, "replace") || !list ? json_array() : json_copy(list);
    for (int i = 1; i < in->arg_count; i++)
        json_array_append_new(changed, json_string(in->args[i]));
    cleanup_json json_t *body = json_object();
    json_object_set(body, "allow_internet_access", json_object_get(rules, "internet"));
    static const char *const kept[] = {"allowOut", "denyOut", "egressProxy", "rules"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_object_get(rules, kept[i]))
            json_object_set(body, kept[i], json_object_get(rules, kept[i]));
    json_object_set_new(body, field, changed);
    if (!handle_ask(in->client, "PUT", in->args[0], "/network", body, &response, err))
        return -1;
    printf("The network of sandbox %s has been changed\n", in->args[0]);
    return EXIT_OK;
}

static int allow_run(struct invocation *in, struct error *err) {
    return change(in, "allowOut", err);
}

static int deny_run(struct invocation *in, struct error *err) {
    return change(in, "denyOut", err);
}

static const struct command command_allow = {
    .name = "allow",
    .summary = "let a sandbox reach addresses",
    .description = "What is allowed wins over what is denied. With --replace and no rules the list "
                   "is emptied.",
    .arguments = "<sandboxID> [rules...]",
    .complete = "sandbox",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = change_options,
    .examples = (const char *const[]){"e2b sandbox network allow i1234567890abcdefghij 1.1.1.1",
                                      "one address", NULL},
    .handler = allow_run,
};

static const struct command command_deny = {
    .name = "deny",
    .summary = "keep a sandbox from reaching addresses",
    .arguments = "<sandboxID> [rules...]",
    .complete = "sandbox",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = change_options,
    .examples = (const char *const[]){"e2b sandbox network deny i1234567890abcdefghij 0.0.0.0/0",
                                      "everything that is not allowed", NULL},
    .handler = deny_run,
};

static const struct command *const children[] = {&command_show, &command_allow, &command_deny,
                                                 NULL};

const struct command command_sandbox_network = {
    .name = "network",
    .summary = "what a sandbox may reach",
    .children = children,
    .examples = (const char *const[]){"e2b sandbox network show i1234567890abcdefghij",
                                      "the rules in force", NULL},
};
