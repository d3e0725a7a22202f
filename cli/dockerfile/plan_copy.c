/* SPDX-License-Identifier: Apache-2.0
 *
 * COPY and ADD: one step a source, because a step of the API has one. Files are root's unless
 * --chown says otherwise, whoever is the USER; those of other stages and images keep their owners.
 */
#include "cli/dockerfile/planner.h"

#include "cli/alloc.h"
#include "cli/dockerfile/words.h"
#include "cli/quote.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The arguments without flags, expanded; `at` is where each stands in the line. */
struct operand {
    char *raw;
    size_t at;
    const struct source_heredoc *heredoc; /* NULL: a path */
};

struct copying {
    const struct instruction *in;
    const char *word; /* "COPY" or "ADD" */
    bool is_add;
    char *owner, *mode;
    int from;                 /* -1: not a stage */
    char *image;              /* NULL: not an image */
    struct operand *operands; /* the last one is the destination */
    size_t count;
};

static void copying_free(struct copying *c) {
    for (size_t i = 0; i < c->count; i++)
        free(c->operands[i].raw);
    free(c->operands);
    free(c->owner);
    free(c->mode);
    free(c->image);
}

static bool is_of_context(const struct copying *c) {
    return c->from < 0 && !c->image;
}

/* ---- flags ------------------------------------------------------------------------------------
 */

/* "u+x,+r": Docker knows no umask, so a clause that names nobody is about all. */
static bool add_clauses(const char *text, struct buf *out) {
    static const char symbols[] = "ugoa+-=rwxXst";
    for (; *text; text += *text == ',') {
        size_t len = strspn(text, symbols), who = strspn(text, "ugoa");
        if (who == len || !strchr("+-=", text[who]) || (text[len] && text[len] != ',') ||
            !buf_printf(out, "%s%s%.*s", out->len ? "," : "", who ? "" : "a", (int)len, text))
            return false;
        text += len;
    }
    return out->len;
}

/* Four octal digits, or clauses of letters. */
static bool set_mode(struct copying *c, const struct flag *flag, const char *text,
                     struct error *err) {
    cleanup_buf struct buf mode = BUF_INIT(64);
    size_t digits = strspn(text, "01234567");
    bool is_octal = digits && !text[digits];
    bool ok = is_octal ? digits <= 4 && buf_printf(&mode, "%04lo", strtoul(text, NULL, 8))
                       : add_clauses(text, &mode);
    free(c->mode);
    c->mode = ok ? buf_steal(&mode) : NULL;
    return ok || planner_fail(c->in, flag->at, err, "--chmod wants a mode, as 0755 or u=rwX,go=rX");
}

/* What is no stage is an image, as for Docker. */
static bool set_from(struct copying *c, const struct flag *flag, char **name, struct error *err) {
    const struct dockerfile *file = c->in->planner->file;
    const bool is_number = **name && !(*name)[strspn(*name, "0123456789")];
    c->from = (int)planner_find_stage(file, file->stage_count - 1, *name);
    free(steal_ptr(&c->image));
    if (c->from < 0)
        c->image = steal_ptr(name);
    return !(c->image && is_number) ||
           planner_fail(c->in, flag->at, err, "there is no earlier stage %.100s", c->image);
}

static bool take_flag(struct copying *c, const struct flag *flag, struct error *err) {
    const struct scope *scope = &planner_state(c->in->planner)->scope;
    if (flag_is(flag, "link"))
        return true;
    bool known = flag_is(flag, "chown") || flag_is(flag, "chmod") || flag_is(flag, "from");
    if (!known || (c->is_add && flag_is(flag, "from")))
        return planner_fail(c->in, flag->at, err, "%s --%.*s is not possible in a template build",
                            c->word, (int)flag->name_len, flag->name);
    if (!flag->value || !flag->value_len)
        return planner_fail(c->in, flag->at, err, "--%.*s needs a value", (int)flag->name_len,
                            flag->name);
    size_t start = (size_t)(flag->value - c->in->text);
    char *text = planner_expand(c->in, scope, start, start + flag->value_len, err);
    if (!text)
        return false;
    bool ok = true;
    if (flag_is(flag, "chmod")) {
        ok = set_mode(c, flag, text, err);
    } else if (flag_is(flag, "chown")) {
        free(c->owner);
        c->owner = steal_ptr(&text);
    } else {
        ok = set_from(c, flag, &text, err);
    }
    free(text);
    return ok;
}

