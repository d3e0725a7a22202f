/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: whole command lines against the real tree, one word a line of input. No line may
 * crash, and every word is accounted for: a command, an option, its value, or an argument.
 */
#include "cli/parse.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 64 };

static void need(bool truth) {
    if (!truth)
        abort();
}

static int split(char *text, char **words) {
    int count = 0;
    words[count++] = text; /* the program's name */
    for (char *at = text; (at = strchr(at, '\n')) && count < WORDS_MAX;) {
        *at++ = '\0';
        words[count++] = at;
    }
    words[count] = NULL;
    return count;
}

static void check_values(const struct option_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        const struct option_value *value = &set->values[i];
        const struct option_spec *spec = value->spec;
        need(!value->count == !value->list);
        need(!value->count || options_repeats(spec));
        if (value->given && spec->type == OPTION_INTEGER && (spec->min || spec->max))
            need(value->number >= spec->min && value->number <= spec->max);
        for (size_t n = 0; n < value->count; n++)
            need(spec->type != OPTION_PAIR || strchr(value->list[n], '='));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *words[WORDS_MAX + 1];
    struct error err = ERROR_INIT;
    struct parse parse;
    cleanup_free char *text = strndup((const char *)data, size);
    if (!text)
        return 0;
    int count = split(text, words);
    parse_line(&parse, &command_root, count, words, &err);
    need(parse.depth >= 1 && parse.depth <= PARSE_DEPTH && parse.path[0] == &command_root);
    need(parse.arg_count < count && !parse.args[parse.arg_count]);
    need(parse.dash >= -1 && parse.dash <= parse.arg_count);
    need(err.kind == ERR_NONE || (err.kind == ERR_USAGE && err.message[0]));
    const struct command *leaf = parse_leaf(&parse);
    if (err.kind == ERR_NONE && !leaf->children) {
        need(parse.arg_count >= leaf->min_args);
        need(leaf->max_args < 0 || parse.arg_count <= leaf->max_args);
        check_values(&parse.options);
    }
    parse_free(&parse);
    return 0;
}
