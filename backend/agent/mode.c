/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/agent/mode.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ANYBODY = 07755 }; /* a clause that names nobody leaves alone what a umask would */

static mode_t who_mask(const char **at) {
    mode_t mask = 0;
    for (; **at && strchr("ugoa", **at); (*at)++)
        mask |= **at == 'u' ? 04700u : **at == 'g' ? 02070u : **at == 'o' ? 01007u : 07777u;
    return mask;
}

/* One of "rwxXst", for everybody. */
static mode_t letter_bits(char letter, mode_t mode) {
    switch (letter) {
    case 'r':
        return 0444;
    case 'w':
        return 0222;
    case 'X':
        return S_ISDIR(mode) || (mode & 0111) ? 0111 : 0;
    case 'x':
        return 0111;
    case 's':
        return 06000;
    default:
        return 01000;
    }
}

/* What one of u, g and o may, for everybody. */
static mode_t copied_bits(char who, mode_t mode) {
    return (who == 'u' ? mode >> 6 & 7 : who == 'g' ? mode >> 3 & 7 : mode & 7) * 0111;
}

/* "+x" of "u+x-w": an operator and what it is about. */
static bool take_action(const char **at, mode_t who, mode_t *mode) {
    const char operation = **at;
    const mode_t mask = who ? who : ANYBODY;
    mode_t bits = 0;
    if (!operation || !strchr("+-=", operation))
        return false;
    (*at)++;
    if (**at && strchr("ugo", **at))
        bits = copied_bits(*(*at)++, *mode);
    else
        for (; **at && strchr("rwxXst", **at); (*at)++)
            bits |= letter_bits(**at, *mode);
    if (operation == '=') /* a directory keeps its special bits, as chmod leaves them */
        *mode &= ~(S_ISDIR(*mode) ? mask & 0777 : mask);
    *mode = operation == '-' ? *mode & ~(bits & mask) : *mode | (bits & mask);
    return true;
}

bool mode_apply(const char *text, mode_t *mode) {
    char *end;
    const unsigned long number = strtoul(text, &end, 8);
    if (*text >= '0' && *text <= '7' && !*end) {
        *mode = (*mode & S_IFMT) | (mode_t)(number & 07777);
        return number <= 07777;
    }
    for (const char *at = text;; at++) {
        mode_t who = who_mask(&at);
        bool ok = take_action(&at, who, mode);
        while (ok && *at && *at != ',')
            ok = take_action(&at, who, mode);
        if (!ok || !*at)
            return ok;
    }
}
