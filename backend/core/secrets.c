/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/secrets.h"
#include "backend/core/core.h"
#include "backend/core/seal.h"
#include "common/memory.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define ID_PREFIX "sec_"

enum { ID_TEXT = sizeof(ID_PREFIX) + ID_TEMPLATE };

static const char invalid[] = "Invalid secrets request";
static const char in_the_way[] = "Secret cannot be modified in its current state";

/* ---- what is acceptable ---- */

static bool check_name(const char *name, char lower[static SECRET_NAME + 1], struct error *err) {
    size_t len = strlen(name);
    bool ok = len >= 1 && len <= SECRET_NAME;
    for (size_t i = 0; ok && i < len; i++) {
        ok = isascii(name[i]) && (isalnum(name[i]) || strchr("-_", name[i]));
        lower[i] = (char)tolower(name[i]);
    }
    if (!ok)
        return error_set(err, ERR_INVALID,
                         "%s: a name is 1 to %d letters, digits, dashes and underscores", invalid,
                         SECRET_NAME);
    lower[len] = '\0';
    if (strncmp(lower, ID_PREFIX, strlen(ID_PREFIX)) == 0)
        return error_set(err, ERR_INVALID, "%s: names beginning with " ID_PREFIX " are reserved",
                         invalid);
    return true;
}

static bool check_metadata(const struct pairs *metadata, struct error *err) {
    size_t total = 0;
    if (!metadata)
        return true;
    bool ok = metadata->count <= SECRET_PAIRS;
    for (size_t i = 0; ok && i < metadata->count; i++) {
        size_t key = strlen(metadata->at[2 * i]), value = strlen(metadata->at[2 * i + 1]);
        total += key + value;
        ok = key >= 1 && key <= SECRET_PAIR_KEY && value <= SECRET_PAIR_VALUE;
    }
    return (ok && total <= SECRET_METADATA) ||
           error_set(err, ERR_INVALID,
                     "%s: metadata has at most %d entries, keys of %d bytes, values of %d bytes, "
                     "and %d bytes in total",
                     invalid, SECRET_PAIRS, SECRET_PAIR_KEY, SECRET_PAIR_VALUE, SECRET_METADATA);
}

static bool check_value(const char *value, struct error *err) {
    size_t len = strlen(value);
    return (len >= 1 && len <= SECRET_VALUE) ||
           error_set(err, ERR_INVALID, "%s: a value has 1 to %d bytes", invalid, SECRET_VALUE);
}

static bool check_room(const struct core *core, struct error *err) {
    int64_t count;
    return store_secret_count(core->config.store, &count, err) &&
           (count < SECRETS_MAX ||
            error_set(err, ERR_LIMIT, "there are %d secrets already", SECRETS_MAX));
}

/* ---- the key ---- */

struct fit {
    const unsigned char *key;
    bool ok;
};

static void on_any(void *ctx, const struct secret_row *row) {
    struct fit *fit = ctx;
    unsigned char *value = memory_need(row->sealed_len + 1);
    fit->ok = unseal(fit->key, row->id, row->sealed, row->sealed_len, value);
    OPENSSL_cleanse(value, row->sealed_len + 1);
    free(value);
}

/* The key file that belongs to the secrets, or a new one where there are none: what was sealed with
 * a lost key shall not be mixed with what comes later. */
static bool load_key(struct core *core, unsigned char key[static SEAL_KEY], struct error *err) {
    int64_t count;
    struct fit fit = {.key = key, .ok = true};
    if (!store_secret_count(core->config.store, &count, err))
        return false;
    if (!seal_key_load(core->config.secret_key, count == 0, key, err)) {
        if (count == 0 || err->kind == ERR_UNAVAILABLE)
            return false;
        error_wrap(err, "the key of the secrets is lost");
        return error_hint(err, "put it back, or delete all secrets to begin with a new one");
    }
    if (!store_secret_page(core->config.store, INT64_MAX, "", 1, on_any, &fit, err))
        return false;
    if (fit.ok)
        return true;
    error_set(err, ERR_INTERNAL, "%s is not the key of the secrets that are there",
              core->config.secret_key);
    return error_hint(err, "put the right one back, or delete all secrets");
}

/* The sealed value (the caller's), or NULL. */
static unsigned char *seal_value(struct core *core, const char *id, const char *value,
                                 struct error *err) {
    unsigned char key[SEAL_KEY];
    size_t len = strlen(value);
    cleanup_free unsigned char *sealed = malloc(len + SEAL_MORE);
    bool ok = sealed ? load_key(core, key, err) && seal(key, id, value, len, sealed, err)
                     : error_errno(err, ENOMEM, "cannot keep a secret");
    OPENSSL_cleanse(key, sizeof(key));
    return ok ? steal_ptr(&sealed) : NULL;
}

