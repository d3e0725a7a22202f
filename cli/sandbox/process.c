/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sandbox/process.h"

#include "cli/quote.h"
#include "common/buf.h"

#include <string.h>

enum { MAX_TEXT = 8 << 20 };

static char *shell_text(char *const *words, int count) {
    cleanup_buf struct buf text = BUF_INIT(MAX_TEXT);
    bool ok = count != 1 || buf_puts(&text, words[0]);
    for (int i = 0; ok && count > 1 && i < count; i++)
        ok = (!i || buf_puts(&text, " ")) && quote_word(&text, words[i]);
    return ok ? buf_steal(&text) : NULL;
}

/* A terminal needs to be told what it is; -e may say otherwise. */
static json_t *environment(const struct invocation *in, bool tty) {
    static const char *const terminal[][2] = {
        {"TERM", "xterm-256color"}, {"LANG", "C.UTF-8"}, {"LC_ALL", "C.UTF-8"}};
    const char *const *pairs;
    size_t count = option_list(in, "env", &pairs);
    json_t *envs = json_object();
    for (size_t i = 0; i < count; i++) {
        const char *value = strchr(pairs[i], '=');
        cleanup_free char *key = strndup(pairs[i], (size_t)(value - pairs[i]));
        json_object_set_new(envs, key, json_string(value + 1));
    }
    for (size_t i = 0; tty && i < ARRAY_LEN(terminal); i++)
        if (!json_object_get(envs, terminal[i][0]))
            json_object_set_new(envs, terminal[i][0], json_string(terminal[i][1]));
    return envs;
}

static json_t *shell(char *const *words, int count) {
    if (!count)
        return json_pack("{s:s, s:[s,s]}", "cmd", "/bin/bash", "args", "-i", "-l");
    cleanup_free char *text = shell_text(words, count);
    return text ? json_pack("{s:s, s:[s,s,s]}", "cmd", "/bin/bash", "args", "-l", "-c", text)
                : NULL;
}

static json_t *program(char *const *words, int count) {
    json_t *args = json_array();
    for (int i = 1; i < count; i++)
        json_array_append_new(args, json_string(words[i]));
    return json_pack("{s:s, s:o}", "cmd", words[0], "args", args);
}

json_t *process_describe(const struct invocation *in, char *const *words, int count,
                         enum process_form form, bool tty) {
    bool direct = form == PROCESS_DIRECT && (count > 1 || (count == 1 && quote_is_plain(words[0])));
    json_t *process = direct ? program(words, count) : shell(words, count);
    if (!process)
        return NULL; /* no memory, or words that are no UTF-8 */
    json_t *envs = environment(in, tty);
    const char *cwd = option_string(in, "cwd");
    if (json_object_size(envs))
        json_object_set(process, "envs", envs);
    if (cwd)
        json_object_set_new(process, "cwd", json_string(cwd));
    json_decref(envs);
    return process;
}
