/* SPDX-License-Identifier: Apache-2.0
 *
 * See overlays.h.
 */
#include "backend/runtime/overlays.h"
#include "common/ids.h"

#include <stdio.h>
#include <string.h>

static void drop(struct plan_overlay *overlay) {
    for (size_t i = 0; i < overlay->lower_count; i++)
        free((void *)(uintptr_t)overlay->lowers[i]);
    free((void *)(uintptr_t)overlay->lowers);
    overlay->lowers = NULL;
    overlay->lower_count = 0;
}

void overlays_free(struct overlays *overlays) {
    for (size_t i = 0; i < overlays->count; i++)
        drop(&overlays->at[i]);
    overlays->count = 0;
}

bool overlays_push(struct plan_overlay *overlay, const char *layer) {
    const char **lowers = calloc(overlay->lower_count + 1, sizeof(*lowers));
    char *name = strdup(layer);
    if (!lowers || !name) {
        free(lowers);
        free(name);
        return false;
    }
    lowers[0] = name;
    for (size_t i = 0; i < overlay->lower_count; i++)
        lowers[i + 1] = overlay->lowers[i];
    free((void *)(uintptr_t)overlay->lowers);
    overlay->lowers = lowers;
    overlay->lower_count++;
    return true;
}

bool overlays_copy(struct overlays *to, const struct plan_overlay *from, size_t count) {
    *to = (struct overlays){.count = count};
    for (size_t i = 0; i < count; i++) {
        memcpy(to->at[i].target, from[i].target, sizeof(to->at[i].target));
        for (size_t k = from[i].lower_count; k-- > 0;) {
            if (overlays_push(&to->at[i], from[i].lowers[k]))
                continue;
            overlays_free(to);
            return false;
        }
    }
    return true;
}

json_t *overlays_print(const struct overlays *overlays) {
    json_t *object = json_object();
    for (size_t i = 0; i < overlays->count; i++) {
        json_t *layers = json_array();
        for (size_t k = 0; k < overlays->at[i].lower_count; k++)
            json_array_append_new(layers, json_string(overlays->at[i].lowers[k]));
        json_object_set_new(object, overlays->at[i].target, layers);
    }
    return object;
}

static bool parse_one(struct plan_overlay *overlay, const char *target, const json_t *layers) {
    snprintf(overlay->target, sizeof(overlay->target), "%s", target);
    for (size_t i = json_array_size(layers); i-- > 0;) {
        const char *layer = json_string_value(json_array_get(layers, i));
        if (!layer || !overlays_push(overlay, layer))
            return false;
    }
    return true;
}

bool overlays_parse(struct overlays *overlays, const json_t *object) {
    static const char *const targets[ZYGOTE_MAX_OVERLAYS] = {"/", "/usr"};
    *overlays = (struct overlays){.count = 0};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        const json_t *layers = json_object_get(object, targets[i]);
        if (!layers)
            continue;
        if (!parse_one(&overlays->at[overlays->count++], targets[i], layers)) {
            overlays_free(overlays);
            return false;
        }
    }
    return true;
}

/* NAME of "PREFIX/NAME/...", and its length; NULL: it is none of these. */
static const char *name_of(const char *layer, const char *prefix, size_t *len) {
    const size_t skipped = strlen(prefix);
    if (strncmp(layer, prefix, skipped) != 0)
        return NULL;
    *len = MIN(strcspn(layer + skipped, "/"), (size_t)ID_UUID - 1);
    return layer + skipped;
}

static void each_named(const struct overlays *overlays, const char *prefix,
                       void (*each)(void *ctx, const char *name), void *ctx) {
    char name[ID_UUID];
    size_t len;
    for (size_t i = 0; i < overlays->count; i++)
        for (size_t k = 0; k < overlays->at[i].lower_count; k++) {
            const char *at = name_of(overlays->at[i].lowers[k], prefix, &len);
            if (!at)
                continue;
            memcpy(name, at, len);
            name[len] = '\0';
            each(ctx, name);
        }
}

static bool has_named(const struct overlays *overlays, const char *prefix, const char *name) {
    const size_t wanted = strlen(name);
    size_t len;
    for (size_t i = 0; i < overlays->count; i++)
        for (size_t k = 0; k < overlays->at[i].lower_count; k++) {
            const char *at = name_of(overlays->at[i].lowers[k], prefix, &len);
            if (at && len == wanted && memcmp(at, name, len) == 0)
                return true;
        }
    return false;
}

bool overlays_have_layer(const struct overlays *overlays, const char *name) {
    return has_named(overlays, OVERLAYS_LAYERS, name);
}

bool overlays_have_base(const struct overlays *overlays, const char *key) {
    return has_named(overlays, OVERLAYS_BASE, key);
}

void overlays_each_layer(const struct overlays *overlays, void (*each)(void *ctx, const char *name),
                         void *ctx) {
    each_named(overlays, OVERLAYS_LAYERS, each, ctx);
}

void overlays_each_base(const struct overlays *overlays, void (*each)(void *ctx, const char *key),
                        void *ctx) {
    each_named(overlays, OVERLAYS_BASE, each, ctx);
}
