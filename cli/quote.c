/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quote.h"

#include <string.h>

bool quote_is_plain(const char *word) {
    static const char harmless[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%_-+=:,./";
    return *word && !word[strspn(word, harmless)];
}

bool quote_word(struct buf *text, const char *word) {
    if (quote_is_plain(word))
        return buf_puts(text, word);
    if (!buf_puts(text, "'"))
        return false;
    for (; *word; word++) {
        bool ok = *word == '\'' ? buf_puts(text, "'\"'\"'") : buf_add(text, word, 1);
        if (!ok)
            return false;
    }
    return buf_puts(text, "'");
}
