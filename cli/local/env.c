/* SPDX-License-Identifier: Apache-2.0
 *
 * `local env`: what makes programs with an E2B SDK use the backend. They come over TCP, at times of
 * their own, so it is told to stay.
 */
#include "cli/local/local.h"
#include "cli/output.h"
#include "common/json.h"

#include <string.h>

static const char *const shells[] = {"sh", "fish", NULL};

static const struct option_spec options[] = {
    {.name = "shell",
     .type = OPTION_CHOICE,
     .value = "shell",
     .choices = shells,
     .fallback = "sh",
     .help = "whose syntax to write"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

static const char *const variables[][2] = {
    {"E2B_API_KEY", "apiKey"},         {"E2B_API_URL", "apiUrl"},
    {"E2B_SANDBOX_URL", "sandboxUrl"}, {"E2B_VOLUME_API_URL", "volumeApiUrl"},
    {"E2B_DOMAIN", "domain"},
};

/* The values hold nothing that a shell would touch; a backend that lies shall not get to run code.
 */
static bool is_plain(const char *value) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:/";
    return value && !value[strspn(value, plain)];
}

static json_t *read_variables(struct client *client, struct error *err) {
    cleanup_json json_t *answer = NULL;
    cleanup_json json_t *env = json_object();
    if (!local_call(client, "POST", "/local/stay", NULL, err) ||
        !local_call(client, "GET", "/local/env", &answer, err))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        json_t *value = json_object_get(answer, variables[i][1]);
        if (!is_plain(json_string_value(value))) {
            error_set(err, ERR_INTERNAL, "the backend's answer has no %s", variables[i][1]);
            return NULL;
        }
        json_object_set(env, variables[i][0], value);
    }
    return steal_ptr(&env);
}

static int env_run(struct invocation *in, struct error *err) {
    cleanup_json json_t *env = read_variables(in->client, err);
    bool fish = strcmp(option_string(in, "shell"), "fish") == 0;
    if (!env)
        return -1;
    if (output_wants_json(in)) {
        output_json(stdout, env);
        return EXIT_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        printf(fish ? "set -gx %s %s\n" : "export %s=%s\n", variables[i][0],
               json_string_value(json_object_get(env, variables[i][0])));
    return EXIT_OK;
}

const struct command command_local_env = {
    .name = "env",
    .summary = "print the environment that E2B SDKs need to use the backend",
    .description = "Starts the backend if it does not run, and tells it to stay until "
                   "`e2b local stop`. The key is in what is printed.",
    .flags = COMMAND_API | COMMAND_LOCAL | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"eval \"$(e2b local env)\"", "for this shell",
                                      "e2b local env --shell fish | source", "for fish", NULL},
    .handler = env_run,
};
