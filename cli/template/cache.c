/* SPDX-License-Identifier: Apache-2.0
 *
 * `template cache`: what the local backend keeps for the next build.
 */
#include "cli/context.h"
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/sandbox/view.h"
#include "cli/table.h"
#include "cli/template/template.h"
#include "common/buf.h"
#include "common/json.h"

#include <stdio.h>
#include <string.h>

enum { STEP_SHOWN = 60, KEY_SHOWN = 12 };

static bool cache_call(struct invocation *in, const char *method, const char *path,
                       const json_t *body, struct response *response, struct error *err) {
    if (in->context->target.kind != TARGET_LOCAL) {
        error_set(err, ERR_UNSUPPORTED, "only the local backend shows what it keeps for builds");
        return error_hint(err, "ask it with --context local; on a server, --no-cache of `e2b "
                               "template create` builds anew");
    }
    return invocation_open(in, err) && client_call(in->client, method, path, body, response, err);
}

static const char *text_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static const char *show_size(const json_t *size, char text[static OUTPUT_SIZE]) {
    return json_is_integer(size) ? output_size(json_integer_value(size), text) : "?";
}

static void print_counts(size_t steps, size_t archives) {
    printf("%zu step%s, %zu archive%s of files", steps, steps == 1 ? "" : "s", archives,
           archives == 1 ? "" : "s");
}

/* ---- list -------------------------------------------------------------------------------------
 */

/* Its first line, and not too much of it. */
static void cut(const char *step, char text[static STEP_SHOWN + sizeof("...")]) {
    size_t len = strcspn(step, "\r\n");
    const bool is_cut = step[len] || len > STEP_SHOWN;
    len = MIN(len, (size_t)STEP_SHOWN);
    while (len && ((unsigned char)step[len] & 0xc0) == 0x80) /* not amid a character */
        len--;
    snprintf(text, STEP_SHOWN + sizeof("..."), "%.*s%s", (int)len, step, is_cut ? "..." : "");
}

static char *join(const json_t *users) {
    cleanup_buf struct buf text = BUF_INIT(1 << 20);
    for (size_t i = 0; i < json_array_size(users); i++)
        if ((i && !buf_puts(&text, ", ")) ||
            !buf_puts(&text, json_string_value(json_array_get(users, i))))
            break;
    return buf_steal(&text);
}

static int64_t print_layers(const json_t *layers) {
    static const char *const headers[] = {"STEP", "KEY", "SIZE", "LAST USED", "USED BY"};
    cleanup_table struct table table = {0};
    int64_t total = 0;
    table_init(&table, headers, ARRAY_LEN(headers));
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i),
                     *size = json_object_get(layer, "sizeBytes");
        char step[STEP_SHOWN + sizeof("...")], key[KEY_SHOWN + 1], bytes[OUTPUT_SIZE],
            used[VIEW_TEXT];
        cleanup_free char *users = join(json_object_get(layer, "usedBy"));
        cut(text_at(layer, "step"), step);
        snprintf(key, sizeof(key), "%s", text_at(layer, "key"));
        const char *const cells[] = {step, key, show_size(size, bytes),
                                     view_time(text_at(layer, "lastUsedAt"), used), users};
        table_add(&table, cells);
        total += json_integer_value(size);
    }
    if (json_array_size(layers))
        table_print(&table, stdout);
    return total;
}

static int64_t print_files(const json_t *files) {
    static const char *const headers[] = {"FILES", "SIZE", "LAST USED"};
    cleanup_table struct table table = {0};
    int64_t total = 0;
    table_init(&table, headers, ARRAY_LEN(headers));
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *file = json_array_get(files, i), *size = json_object_get(file, "sizeBytes");
        char bytes[OUTPUT_SIZE], used[VIEW_TEXT];
        const char *const cells[] = {text_at(file, "hash"), show_size(size, bytes),
                                     view_time(text_at(file, "lastUsedAt"), used)};
        table_add(&table, cells);
        total += json_integer_value(size);
    }
    if (json_array_size(files))
        table_print(&table, stdout);
    return total;
}

static void print_list(const json_t *all) {
    const json_t *layers = json_object_get(all, "layers"), *files = json_object_get(all, "files");
    char text[OUTPUT_SIZE];
    if (!json_array_size(layers) && !json_array_size(files)) {
        puts("Nothing is kept for builds.");
        return;
    }
    int64_t total = print_layers(layers);
    if (json_array_size(layers) && json_array_size(files))
        putchar('\n');
    total += print_files(files);
    putchar('\n');
    print_counts(json_array_size(layers), json_array_size(files));
    printf(": %s\n", output_size(total, text));
}

static const struct option_spec list_options[] = {
    OUTPUT_FORMAT_OPTION,
    {0},
};

static int list_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    if (!cache_call(in, "GET", "/local/cache", NULL, &response, err))
        return -1;
    if (output_wants_json(in))
        output_json(stdout, response.json);
    else
        print_list(response.json);
    return EXIT_OK;
}

static const struct command command_list = {
    .name = "list",
    .aliases = {"ls"},
    .summary = "list what is kept for the next build, and who is made of it",
    .description = "What each step left, under the key that the log of a build shows, and the "
                   "archives that COPY took its files from. A step that wrote nothing counts as 0.",
    .flags = COMMAND_API | COMMAND_MAY_START | COMMAND_LATE,
    .options = list_options,
    .examples = (const char *const[]){"e2b template cache list", "with sizes and users", NULL},
    .handler = list_run,
};

/* ---- prune ------------------------------------------------------------------------------------
 */

static const struct option_spec prune_options[] = {
    {.name = "all",
     .letter = 'a',
     .type = OPTION_BOOL,
     .help = "also what templates are made of: they stay, but their next build does all steps"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

static int prune_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = json_pack("{s:b}", "all", option_bool(in, "all"));
    char text[OUTPUT_SIZE];
    if (!cache_call(in, "POST", "/local/cache/prune", body, &response, err))
        return -1;
    if (output_wants_json(in)) {
        output_json(stdout, response.json);
        return EXIT_OK;
    }
    fputs("Removed: ", stdout);
    print_counts((size_t)json_integer_value(json_object_get(response.json, "layers")),
                 (size_t)json_integer_value(json_object_get(response.json, "files")));
    printf("\nFreed: %s\n", show_size(json_object_get(response.json, "freedBytes"), text));
    return EXIT_OK;
}

static const struct command command_prune = {
    .name = "prune",
    .summary = "remove what is kept for the next build",
    .description =
        "What steps left that no template is made of, and the archives of files. Nothing that a "
        "template, a sandbox or a build under way needs goes. Room on the disk comes back in the "
        "background. What is not used for 14 days goes without this.",
    .flags = COMMAND_API | COMMAND_MAY_START | COMMAND_LATE,
    .options = prune_options,
    .examples = (const char *const[]){"e2b template cache prune", "keep what templates use",
                                      "e2b template cache prune --all", "forget all of it", NULL},
    .handler = prune_run,
};

static const struct command *const children[] = {&command_list, &command_prune, NULL};

const struct command command_template_cache = {
    .name = "cache",
    .summary = "see and remove what the local backend keeps for builds",
    .children = children,
    .examples = (const char *const[]){"e2b template cache list", "what there is",
                                      "e2b template cache prune", "make room", NULL},
};
