/* SPDX-License-Identifier: Apache-2.0
 *
 * `template create`, also called `template build`: from a Dockerfile to a template. Everything that
 * can be found wrong here is found before the server hears of it.
 */
#include "cli/context.h"
#include "cli/interrupt.h"
#include "cli/resource.h"
#include "cli/template/buildlog.h"
#include "cli/template/delivery.h"
#include "cli/template/dry_run.h"
#include "cli/template/example.h"
#include "cli/template/follow.h"
#include "cli/template/project.h"
#include "cli/template/steps.h"
#include "cli/template/template.h"
#include "common/json.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NAME_LIMIT = 128, DEFAULT_CPUS = 2, DEFAULT_MEMORY_MB = 1024 };

static const struct option_spec options[] = {
    PROJECT_OPTIONS,
    {.name = "cmd",
     .letter = 'c',
     .type = OPTION_STRING,
     .value = "start-command",
     .help = "runs in every sandbox made from the template, instead of CMD and ENTRYPOINT"},
    {.name = "ready-cmd",
     .type = OPTION_STRING,
     .value = "ready-command",
     .help = "exits 0 when the start command is ready"},
    {.name = "cpu-count",
     .type = OPTION_INTEGER,
     .value = "cpu-count",
     .min = 1,
     .max = 1024,
     .help = "CPUs of sandboxes made from it (default: 2)"},
    {.name = "memory-mb",
     .type = OPTION_INTEGER,
     .value = "memory-mb",
     .min = 128,
     .max = INT32_MAX,
     .help = "their memory in MiB, an even number (default: 1024)"},
    {.name = "min-free-disk-mb",
     .type = OPTION_INTEGER,
     .value = "min-free-disk-mb",
     .min = 0,
     .max = INT32_MAX,
     .help = "free space on their disks, in MiB"},
    {.name = "tag", .type = OPTION_LIST, .value = "tag", .help = "tag of the build"},
    {.name = "no-cache", .type = OPTION_BOOL, .help = "build all steps anew"},
    BUILDLOG_OPTION,
    {.name = "detach", .type = OPTION_BOOL, .help = "start the build and print its ids"},
    {.name = "dry-run",
     .type = OPTION_BOOL,
     .help = "print steps, files, sizes and hashes, and build nothing"},
    {0},
};

struct making {
    struct invocation *in;
    struct project project;
    struct buildlog log;
    char name[NAME_LIMIT + 1];
    char *template_id, *build_id; /* NULL until the server gave them */
    bool started;
};

/* ---- what is asked for ------------------------------------------------------------------------
 */

static bool take_name(struct making *m, struct error *err) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *text = m->in->arg_count ? m->in->args[0] : m->project.settings.name;
    if (!text)
        return error_set(err, ERR_USAGE, "missing required argument 'template-name'");
    size_t start = strspn(text, " "), len = strlen(text + start);
    while (len && text[start + len - 1] == ' ')
        len--;
    for (size_t i = 0; i < len && len <= NAME_LIMIT; i++)
        m->name[i] = (char)tolower((unsigned char)text[start + i]);
    if (len && len <= NAME_LIMIT && !m->name[strspn(m->name, letters)])
        return true;
    error_set(err, ERR_USAGE,
              "Template name %s is not valid. Template name must contain only letters, numbers, "
              "dashes and underscores",
              text);
    return strchr(text, ':') && error_hint(err, "--tag names the build");
}

static int64_t number_of(const struct making *m, const char *option, int64_t setting,
                         int64_t fallback) {
    return option_given(m->in, option) ? option_number(m->in, option)
           : setting                   ? setting
                                       : fallback;
}

static json_t *template_body(const struct making *m, struct error *err) {
    const struct settings *settings = &m->project.settings;
    int64_t memory = number_of(m, "memory-mb", settings->memory_mb, DEFAULT_MEMORY_MB);
    const char *const *tags;
    if (memory % 2) {
        error_set(err, ERR_USAGE,
                  "The memory in megabytes must be an even number. You provided %lld.",
                  (long long)memory);
        return NULL;
    }
    json_t *body = json_pack("{s:s, s:I, s:I}", "name", m->name, "cpuCount",
                             (json_int_t)number_of(m, "cpu-count", settings->cpus, DEFAULT_CPUS),
                             "memoryMB", (json_int_t)memory);
    if (option_given(m->in, "min-free-disk-mb"))
        json_object_set_new(body, "minFreeDiskMb",
                            json_integer(option_number(m->in, "min-free-disk-mb")));
    size_t count = option_list(m->in, "tag", &tags);
    if (count)
        json_object_set_new(body, "tags", json_array());
    for (size_t i = 0; i < count; i++)
        json_array_append_new(json_object_get(body, "tags"), json_string(tags[i]));
    return body;
}