/* ---- the operations ---- */

bool secret_create(struct core *core, const struct secret_request *request, secret_each each,
                   void *ctx, struct error *err) {
    char name[SECRET_NAME + 1], random[ID_TEMPLATE], id[ID_TEXT];
    if (!check_name(request->name, name, err) || !check_value(request->value, err) ||
        !check_metadata(request->metadata, err) || !check_room(core, err))
        return false;
    ids_template(random);
    snprintf(id, sizeof(id), ID_PREFIX "%s", random);
    cleanup_free unsigned char *sealed = seal_value(core, id, request->value, err);
    if (!sealed)
        return false;
    struct secret_row row = {
        .id = id,
        .name = name,
        .version = 1,
        .sealed = sealed,
        .sealed_len = strlen(request->value) + SEAL_MORE,
        .created_ms = clock_now_ms(),
    };
    row.updated_ms = row.created_ms;
    if (request->metadata)
        row.metadata = *request->metadata;
    if (!store_secret_insert(core->config.store, &row, err)) {
        if (err->kind == ERR_CONFLICT)
            error_set(err, ERR_CONFLICT, "%s: there is a secret with this name", in_the_way);
        return false;
    }
    each(ctx, &row);
    return true;
}

/* What an update needs of the row that is there. */
struct present {
    char id[ID_TEXT], name[SECRET_NAME + 1];
    int64_t version, created_ms;
    struct pairs metadata;
    bool whole;
};

static void on_present(void *ctx, const struct secret_row *row) {
    struct present *present = ctx;
    snprintf(present->id, sizeof(present->id), "%s", row->id);
    snprintf(present->name, sizeof(present->name), "%s", row->name);
    present->version = row->version;
    present->created_ms = row->created_ms;
    present->whole = pairs_copy(&present->metadata, &row->metadata);
}

bool secret_get(struct core *core, const char *key, secret_each each, void *ctx,
                struct error *err) {
    char lower[SECRET_NAME + 1];
    size_t len = strlen(key);
    bool found = false;
    for (size_t i = 0; i <= len && len <= SECRET_NAME; i++)
        lower[i] = (char)tolower((unsigned char)key[i]);
    if (len <= SECRET_NAME && !store_secret_get(core->config.store, lower, each, ctx, &found, err))
        return false;
    return found || error_set(err, ERR_NOT_FOUND, "Secret not found");
}

static bool find(struct core *core, const char *key, struct present *present, struct error *err) {
    return secret_get(core, key, on_present, present, err) &&
           (present->whole || error_errno(err, ENOMEM, "cannot read the secret"));
}

static bool update(struct core *core, const struct present *present,
                   const struct secret_request *request, secret_each each, void *ctx,
                   struct error *err) {
    cleanup_free unsigned char *sealed = seal_value(core, present->id, request->value, err);
    if (!sealed)
        return false;
    const struct secret_row row = {
        .id = present->id,
        .name = present->name,
        .version = present->version + 1,
        .sealed = sealed,
        .sealed_len = strlen(request->value) + SEAL_MORE,
        .metadata = request->metadata ? *request->metadata : present->metadata,
        .created_ms = present->created_ms,
        .updated_ms = clock_now_ms(),
    };
    if (!store_secret_update(core->config.store, &row, err))
        return false;
    each(ctx, &row);
    return true;
}

bool secret_update(struct core *core, const char *key, const struct secret_request *request,
                   secret_each each, void *ctx, struct error *err) {
    struct present present = {.whole = false};
    bool ok = check_value(request->value, err) && check_metadata(request->metadata, err) &&
              find(core, key, &present, err) && update(core, &present, request, each, ctx, err);
    pairs_free(&present.metadata);
    return ok;
}

bool secret_delete(struct core *core, const char *key, struct error *err) {
    struct present present = {.whole = false};
    bool ok =
        find(core, key, &present, err) && store_secret_delete(core->config.store, present.id, err);
    pairs_free(&present.metadata);
    return ok;
}

bool secret_page(struct core *core, int64_t before_ms, const char *after_id, int64_t limit,
                 secret_each each, void *ctx, struct error *err) {
    return store_secret_page(core->config.store, before_ms, after_id, limit, each, ctx, err);
}
