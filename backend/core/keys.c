/* SPDX-License-Identifier: Apache-2.0
 *
 * All keys are in memory, so that checking one costs a digest and no query. When a key was used is
 * written once a minute at most.
 */
#include "backend/core/keys.h"
#include "backend/core/core.h"
#include "common/log.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static const int64_t keep_use_ms = 60 * 1000;

const char *const key_prefixes[KEY_KINDS] = {[KEY_API] = "e2b_", [KEY_TOKEN] = "sk_e2b_"};

/* False: there was no memory, and `hash` is of something else. */
static bool hash_of(const char *text, unsigned char hash[static KEY_HASH]) {
    return SHA256((const unsigned char *)text, strlen(text), hash) != NULL;
}

/* ---- load and keep ---- */

static void append(struct core *core, struct key *key) {
    struct key **at = &core->keys;
    while (*at)
        at = &(*at)->next;
    *at = key;
    core->key_count++;
}

static void on_row(void *ctx, const struct key_row *row) {
    struct core *core = ctx;
    struct key *key = row->kind >= 0 && row->kind < KEY_KINDS ? calloc(1, sizeof(*key)) : NULL;
    if (!key)
        return;
    key->kind = (enum key_kind)row->kind;
    key->is_first = row->is_first;
    key->created_ms = row->created_ms;
    key->used_ms = key->kept_ms = row->used_ms;
    memcpy(key->hash, row->hash, KEY_HASH);
    snprintf(key->id, sizeof(key->id), "%s", row->id);
    snprintf(key->name, sizeof(key->name), "%s", row->name);
    snprintf(key->head, sizeof(key->head), "%s", row->head);
    snprintf(key->tail, sizeof(key->tail), "%s", row->tail);
    append(core, key);
}

bool keys_load(struct core *core, struct error *err) {
    return store_key_each(core->config.store, on_row, core, err);
}

static void keep_use(struct core *core, struct key *key) {
    struct error err = ERROR_INIT;
    key->kept_ms = key->used_ms;
    if (!store_key_set_used(core->config.store, key->id, key->used_ms, &err))
        log_warn("the use of a key was not recorded", "error", err.message);
}

void keys_free(struct core *core) {
    while (core->keys) {
        struct key *key = core->keys;
        core->keys = key->next;
        if (key->used_ms > key->kept_ms)
            keep_use(core, key);
        free(key);
    }
}

/* ---- checking ---- */

bool keys_check(struct core *core, const char *text, bool may_be_token) {
    unsigned char hash[KEY_HASH];
    if (!hash_of(text, hash))
        return false;
    for (struct key *key = core->keys; key; key = key->next) {
        if (CRYPTO_memcmp(key->hash, hash, KEY_HASH) != 0)
            continue;
        if (key->kind == KEY_TOKEN && !may_be_token)
            return false;
        key->used_ms = clock_now_ms();
        if (key->used_ms - key->kept_ms >= keep_use_ms)
            keep_use(core, key);
        return true;
    }
    return false;
}

/* ---- making, naming, deleting ---- */

const struct key *keys_list(const struct core *core) {
    return core->keys;
}

static bool check_name(const char *name, struct error *err) {
    size_t len = strlen(name);
    if (len && len <= KEY_NAME)
        return true;
    return error_set(err, ERR_INVALID, "validation error: name must have 1 to %d bytes", KEY_NAME);
}

static bool record(struct core *core, const struct key *key, struct error *err) {
    const struct key_row row = {
        .id = key->id,
        .kind = key->kind,
        .name = key->name,
        .hash = key->hash,
        .head = key->head,
        .tail = key->tail,
        .is_first = key->is_first,
        .created_ms = key->created_ms,
    };
    return store_key_insert(core->config.store, &row, err);
}

static struct key *add(struct core *core, enum key_kind kind, const char *name, const char *text,
                       bool is_first, struct error *err) {
    const char *digits = text + strlen(key_prefixes[kind]);
    struct key *key = calloc(1, sizeof(*key));
    if (!key || !hash_of(text, key->hash)) {
        free(key);
        error_errno(err, ENOMEM, "cannot make a key");
        return NULL;
    }
    key->kind = kind;
    key->is_first = is_first;
    key->created_ms = clock_now_ms();
    ids_uuid(key->id);
    snprintf(key->name, sizeof(key->name), "%s", name);
    snprintf(key->head, sizeof(key->head), "%s", digits);
    snprintf(key->tail, sizeof(key->tail), "%s", digits + KEY_DIGITS - KEY_TAIL);
    if (!record(core, key, err)) {
        free(key);
        return NULL;
    }
    append(core, key);
    return key;
}

const struct key *key_create(struct core *core, enum key_kind kind, const char *name,
                             char text[static KEY_TEXT], struct error *err) {
    unsigned char random[KEY_DIGITS / 2];
    char digits[KEY_DIGITS + 1];
    if (!check_name(name, err))
        return NULL;
    if (core->key_count >= KEYS_MAX) {
        error_set(err, ERR_LIMIT, "there are %d keys already", KEYS_MAX);
        error_hint(err, "delete some that are no longer needed");
        return NULL;
    }
    ids_random(random, sizeof(random));
    ids_hex(random, sizeof(random), digits);
    snprintf(text, KEY_TEXT, "%s%s", key_prefixes[kind], digits);
    return add(core, kind, name, text, false, err);
}

static struct key *find(const struct core *core, enum key_kind kind, const char *id,
                        struct error *err) {
    for (struct key *key = core->keys; key; key = key->next)
        if (key->kind == kind && strcmp(key->id, id) == 0)
            return key;
    error_set(err, ERR_NOT_FOUND, "id not found");
    return NULL;
}

bool key_rename(struct core *core, enum key_kind kind, const char *id, const char *name,
                struct error *err) {
    struct key *key = find(core, kind, id, err);
    if (!key || !check_name(name, err) || !store_key_rename(core->config.store, id, name, err))
        return false;
    snprintf(key->name, sizeof(key->name), "%s", name);
    return true;
}

static bool drop(struct core *core, struct key *key, struct error *err) {
    if (!store_key_delete(core->config.store, key->id, err))
        return false;
    struct key **at = &core->keys;
    while (*at != key)
        at = &(*at)->next;
    *at = key->next;
    core->key_count--;
    free(key);
    return true;
}

bool key_delete(struct core *core, enum key_kind kind, const char *id, struct error *err) {
    struct key *key = find(core, kind, id, err);
    if (key && key->is_first) {
        error_set(err, ERR_CONFLICT, "this is the key that `e2b local env` hands out");
        return error_hint(err, "to have another one, stop the backend and remove the file api-key "
                               "from its state directory");
    }
    return key && drop(core, key, err);
}

bool keys_set_first(struct core *core, const char *text, struct error *err) {
    unsigned char hash[KEY_HASH];
    struct key *first = core->keys;
    if (!hash_of(text, hash))
        return error_errno(err, ENOMEM, "cannot make a key");
    while (first && !first->is_first)
        first = first->next;
    if (first && CRYPTO_memcmp(first->hash, hash, KEY_HASH) == 0)
        return true;
    if (first && !drop(core, first, err))
        return false;
    return add(core, KEY_API, "local", text, true, err) != NULL;
}