/* ---- operands ---------------------------------------------------------------------------------
 */

static const struct source_heredoc *heredoc_at(const struct source_line *line, size_t at) {
    for (size_t i = 0; i < line->heredoc_count; i++)
        if (line->heredocs[i].start == at)
            return &line->heredocs[i];
    return NULL;
}

static struct operand *new_operand(struct copying *c, size_t at) {
    c->operands = alloc_array(c->operands, c->count + 1, sizeof(*c->operands));
    struct operand *operand = &c->operands[c->count++];
    *operand = (struct operand){.at = at};
    return operand;
}

static bool read_words(struct copying *c, size_t at, struct error *err) {
    const struct instruction *in = c->in;
    const struct scope *scope = &planner_state(in->planner)->scope;
    struct word word = {.end = at};
    while (word_next(in->text, in->planner->file->source.escape, &word)) {
        struct operand *operand = new_operand(c, word.start);
        operand->heredoc = heredoc_at(in->line, word.start);
        if (!operand->heredoc &&
            !(operand->raw = planner_expand(in, scope, word.start, word.end, err)))
            return false;
    }
    return true;
}

/* The words of a JSON array stand where the array does. */
static bool read_json(struct copying *c, const json_t *words, size_t at, struct error *err) {
    const struct planner *planner = c->in->planner;
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *word = json_string_value(json_array_get(words, i));
        struct expansion x = {.scope = &planner_state(planner)->scope,
                              .escape = planner->file->source.escape};
        cleanup_buf struct buf out = BUF_INIT(EXPAND_MAX);
        if (!expand(&x, word, strlen(word), &out, err))
            return source_blame(&planner->file->source, c->in->line, at, err);
        new_operand(c, at)->raw = buf_steal(&out);
    }
    return true;
}

static bool read_operands(struct copying *c, size_t at, struct error *err) {
    json_t *words = planner_json(c->in->text + at);
    bool ok = words ? read_json(c, words, at, err) : read_words(c, at, err);
    json_decref(words);
    if (ok && c->count < 2)
        return planner_fail(c->in, at, err, "%s needs a source and a destination", c->word);
    return ok;
}

/* ---- sources ----------------------------------------------------------------------------------
 */

/* Docker reads sources from the root of the context, whatever they start with, and lets none leave
 * it. */
static bool check_source(const struct copying *c, const struct operand *operand, char **path,
                         struct error *err) {
    const char *raw = operand->raw + (is_of_context(c) ? strspn(operand->raw, "/") : 0);
    int depth = 0;
    for (const char *at = raw; is_of_context(c) && *at;) {
        size_t len = strcspn(at, "/");
        depth += len == 2 && strncmp(at, "..", 2) == 0 ? -1 : len && strncmp(at, ".", len) != 0;
        if (depth < 0) {
            planner_fail(c->in, operand->at, err, "'%.200s' is outside of the build context",
                         operand->raw);
            return error_hint(err, "only files below the folder of --path can be copied");
        }
        at += len + (at[len] == '/');
    }
    *path = strdup(*raw ? raw : ".");
    if (!*path)
        abort();
    return true;
}

/* A destination that ends in "." or ".." is a directory for Docker: a slash says so to everybody.
 */
static char *plain_dest(const char *dest) {
    const char *slash = strrchr(dest, '/'), *last = slash ? slash + 1 : dest;
    bool is_dots = strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
    char *text = NULL;
    if (asprintf(&text, "%s%s", dest, is_dots ? "/" : "") < 0)
        abort();
    return text;
}

static const char *owner_of(const struct copying *c) {
    const char *user = planner_state(c->in->planner)->user;
    return c->owner                                                  ? c->owner
           : !is_of_context(c) || !user || strcmp(user, "root") == 0 ? ""
                                                                     : "root";
}

