/* SPDX-License-Identifier: Apache-2.0
 *
 * All volumes are in memory. The directory is made before the row and goes after it, so that a
 * daemon that dies in between leaves at most a directory, which the next one sweeps away.
 */
#include "backend/core/volumes.h"
#include "backend/core/core.h"
#include "backend/store/volumes.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- load ---- */

static struct volume *add(struct core *core, const struct volume_row *row) {
    struct volume **at = &core->volumes;
    struct volume *volume = calloc(1, sizeof(*volume));
    if (!volume)
        return NULL;
    snprintf(volume->id, sizeof(volume->id), "%s", row->id);
    snprintf(volume->name, sizeof(volume->name), "%s", row->name);
    volume->created_ms = row->created_ms;
    while (*at)
        at = &(*at)->next;
    *at = volume;
    return volume;
}

struct loading {
    struct core *core;
    bool whole;
};

static void on_row(void *ctx, const struct volume_row *row) {
    struct loading *loading = ctx;
    loading->whole &= add(loading->core, row) != NULL;
}

static struct volume *by_id(const struct core *core, const char *id) {
    struct volume *volume = core->volumes;
    while (volume && strcmp(volume->id, id) != 0)
        volume = volume->next;
    return volume;
}

static bool is_known(void *ctx, const char *id) {
    return by_id(ctx, id) != NULL;
}

bool volumes_load(struct core *core, struct error *err) {
    struct loading loading = {.core = core, .whole = true};
    if (!store_volume_each(core->config.store, on_row, &loading, err))
        return false;
    if (!loading.whole) /* what is not known is swept: rather not start */
        return error_errno(err, ENOMEM, "cannot read the volumes");
    runtime_volume_sweep(core->config.runtime, is_known, core);
    return true;
}

void volumes_free(struct core *core) {
    while (core->volumes) {
        struct volume *volume = core->volumes;
        core->volumes = volume->next;
        free(volume);
    }
}

/* ---- find ---- */

const struct volume *volumes_list(const struct core *core) {
    return core->volumes;
}

static bool is_uuid(const char *text) {
    size_t i = 0;
    for (; text[i]; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-'
                                                    : !isxdigit((unsigned char)text[i]))
            return false;
    return i == ID_UUID - 1;
}

const struct volume *volume_find(const struct core *core, const char *id, struct error *err) {
    const struct volume *volume = by_id(core, id);
    if (!volume && !is_uuid(id))
        error_set(err, ERR_INVALID, "Invalid volume ID");
    else if (!volume)
        error_set(err, ERR_NOT_FOUND, "Volume %s not found", id);
    return volume;
}

static const struct volume *by_name(const struct core *core, const char *name) {
    const struct volume *volume = core->volumes;
    while (volume && strcmp(volume->name, name) != 0)
        volume = volume->next;
    return volume;
}

/* Outer directories before those in them: a mount hides what was mounted below it before. */
static int by_path(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool volumes_resolve(const struct core *core, const struct pairs *names, struct pairs *mounts,
                     struct error *err) {
    *mounts = (struct pairs){NULL, 0};
    for (size_t i = 0; i < names->count; i++) {
        const struct volume *volume = by_name(core, names->at[2 * i + 1]);
        bool ok = volume ? pairs_put(mounts, names->at[2 * i], volume->id) ||
                               error_errno(err, ENOMEM, "cannot make a sandbox")
                         : error_set(err, ERR_INVALID, "Volume with name '%s' not found",
                                     names->at[2 * i + 1]);
        if (!ok) {
            pairs_free(mounts);
            return false;
        }
    }
    if (mounts->count)
        qsort(mounts->at, mounts->count, 2 * sizeof(*mounts->at), by_path);
    return true;
}

bool volumes_names(const struct core *core, const struct pairs *mounts, struct pairs *names) {
    *names = (struct pairs){NULL, 0};
    for (size_t i = 0; i < mounts->count; i++) {
        const struct volume *volume = by_id(core, mounts->at[2 * i + 1]);
        if (volume && !pairs_put(names, mounts->at[2 * i], volume->name))
            return false;
    }
    return true;
}

/* ---- make and delete ---- */

static bool check_name(const struct core *core, const char *name, struct error *err) {
    size_t len = strlen(name), count = 0;
    bool ok = len >= 1 && len <= VOLUME_NAME;
    for (size_t i = 0; ok && i < len; i++)
        ok = isascii(name[i]) && (isalnum(name[i]) || strchr("-_", name[i]));
    if (!ok)
        return error_set(err, ERR_INVALID,
                         "validation error: a volume's name is 1 to %d letters, digits, dashes and "
                         "underscores",
                         VOLUME_NAME);
    if (by_name(core, name))
        return error_set(err, ERR_INVALID, "Volume with name '%s' already exists", name);
    for (const struct volume *volume = core->volumes; volume; volume = volume->next)
        count++;
    return count < VOLUMES_MAX ||
           error_set(err, ERR_LIMIT, "there are %d volumes already", VOLUMES_MAX);
}

const struct volume *volume_create(struct core *core, const char *name, struct error *err) {
    char id[ID_UUID];
    const struct volume_row row = {.id = id, .name = name, .created_ms = clock_now_ms()};
    if (!check_name(core, name, err))
        return NULL;
    ids_uuid(id);
    if (!runtime_volume_create(core->config.runtime, id, err))
        return NULL;
    if (!store_volume_insert(core->config.store, &row, err)) {
        runtime_volume_discard(core->config.runtime, id);
        return NULL;
    }
    const struct volume *volume = add(core, &row);
    if (!volume)
        error_errno(err, ENOMEM, "the volume is there only after a restart of the backend");
    return volume;
}

static bool has_mounted(const struct sandbox *sandbox, const char *id) {
    for (size_t i = 0; i < sandbox->mounts.count; i++)
        if (strcmp(sandbox->mounts.at[2 * i + 1], id) == 0)
            return true;
    return false;
}

bool volume_delete(struct core *core, const char *id, struct error *err) {
    struct volume **at = &core->volumes;
    if (!volume_find(core, id, err))
        return false;
    for (const struct sandbox *sandbox = core->newest; sandbox; sandbox = sandbox->older)
        if (has_mounted(sandbox, id))
            return error_set(err, ERR_CONFLICT, "the volume is in use by sandbox %s", sandbox->id);
    if (!store_volume_delete(core->config.store, id, err))
        return false;
    while (strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    struct volume *volume = *at;
    *at = volume->next;
    runtime_volume_discard(core->config.runtime, volume->id);
    free(volume);
    return true;
}

/* ---- its files ---- */

bool volume_token(const struct core *core, const struct volume *volume,
                  char token[static VOLUME_TOKEN], struct error *err) {
    char name[sizeof("volume-") + ID_UUID];
    snprintf(name, sizeof(name), "volume-%s", volume->id);
    return token_make(core, name, token) ||
           error_set(err, ERR_INTERNAL, "cannot make an access token");
}

struct files_query *volume_ask(struct core *core, const struct volume *volume,
                               const struct files_request *request, struct error *err) {
    int sock =
        runtime_volume_helper(core->config.runtime, volume->id, request->op, request->args, err);
    return sock < 0 ? NULL : files_listen(core->config.loop, sock, request, err);
}
