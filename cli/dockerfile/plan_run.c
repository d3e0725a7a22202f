/* SPDX-License-Identifier: Apache-2.0
 *
 * RUN, SHELL, CMD and ENTRYPOINT. The server gives a command to a login shell: what Docker gives to
 * a shell goes there as it is, an exec form as quoted words.
 */
#include "cli/dockerfile/planner.h"

#include "cli/quote.h"
#include "common/json.h"

#include <string.h>

/* NULL: it is no array of strings. */
static json_t *words_of(const char *text) {
    struct error ignored = ERROR_INIT;
    cleanup_json json_t *array = *text == '[' ? json_parse(text, strlen(text), &ignored) : NULL;
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!json_is_string(json_array_get(array, i)))
            return NULL;
    return steal_ptr(&array);
}

json_t *planner_json(const char *text) {
    cleanup_json json_t *words = words_of(text);
    return json_array_size(words) ? steal_ptr(&words) : NULL;
}

static bool add_words(struct buf *text, const json_t *words) {
    for (size_t i = 0; i < json_array_size(words); i++)
        if ((text->len && !buf_puts(text, " ")) ||
            !quote_word(text, json_string_value(json_array_get(words, i))))
            return false;
    return true;
}

char *planner_quote(const json_t *words) {
    cleanup_buf struct buf text = BUF_INIT(COMMAND_MAX);
    return add_words(&text, words) ? buf_steal(&text) : NULL;
}

/* Shell form under a SHELL of the Dockerfile's own. */
static char *in_shell(const struct planner_stage *stage, const char *text) {
    cleanup_buf struct buf command = BUF_INIT(COMMAND_MAX);
    bool ok = stage->shell ? add_words(&command, stage->shell) && buf_puts(&command, " ") &&
                                 quote_word(&command, text)
                           : buf_puts(&command, text);
    return ok ? buf_steal(&command) : NULL;
}

/* ---- RUN --------------------------------------------------------------------------------------
 */

/* Is it one of the words between the commas? */
static bool has_word(const struct flag *flag, const char *word) {
    const char *at = flag->value, *end = at + flag->value_len;
    for (size_t len; at && at < end; at += len + 1) {
        len = MIN(strcspn(at, ","), (size_t)(end - at));
        if (strlen(word) == len && strncmp(at, word, len) == 0)
            return true;
    }
    return false;
}

/* What only makes a build faster is left out; what would change its result is refused. */
static bool check_flag(const struct instruction *in, const struct flag *flag, struct error *err) {
    static const struct {
        const char *name, *word;
    } harmless[] = {
        {"mount", "type=cache"},
        {"mount", "type=tmpfs"},
        {"network", "default"},
        {"security", "sandbox"},
    };
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
        if (flag_is(flag, harmless[i].name) && has_word(flag, harmless[i].word))
            return true;
    planner_fail(in, flag->at, err, "RUN --%.*s is not possible in a template build",
                 (int)(flag->name_len + (flag->value ? flag->value_len + 1 : 0)), flag->name);
    return error_hint(err, "COPY the files instead; caches (type=cache) are accepted and not used");
}

/* The heredoc is the script: run by the shell, or by what its first line names. */
static bool add_script(struct buf *command, const struct planner_stage *stage, const char *script) {
    cleanup_free char *shown = NULL;
    if (strncmp(script, "#!", 2) != 0)
        return (shown = in_shell(stage, script)) && buf_puts(command, shown);
    return buf_puts(command, "e2b_script=$(mktemp) && printf %s ") && quote_word(command, script) &&
           buf_puts(command, " >\"$e2b_script\" && chmod 0755 \"$e2b_script\" && \"$e2b_script\" "
                             "&& rm -f \"$e2b_script\"");
}

