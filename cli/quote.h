/* SPDX-License-Identifier: Apache-2.0
 *
 * Words for a shell, quoted as the official command line quotes them, so that what the server shows
 * is the same.
 */
#ifndef E2B_CLI_QUOTE_H
#define E2B_CLI_QUOTE_H

#include "common/buf.h"

/* Means the word the same to a shell and without one? */
bool quote_is_plain(const char *word);
/* Appends the word, in quotes where a shell would see more in it than a word. */
bool quote_word(struct buf *text, const char *word) must_check;

#endif
