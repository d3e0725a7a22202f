/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dockerfile/words.h"

#include <string.h>

bool word_next(const char *text, char escape, struct word *word) {
    size_t at = word->end + strspn(text + word->end, " \t\n");
    if (!text[at])
        return false;
    char quote = 0;
    word->start = at;
    for (; text[at]; at++) {
        if (text[at] == escape && quote != '\'' && text[at + 1])
            at++;
        else if (quote)
            quote = text[at] == quote ? 0 : quote;
        else if (text[at] == '\'' || text[at] == '"')
            quote = text[at];
        else if (strchr(" \t\n", text[at]))
            break;
    }
    word->end = at;
    return true;
}
