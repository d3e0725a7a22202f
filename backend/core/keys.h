/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may ask: API keys and access tokens of the one team of this backend. The store has their
 * hashes; a key itself is told once, when it is made. The first key, which `e2b local env` hands
 * out, is kept by the daemon in a file of its own and is here by its hash like any other.
 */
#ifndef E2B_CORE_KEYS_H
#define E2B_CORE_KEYS_H

#include "backend/core/sandbox.h"
#include "backend/store/keys.h"

enum key_kind { KEY_API, KEY_TOKEN, KEY_KINDS };

enum {
    KEY_DIGITS = 40,
    KEY_HEAD = 2, /* how much of the digits is shown of a key: at their beginning, */
    KEY_TAIL = 4, /* and at their end */
    KEY_NAME = 128,
    KEY_TEXT = 64, /* room for a key */
    KEYS_MAX = 1000,
};

struct key {
    char id[ID_UUID];
    enum key_kind kind;
    char name[KEY_NAME + 1];
    unsigned char hash[KEY_HASH];
    char head[KEY_HEAD + 1], tail[KEY_TAIL + 1];
    bool is_first;
    int64_t created_ms;
    int64_t used_ms; /* 0: never */
    int64_t kept_ms; /* used_ms as the store has it */
    struct key *next;
};

extern const char *const key_prefixes[KEY_KINDS];

/* Is it one of them? An access token counts only where the caller says so. */
bool keys_check(struct core *core, const char *text, bool may_be_token);
/* The key that was generated with the state; replaces an earlier first one. */
bool keys_set_first(struct core *core, const char *text, struct error *err);

const struct key *keys_list(const struct core *core); /* oldest first, of both kinds */
/* `text` is filled with the key: nobody can ask for it again. */
const struct key *key_create(struct core *core, enum key_kind kind, const char *name,
                             char text[static KEY_TEXT], struct error *err);
bool key_rename(struct core *core, enum key_kind kind, const char *id, const char *name,
                struct error *err);
bool key_delete(struct core *core, enum key_kind kind, const char *id, struct error *err);

#endif