static json_t *build_body(const struct making *m, struct error *err) {
    const struct project *project = &m->project;
    const char *start = option_string(m->in, "cmd"), *ready = option_string(m->in, "ready-cmd");
    if (!start)
        start = project->settings.start_command;
    if (!ready)
        ready = project->settings.ready_command;
    if (start && !ready) {
        error_set(err, ERR_USAGE, "Both start and ready commands must be provided.");
        return NULL;
    }
    if (!start && project->file.start) {
        start = project->file.start;
        ready = ready ? ready : "sleep 20";
    }
    return steps_body(project, start, ready, option_bool(m->in, "no-cache"));
}

static bool no_stages(struct error *err) {
    error_set(err, ERR_UNSUPPORTED,
              "Multi-stage Dockerfiles are not supported by this server: a stage cannot be copied "
              "from");
    return error_hint(err, "put the steps of the stages into one and remove with RUN what is not "
                           "needed, or make the first stage a template and start FROM it");
}

/* A remote server is not even asked. */
static bool check_stages(const struct making *m, struct error *err) {
    return m->project.stage_count < 2 || m->project.is_local || option_bool(m->in, "dry-run") ||
           no_stages(err);
}

/* ---- the calls --------------------------------------------------------------------------------
 */

static bool request_template(struct making *m, const json_t *body, struct error *err) {
    cleanup_response struct response response = {0};
    const char *template_id = NULL, *build_id = NULL;
    buildlog_say(&m->log, "Requesting build for template: %s", m->name);
    if (!client_call(m->in->client, "POST", "/v3/templates", body, &response, err) ||
        !json_get_string(response.json, "templateID", &template_id, err) ||
        !json_get_string(response.json, "buildID", &build_id, err))
        return false;
    if (!template_id || !build_id)
        return error_set(err, ERR_INTERNAL, "the server's answer is no template");
    m->template_id = strdup(template_id);
    m->build_id = strdup(build_id);
    if (!m->template_id || !m->build_id)
        abort();
    buildlog_say(&m->log, "Template created with ID: %s, Build ID: %s", template_id, build_id);
    return true;
}

static bool start_build(struct making *m, const json_t *body, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_free char *suffix = NULL;
    if (asprintf(&suffix, "/builds/%s", m->build_id) < 0)
        abort();
    buildlog_say(&m->log, "Starting building...");
    m->started = resource_call(m->in->client, "POST", "/v2/templates", m->template_id, suffix, body,
                               &response, err);
    return m->started;
}

static struct build_follow follow_of(struct making *m) {
    return (struct build_follow){.client = m->in->client,
                                 .template_id = m->template_id,
                                 .build_id = m->build_id,
                                 .log = &m->log};
}

static bool follow_build(struct making *m, struct error *err) {
    struct build_follow follow = follow_of(m);
    buildlog_say(&m->log, "Waiting for logs...");
    if (!build_follow_run(&follow, err))
        return false;
    if (build_follow_verdict(&follow, err))
        return true;
    const struct project_step *step = project_step_called(&m->project, follow.step);
    if (!step || !step->origin || !step->origin->line)
        return false;
    err->hint[0] = '\0'; /* the place says more than the number */
    return dockerfile_blame(&m->project.file, step->origin, err);
}

/* ---- how it ends ------------------------------------------------------------------------------
 */

static void print_result(struct making *m, const char *status) {
    buildlog_event(&m->log, json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "result", "status",
                                      status, "name", m->name, "templateID", m->template_id,
                                      "buildID", m->build_id));
}

/* What a signal leaves behind, and how to go on. */
static int interrupted(struct making *m) {
    const struct build_follow follow = follow_of(m);
    buildlog_clear(&m->log);
    fflush(stdout);
    if (m->started)
        build_follow_interrupted(&follow, m->project.is_local);
    else
        fputs("Interrupted: nothing was built. What was uploaded is not uploaded again.\n", stderr);
    return interrupt_status();
}

