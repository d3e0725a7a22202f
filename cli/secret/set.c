/* SPDX-License-Identifier: Apache-2.0
 *
 * `secret set`: makes a secret or gives one another value. The value comes from standard input or a
 * file: what stands on a command line is in the history and in the list of processes.
 */
#include "cli/output.h"
#include "cli/resource.h"
#include "cli/secret/secret.h"

#include <errno.h>
#include <string.h>

enum { MAX_VALUE = 64 << 10 };

static const struct option_spec options[] = {
    {.name = "file",
     .type = OPTION_PATH,
     .value = "file",
     .help = "read the value from there instead of standard input"},
    {.name = "metadata",
     .letter = 'm',
     .type = OPTION_PAIR,
     .help = "metadata, seen by everybody who may list secrets (can be repeated); without any, "
             "what is there stays"},
    {.name = "raw",
     .type = OPTION_BOOL,
     .help = "keep the line end at the end of the value, which else is dropped"},
    OUTPUT_FORMAT_OPTION,
    {0},
};

/* The body of an update, or NULL. */
static json_t *read_body(const struct invocation *in, struct error *err) {
    size_t len;
    char *value = resource_read(option_string(in, "file"), MAX_VALUE, &len, err);
    if (!value) {
        error_wrap(err, "cannot read the value");
        return NULL;
    }
    if (!option_bool(in, "raw") && len && value[len - 1] == '\n')
        len--;
    json_t *text = memchr(value, '\0', len) ? NULL : json_stringn(value, len);
    explicit_bzero(value, len);
    free(value);
    if (!text || !len) {
        json_decref(text);
        error_set(err, ERR_INVALID, len ? "the value is no text" : "the value is empty");
        return NULL;
    }
    return json_pack("{s:o, s:o*}", "value", text, "metadata", resource_pairs(in, "metadata"));
}

static int set_run(struct invocation *in, struct error *err) {
    const char *name = in->args[0];
    cleanup_response struct response response = {0};
    cleanup_json json_t *body = read_body(in, err);
    if (!body)
        return -1;
    bool ok = resource_call(in->client, "POST", SECRETS_PATH, name, "", body, &response, err);
    if (!ok && err->http_status == 404) {
        json_object_set_new(body, "name", json_string(name));
        ok = client_call(in->client, "POST", SECRETS_PATH, body, &response, err);
    }
    if (!ok)
        return -1;
    if (output_wants_json(in))
        output_json(stdout, response.json);
    else
        printf("Secret %s is set, version %lld\n", name,
               (long long)json_integer_value(json_object_get(response.json, "currentVersion")));
    return EXIT_OK;
}

const struct command command_secret_set = {
    .name = "set",
    .summary = "make a secret, or give it another value",
    .description = "The value is read from standard input or a file, never from the command line. "
                   "It can be replaced, but not read again.",
    .arguments = "<name>",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b secret set openai-key <key.txt", "from a file",
                                      "pass show openai | e2b secret set openai-key",
                                      "from a program", NULL},
    .handler = set_run,
};