/* A command with heredocs: the shell reads them, as they stand. */
static bool add_with_heredocs(struct buf *command, const struct instruction *in, size_t at) {
    if (!buf_puts(command, in->text + at) || !buf_puts(command, "\n"))
        return false;
    for (size_t i = 0; i < in->line->heredoc_count; i++) {
        const struct source_heredoc *doc = &in->line->heredocs[i];
        if (!buf_puts(command, doc->text) || !buf_printf(command, "%s\n", doc->delimiter))
            return false;
    }
    return true;
}

static char *run_command(const struct instruction *in, size_t at) {
    const struct planner_stage *stage = planner_state(in->planner);
    const struct source_line *line = in->line;
    cleanup_buf struct buf command = BUF_INIT(COMMAND_MAX);
    if (!line->heredoc_count)
        return in_shell(stage, in->text + at);
    bool is_script = line->heredoc_count == 1 && line->heredocs[0].start == at &&
                     !in->text[line->heredocs[0].end];
    if (is_script)
        return add_script(&command, stage, line->heredocs[0].text) ? buf_steal(&command) : NULL;
    if (!add_with_heredocs(&command, in, at))
        return NULL;
    return in_shell(stage, command.data);
}

bool planner_run(const struct instruction *in, struct error *err) {
    struct flag flag;
    size_t at = in->rest;
    while (planner_flag(in, &at, &flag))
        if (!check_flag(in, &flag, err))
            return false;
    if (!in->text[at])
        return planner_fail(in, in->rest, err, "RUN needs a command");
    cleanup_json json_t *words = planner_json(in->text + at);
    cleanup_free char *command = words ? planner_quote(words) : run_command(in, at);
    if (!command)
        return planner_fail(in, at, err, "the command is longer than %d KiB", COMMAND_MAX >> 10);
    return planner_add(in, "RUN", json_pack("[s]", command), err);
}

/* ---- SHELL, CMD, ENTRYPOINT -------------------------------------------------------------------
 */

bool planner_shell(const struct instruction *in, struct error *err) {
    json_t *words = planner_json(in->text + in->rest);
    struct planner_stage *stage = planner_state(in->planner);
    if (!words)
        return planner_fail(in, in->rest, err, "SHELL needs a JSON array, [\"/bin/sh\", \"-c\"]");
    json_decref(stage->shell);
    stage->shell = words;
    return true;
}

/* An empty array takes back what an earlier one, or a stage, said. */
static bool take_command(const struct instruction *in, json_t **slot, struct error *err) {
    json_t *value = words_of(in->text + in->rest);
    if (!value) {
        cleanup_free char *text = in_shell(planner_state(in->planner), in->text + in->rest);
        value = text ? json_string(text) : NULL;
    }
    if (!value)
        return planner_fail(in, in->rest, err, "this is no UTF-8");
    json_decref(*slot);
    *slot = value;
    return true;
}

bool planner_command(const struct instruction *in, struct error *err) {
    struct planner_stage *stage = planner_state(in->planner);
    stage->sets_command = true;
    return take_command(in, &stage->command, err);
}

/* The CMD of the stage that this one is based on was for the ENTRYPOINT of that one. */
bool planner_entrypoint(const struct instruction *in, struct error *err) {
    struct planner_stage *stage = planner_state(in->planner);
    if (!stage->sets_command)
        json_decref(steal_ptr(&stage->command));
    return take_command(in, &stage->entrypoint, err);
}

/* An ENTRYPOINT in exec form gets the CMD as arguments; in shell form it stands alone. */
char *planner_start(const struct planner_stage *stage) {
    const json_t *entry = stage->entrypoint, *command = stage->command;
    cleanup_buf struct buf text = BUF_INIT(COMMAND_MAX);
    if (json_is_string(entry))
        return strdup(json_string_value(entry));
    bool ok = add_words(&text, entry);
    if (json_is_string(command) && json_array_size(entry))
        ok = ok && buf_puts(&text, " /bin/sh -c ") && quote_word(&text, json_string_value(command));
    else if (json_is_string(command))
        ok = ok && buf_puts(&text, json_string_value(command));
    else
        ok = ok && add_words(&text, command);
    return ok && text.len ? buf_steal(&text) : NULL;
}