static bool add_path(const struct copying *c, const struct operand *operand, const char *dest,
                     struct error *err) {
    cleanup_free char *path = NULL;
    cleanup_free char *plain = plain_dest(dest);
    if (c->is_add && (strstr(operand->raw, "://") || strncmp(operand->raw, "git@", 4) == 0)) {
        planner_fail(c->in, operand->at, err, "ADD of an address is not possible");
        return error_hint(err, "let the build fetch it: RUN curl -fsSL -o %.100s %.200s", dest,
                          operand->raw);
    }
    if (!check_source(c, operand, &path, err))
        return false;
    json_t *args = json_pack("[s,s,s,s]", path, plain, owner_of(c), c->mode ? c->mode : "");
    struct dockerfile_step *step = planner_add(c->in, "COPY", args, err);
    if (!step)
        return false;
    step->at = operand->at;
    step->from = c->from;
    step->image = c->image ? strdup(c->image) : NULL;
    step->is_add = c->is_add;
    step->is_only = c->count == 2;
    step->source = steal_ptr(&path);
    step->dest = strdup(dest);
    return step->dest && (step->image || !c->image);
}

/* ---- files that stand in the Dockerfile -------------------------------------------------------
 */

static bool heredoc_text(const struct copying *c, const struct source_heredoc *doc, struct buf *out,
                         struct error *err) {
    const struct planner *planner = c->in->planner;
    struct expansion x = {.scope = &planner_state(planner)->scope,
                          .escape = planner->file->source.escape,
                          .in_heredoc = true};
    if (!doc->expands)
        return buf_puts(out, doc->text);
    return expand(&x, doc->text, strlen(doc->text), out, err) ||
           source_blame(&planner->file->source, c->in->line, doc->start, err);
}

/* No archive holds it, so a command writes it. */
static bool add_heredoc(const struct copying *c, const struct operand *operand, const char *dest,
                        struct error *err) {
    const struct source_heredoc *doc = operand->heredoc;
    cleanup_buf struct buf text = BUF_INIT(EXPAND_MAX), command = BUF_INIT(COMMAND_MAX);
    cleanup_buf struct buf path = BUF_INIT(1 << 16);
    bool in_folder = *dest && dest[strlen(dest) - 1] == '/';
    const char *owner = c->owner ? c->owner : "root";
    if (!heredoc_text(c, doc, &text, err))
        return false;
    bool ok = buf_printf(&path, "%s%s", dest, in_folder ? doc->delimiter : "") &&
              buf_puts(&command, "e2b_file=") && quote_word(&command, path.data) &&
              buf_puts(&command, " && mkdir -p \"$(dirname \"$e2b_file\")\" && printf %s ") &&
              quote_word(&command, text.len ? text.data : "") &&
              buf_printf(&command, " >\"$e2b_file\" && chmod %s \"$e2b_file\" && chown ",
                         c->mode ? c->mode : "0644") &&
              quote_word(&command, owner) &&
              buf_printf(&command, "%s%s \"$e2b_file\"", strchr(owner, ':') ? "" : ":",
                         strchr(owner, ':') ? "" : owner);
    if (!ok) {
        planner_fail(c->in, operand->at, err, "the text is longer than %d KiB", COMMAND_MAX >> 10);
        return error_hint(err, "put it into a file of its own, and COPY that");
    }
    return planner_add(c->in, "RUN", json_pack("[s,s]", command.data, "root"), err);
}

static bool add_all(const struct copying *c, struct error *err) {
    const struct operand *last = &c->operands[c->count - 1];
    cleanup_free char *dest = last->raw ? plain_dest(last->raw) : NULL;
    if (!dest || !*dest)
        return planner_fail(c->in, last->at, err, "%s needs a destination", c->word);
    if (c->count > 2 && dest[strlen(dest) - 1] != '/')
        return planner_fail(c->in, last->at, err,
                            "with more than one source the destination must end with a slash");
    for (size_t i = 0; i + 1 < c->count; i++) {
        const struct operand *operand = &c->operands[i];
        bool ok = operand->heredoc ? add_heredoc(c, operand, dest, err)
                                   : add_path(c, operand, last->raw, err);
        if (!ok)
            return false;
    }
    return true;
}

static bool take(const struct instruction *in, bool is_add, struct error *err) {
    struct copying c = {.in = in, .word = is_add ? "ADD" : "COPY", .is_add = is_add, .from = -1};
    struct flag flag;
    size_t at = in->rest;
    bool ok = true;
    while (ok && planner_flag(in, &at, &flag))
        ok = take_flag(&c, &flag, err);
    ok = ok && read_operands(&c, at, err) && add_all(&c, err);
    copying_free(&c);
    return ok;
}

bool planner_copy(const struct instruction *in, struct error *err) {
    return take(in, false, err);
}

bool planner_add_files(const struct instruction *in, struct error *err) {
    return take(in, true, err);
}
