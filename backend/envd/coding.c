/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/coding.h"

#include <string.h>

struct preference {
    struct slice name;
    int weight; /* thousandths */
};

/* "q=0.25"; what cannot be read weighs nothing. */
static int weight_of(struct slice s) {
    s = slice_trim(s);
    if (s.len < 3 || (s.at[0] | 0x20) != 'q' || s.at[1] != '=')
        return 0;
    if (s.at[2] == '1')
        return 1000;
    int weight = 0;
    for (size_t i = 4, unit = 100; i < s.len && unit; i++, unit /= 10)
        if (s.at[i] >= '0' && s.at[i] <= '9')
            weight += (s.at[i] - '0') * (int)unit;
    return weight;
}

/* Takes the next item off the comma-separated list. */
static bool next_item(struct slice *rest, struct preference *p) {
    if (!rest->len)
        return false;
    const char *comma = memchr(rest->at, ',', rest->len);
    struct slice item = {rest->at, comma ? (size_t)(comma - rest->at) : rest->len};
    size_t used = item.len + (comma ? 1 : 0);
    rest->at += used;
    rest->len -= used;
    const char *semicolon = memchr(item.at, ';', item.len);
    p->name = item;
    p->weight = 1000;
    if (semicolon) {
        p->name.len = (size_t)(semicolon - item.at);
        p->weight = weight_of((struct slice){semicolon + 1, item.len - p->name.len - 1});
    }
    p->name = slice_trim(p->name);
    return true;
}

enum coding coding_choose(const struct slice *value) {
    enum { UNSAID = -1 };
    if (!value)
        return CODING_IDENTITY;
    struct slice rest = *value;
    struct preference p;
    int gzip = UNSAID, plain = UNSAID, any = UNSAID;
    bool others = false;
    while (next_item(&rest, &p)) {
        if (slice_is_nocase(p.name, "gzip") || slice_is_nocase(p.name, "x-gzip"))
            gzip = p.weight;
        else if (slice_is_nocase(p.name, "identity"))
            plain = p.weight;
        else if (slice_is(p.name, "*"))
            any = p.weight;
        else
            others |= p.name.len && p.weight > 0;
    }
    if (plain == 0 || (plain == UNSAID && any == 0))
        return gzip > 0 || (gzip == UNSAID && any > 0) ? CODING_GZIP : CODING_NONE;
    return gzip > 0 && gzip >= plain && !others ? CODING_GZIP : CODING_IDENTITY;
}
