/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ids.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

void ids_random(void *bytes, size_t len) {
    char *at = bytes;
    while (len) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0)
            continue; /* only EINTR: the pool is up long before us */
        at += n;
        len -= (size_t)n;
    }
}

static void alphanumerics(char *out, size_t len) {
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t done = 0;
    while (done < len) {
        unsigned char bytes[32];
        ids_random(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes) && done < len; i++)
            if (bytes[i] < 252) /* 7 * 36: no character likelier than another */
                out[done++] = alphabet[bytes[i] % 36];
    }
    out[len] = '\0';
}

void ids_sandbox(char out[static ID_SANDBOX]) {
    out[0] = 'i';
    alphanumerics(out + 1, ID_SANDBOX - 2);
}

void ids_template(char out[static ID_TEMPLATE]) {
    alphanumerics(out, ID_TEMPLATE - 1);
}

void ids_hex(const void *bytes, size_t len, char *out) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[at[i] >> 4];
        out[2 * i + 1] = digits[at[i] & 15];
    }
    out[2 * len] = '\0';
}

void ids_uuid(char out[static ID_UUID]) {
    unsigned char b[16];
    ids_random(b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    static const size_t groups[] = {4, 2, 2, 2, 6};
    for (size_t i = 0, at = 0; i < ARRAY_LEN(groups); at += groups[i++]) {
        ids_hex(b + at, groups[i], out);
        out += 2 * groups[i];
        *out++ = '-';
    }
    out[-1] = '\0';
}

void ids_key(char out[static ID_KEY]) {
    unsigned char b[20];
    ids_random(b, sizeof(b));
    memcpy(out, "e2b_", 4);
    ids_hex(b, sizeof(b), out + 4);
}

bool ids_equal_secret(const char *a, const char *b) {
    size_t len = strlen(a);
    if (len != strlen(b))
        return false;
    unsigned char differ = 0;
    for (size_t i = 0; i < len; i++)
        differ |= (unsigned char)(a[i] ^ b[i]);
    return !differ;
}
