/* SPDX-License-Identifier: Apache-2.0
 *
 * `template delete`, `publish` and `unpublish`: of one template that is named, or of those that a
 * person picks from the list; asked about before, unless --yes.
 */
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/template/listing.h"
#include "cli/template/template.h"
#include "common/json.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec options[] = {
    {.name = "select", .letter = 's', .type = OPTION_BOOL, .help = "choose from the list"},
    TEMPLATE_TEAM_OPTIONS,
    {.name = "yes", .letter = 'y', .type = OPTION_BOOL, .help = "do not ask"},
    {0},
};

struct action {
    const char *heading, *question, *doing;
    bool (*act)(const struct invocation *in, const char *template, struct error *err);
};

/* ---- asking -----------------------------------------------------------------------------------
 */

static bool read_answer(char *text, size_t size) {
    fflush(stdout);
    if (!fgets(text, (int)size, stdin))
        return false;
    text[strcspn(text, "\r\n")] = '\0';
    return true;
}

static bool confirm(const struct action *action, bool *yes, struct error *err) {
    char answer[16];
    if (!isatty(STDIN_FILENO)) {
        error_set(err, ERR_USAGE, "there is nobody to ask");
        return error_hint(err, "--yes does it without asking");
    }
    printf("%s (y/N) ", action->question);
    *yes = read_answer(answer, sizeof(answer)) &&
           (strcmp(answer, "y") == 0 || strcmp(answer, "Y") == 0 || strcmp(answer, "yes") == 0);
    return true;
}

/* Numbers of the list, as "1 3". */
static bool pick(const json_t *all, json_t *picked, struct error *err) {
    char answer[1024];
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *template = json_array_get(all, i);
        const char *id = json_string_value(json_object_get(template, "templateID"));
        cleanup_free char *names = listing_names(template);
        printf("%4zu  ", i + 1);
        output_safe(stdout, id ? id : "", "");
        fputs("  ", stdout);
        output_safe(stdout, names ? names : "", "");
        putchar('\n');
    }
    fputs("Numbers of those that are meant: ", stdout);
    if (!read_answer(answer, sizeof(answer)))
        return true;
    for (char *at = answer, *end; *(at += strspn(at, " ,")); at = end) {
        unsigned long number = strtoul(at, &end, 10);
        if (end == at || number < 1 || number > json_array_size(all))
            return error_set(err, ERR_USAGE, "'%s' is no number of the list", at);
        json_array_append(picked, json_object_get(json_array_get(all, number - 1), "templateID"));
    }
    return true;
}

static json_t *choose(const struct invocation *in, struct error *err) {
    json_t *picked = json_array();
    if (!option_bool(in, "select")) {
        if (in->arg_count)
            json_array_append_new(picked, json_string(in->args[0]));
        return picked;
    }
    cleanup_json json_t *all = listing_templates(in, err);
    if (all && pick(all, picked, err))
        return picked;
    json_decref(picked);
    return NULL;
}

/* ---- doing ------------------------------------------------------------------------------------
 */

static bool delete_one(const struct invocation *in, const char *template, struct error *err) {
    cleanup_response struct response response = {0};
    return resource_call(in->client, "DELETE", "/templates", template, "", NULL, &response, err);
}

static bool set_public(const struct invocation *in, const char *template, bool is_public,
                       struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = json_pack("{s:b}", "public", is_public);
    if (!resource_call(in->client, "PATCH", "/v2/templates", template, "", body, &response, err))
        return false;
    const json_t *names = json_object_get(response.json, "names");
    for (size_t i = 0; is_public && i < json_array_size(names); i++) {
        fputs(i ? ", " : "  Published as: ", stdout);
        output_safe(stdout, json_string_value(json_array_get(names, i)), "");
    }
    if (is_public && json_array_size(names))
        putchar('\n');
    return true;
}

static bool publish_one(const struct invocation *in, const char *template, struct error *err) {
    return set_public(in, template, true, err);
}

static bool unpublish_one(const struct invocation *in, const char *template, struct error *err) {
    return set_public(in, template, false, err);
}

static bool act_on_all(const struct invocation *in, const struct action *action,
                       const json_t *chosen, struct error *err) {
    for (size_t i = 0; i < json_array_size(chosen); i++) {
        const char *template = json_string_value(json_array_get(chosen, i));
        printf("- %s sandbox template ", action->doing);
        output_safe(stdout, template, "");
        putchar('\n');
        if (action->act(in, template, err))
            continue;
        if (err->http_status == 404)
            error_set(err, ERR_NOT_FOUND, "Template %s wasn't found", template);
        return false;
    }
    return true;
}

static int run(struct invocation *in, const struct action *action, struct error *err) {
    bool yes = option_bool(in, "yes");
    cleanup_json json_t *chosen = choose(in, err);
    if (!chosen)
        return -1;
    if (!json_array_size(chosen)) {
        error_set(err, ERR_USAGE, "No template is named");
        return error_hint(err, "give its name or id, or -s/--select to choose from the list") - 1;
    }
    printf("%s\n", action->heading);
    for (size_t i = 0; i < json_array_size(chosen); i++) {
        output_safe(stdout, json_string_value(json_array_get(chosen, i)), "");
        putchar('\n');
    }
    putchar('\n');
    if (!yes && !confirm(action, &yes, err))
        return -1;
    if (!yes) {
        puts("Canceled");
        return EXIT_OK;
    }
    return act_on_all(in, action, chosen, err) ? EXIT_OK : -1;
}

static int delete_run(struct invocation *in, struct error *err) {
    static const struct action action = {
        .heading = "Sandbox templates to delete",
        .question = "Do you really want to delete this template?",
        .doing = "Deleting",
        .act = delete_one,
    };
    return run(in, &action, err);
}

static int publish_run(struct invocation *in, struct error *err) {
    static const struct action action = {
        .heading = "Sandbox templates to publish",
        .question = "Do you really want to publish this template?",
        .doing = "Publishing",
        .act = publish_one,
    };
    return run(in, &action, err);
}

static int unpublish_run(struct invocation *in, struct error *err) {
    static const struct action action = {
        .heading = "Sandbox templates to unpublish",
        .question = "Do you really want to unpublish this template?",
        .doing = "Unpublishing",
        .act = unpublish_one,
    };
    return run(in, &action, err);
}

#define ONE_TEMPLATE                                                                               \
    .arguments = "[template]", .complete = "template", .max_args = 1,                              \
    .flags = COMMAND_API | COMMAND_MAY_START, .options = options

const struct command command_template_delete = {
    .name = "delete",
    .aliases = {"dl"},
    .summary = "delete a template",
    ONE_TEMPLATE,
    .examples =
        (const char *const[]){"e2b template delete my-template --yes", "without being asked", NULL},
    .handler = delete_run,
};

const struct command command_template_publish = {
    .name = "publish",
    .aliases = {"pb"},
    .summary = "let everybody use a template",
    ONE_TEMPLATE,
    .examples =
        (const char *const[]){"e2b template publish my-template", "after being asked", NULL},
    .handler = publish_run,
};

const struct command command_template_unpublish = {
    .name = "unpublish",
    .aliases = {"upb"},
    .summary = "let only its project use a template",
    ONE_TEMPLATE,
    .examples = (const char *const[]){"e2b template unpublish my-template --yes",
                                      "without being asked", NULL},
    .handler = unpublish_run,
};