static int failed(struct making *m) {
    buildlog_clear(&m->log);
    fflush(stdout);
    if (!m->log.as_json)
        fputs("\n❌ Template build failed.\n", stderr);
    else if (m->template_id)
        print_result(m, "error");
    return -1;
}

static int finished(struct making *m) {
    if (option_bool(m->in, "detach")) {
        buildlog_text(&m->log,
                      "\nThe build goes on at the server; `e2b template wait %s %s` waits "
                      "for it.\n%s %s\n",
                      m->template_id, m->build_id, m->template_id, m->build_id);
        print_result(m, "building");
        return EXIT_OK;
    }
    print_result(m, "ready");
    buildlog_text(&m->log, "\n✅ Building sandbox template %s finished.\n", m->name);
    if (!m->log.as_json)
        example_print(stdout, m->name);
    return EXIT_OK;
}

static int build(struct making *m, const json_t *body, struct error *err) {
    buildlog_text(&m->log, "Building sandbox template...\n\n");
    bool ok = delivery_hash(&m->project, &m->log, err) && invocation_open(m->in, err) &&
              request_template(m, body, err) &&
              delivery_send(&m->project, m->in, m->template_id, &m->log, err);
    if (ok)
        buildlog_say(&m->log, "All file uploads completed");
    cleanup_json json_t *start = ok ? build_body(m, err) : NULL;
    ok = start && start_build(m, start, err) &&
         (option_bool(m->in, "detach") || follow_build(m, err));
    if (!ok && interrupt_signal())
        return interrupted(m);
    return ok ? finished(m) : failed(m);
}

static void print_warnings(const struct making *m) {
    for (size_t i = 0; i < m->project.file.warning_count; i++)
        fprintf(stderr, "%s\n", m->project.file.warnings[i]);
}

static int prepare_and_build(struct making *m, struct error *err) {
    if (!project_open(&m->project, m->in, err) || !take_name(m, err))
        return -1;
    print_warnings(m);
    cleanup_json json_t *body = template_body(m, err);
    cleanup_json json_t *checked = body ? build_body(m, err) : NULL;
    if (!checked || !check_stages(m, err))
        return -1;
    buildlog_text(&m->log, "\nFound ./%s that will be used to build the sandbox template.\n\n",
                  m->project.dockerfile_name);
    if (!option_bool(m->in, "dry-run"))
        return build(m, body, err);
    return delivery_hash(&m->project, &m->log, err) ? dry_run(m->in, &m->project) : -1;
}

static int create_run(struct invocation *in, struct error *err) {
    static struct making m; /* a signal may leave the other thread with the project's files */
    m.in = in;
    interrupt_catch();
    buildlog_start(&m.log, in);
    int status = prepare_and_build(&m, err);
    if (status < 0 && interrupt_signal())
        status = interrupted(&m);
    if (!interrupt_signal())
        project_free(&m.project);
    free(m.template_id);
    free(m.build_id);
    return status;
}

const struct command command_template_create = {
    .name = "create",
    .aliases = {"ct", "build", "bd"},
    .summary = "build a template from a Dockerfile",
    .description =
        "Reads the Dockerfile, uploads the files that it copies unless the server has them, and "
        "shows the build as it goes on. The name and the resources may stand in e2b.toml.\n\n"
        "Stages are built by the local backend, those that the wanted one needs; COPY --from takes "
        "files from a stage, an imported image or a template. The hosted service has none: there a "
        "stage may go on from another one, but not copy from it.\n\n"
        "An interrupt before the build was started leaves nothing to clean up. Afterwards it "
        "cancels a build of the local backend, while the hosted service builds on without us.",
    .arguments = "[template-name]",
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START | COMMAND_LATE,
    .options = options,
    .examples = (const char *const[]){"e2b template create my-template", "build ./Dockerfile",
                                      "e2b template create my-template "
                                      "--build-arg VERSION=2 --tag v2 --no-cache",
                                      "with an ARG, a tag, and without what is cached",
                                      "e2b template create my-template --dry-run",
                                      "see what would be sent", NULL},
    .handler = create_run,
};
