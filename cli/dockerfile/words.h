/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of a logical line: apart by white space that is neither quoted nor escaped, quotes
 * still in them.
 */
#ifndef E2B_CLI_DOCKERFILE_WORDS_H
#define E2B_CLI_DOCKERFILE_WORDS_H

#include "common/util.h"

struct word {
    size_t start, end;
};

/* The word behind the one that `word` holds (none yet: zeroes). False at the end of the text. */
bool word_next(const char *text, char escape, struct word *word);

#endif
