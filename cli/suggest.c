/* SPDX-License-Identifier: Apache-2.0
 *
 * Damerau-Levenshtein distance with the thresholds of the official command line, so that the same
 * mistakes get the same answers.
 */
#include "cli/suggest.h"

#include "common/buf.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 40, MOST_EDITS = 3 };

static int min3(int a, int b, int c) {
    return MIN(MIN(a, b), c);
}

static int distance(const char *a, const char *b) {
    int rows = (int)strlen(a), columns = (int)strlen(b);
    int d[WORD_MAX + 1][WORD_MAX + 1];
    if (rows > WORD_MAX || columns > WORD_MAX || abs(rows - columns) > MOST_EDITS)
        return WORD_MAX;
    for (int i = 0; i <= rows; i++)
        d[i][0] = i;
    for (int j = 0; j <= columns; j++)
        d[0][j] = j;
    for (int i = 1; i <= rows; i++)
        for (int j = 1; j <= columns; j++) {
            int cost = a[i - 1] != b[j - 1];
            d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = MIN(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[rows][columns];
}

static const char *without_dashes(const char *word) {
    return word + strspn(word, "-");
}

/* How many edits away, or more than MOST_EDITS if the two have too little in common. */
static int edits(const char *typed, const char *name) {
    const char *a = without_dashes(typed), *b = without_dashes(name);
    int longest = (int)MAX(strlen(a), strlen(b));
    int d = distance(a, b);
    return strlen(b) > 1 && (longest - d) * 10 > longest * 4 ? d : WORD_MAX;
}

bool suggest(const char *typed, const char *const *names, struct error *err) {
    char word[WORD_MAX + 2];
    cleanup_buf struct buf list = BUF_INIT(256);
    int best = MOST_EDITS, found = 0;
    bool ok = true;
    snprintf(word, sizeof(word), "%.*s", (int)strcspn(typed, "="), typed);
    for (size_t i = 0; names[i]; i++)
        best = MIN(best, edits(word, names[i]));
    for (size_t i = 0; names[i]; i++)
        if (edits(word, names[i]) == best)
            ok = ok && buf_printf(&list, "%s%s", found++ ? ", " : "", names[i]);
    if (found && ok)
        error_hint(err, "Did you mean %s%s?", found > 1 ? "one of " : "", list.data);
    return false;
}
