/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/runtime/prefix.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t mask_of(unsigned bits) {
    return bits ? ~0u << (32 - bits) : 0;
}

static bool parse_bits(const char *text, unsigned *bits) {
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    *bits = (unsigned)number;
    return *text >= '0' && *text <= '9' && !*end && number <= 32;
}

bool prefix_parse(const char *text, struct prefix *prefix) {
    char copy[PREFIX_TEXT];
    struct in_addr address;
    size_t len = strlen(text);
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len + 1);
    char *slash = strchr(copy, '/');
    prefix->bits = 32;
    if (slash) {
        *slash = '\0';
        if (!parse_bits(slash + 1, &prefix->bits))
            return false;
    }
    if (inet_pton(AF_INET, copy, &address) != 1)
        return false;
    prefix->address = ntohl(address.s_addr) & mask_of(prefix->bits);
    return true;
}

void prefix_print(const struct prefix *prefix, char out[static PREFIX_TEXT]) {
    snprintf(out, PREFIX_TEXT, "%u.%u.%u.%u/%u", prefix->address >> 24, prefix->address >> 16 & 255,
             prefix->address >> 8 & 255, prefix->address & 255, prefix->bits);
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner) {
    return outer->bits <= inner->bits && (inner->address & mask_of(outer->bits)) == outer->address;
}
