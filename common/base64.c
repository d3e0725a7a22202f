/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base64.h"

#include <pthread.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of each character plus one; 0 for what is none. */
static const uint8_t values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
    ['-'] = 63, ['_'] = 64,
};

/* The two characters of every 12 bits, in the order of memory: half the look-ups of one character
 * at a time, on the way that all output of all processes takes. */
static char pairs[1 << 12][2];
static pthread_once_t pairs_once = PTHREAD_ONCE_INIT;

static void fill_pairs(void) {
    for (unsigned bits = 0; bits < ARRAY_LEN(pairs); bits++) {
        pairs[bits][0] = alphabet[bits >> 6];
        pairs[bits][1] = alphabet[bits & 63];
    }
}

static char *encode_three(uint32_t bits, char *out) {
    memcpy(out, pairs[bits >> 12], 2);
    memcpy(out + 2, pairs[bits & 0xfff], 2);
    return out + 4;
}

void base64_encode(const void *bytes, size_t len, char *out) {
    const uint8_t *in = bytes;
    pthread_once(&pairs_once, fill_pairs);
    for (; len >= 3; in += 3, len -= 3)
        out = encode_three((uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2], out);
    if (len) {
        out = encode_three((uint32_t)in[0] << 16 | (len == 2 ? (uint32_t)in[1] << 8 : 0), out);
        out[-1] = '=';
        if (len == 1)
            out[-2] = '=';
    }
    *out = '\0';
}

/* The characters without their padding; false if the padding is not the one that belongs there. */
static bool strip_padding(const char *text, size_t *len) {
    size_t padding = 0;
    while (padding < 2 && *len > padding && text[*len - 1 - padding] == '=')
        padding++;
    if (padding && *len % 4)
        return false;
    *len -= padding;
    return *len % 4 != 1;
}

bool base64_decode(const char *text, size_t len, void *out, size_t *out_len) {
    if (!strip_padding(text, &len))
        return false;
    const uint8_t *in = (const uint8_t *)text;
    uint8_t *to = out;
    uint32_t bits = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t value = values[in[i]];
        if (!value)
            return false;
        bits = bits << 6 | (uint32_t)(value - 1);
        if (i % 4 == 3) {
            *to++ = (uint8_t)(bits >> 16);
            *to++ = (uint8_t)(bits >> 8);
            *to++ = (uint8_t)bits;
            bits = 0;
        }
    }
    if (len % 4 == 3) {
        *to++ = (uint8_t)(bits >> 10);
        *to++ = (uint8_t)(bits >> 2);
    } else if (len % 4 == 2) {
        *to++ = (uint8_t)(bits >> 4);
    }
    *out_len = (size_t)(to - (uint8_t *)out);
    /* What does not fill a byte must be zero, or two texts would mean the same bytes. */
    return len % 4 == 3 ? (bits & 3) == 0 : len % 4 == 2 ? (bits & 15) == 0 : true;
}
