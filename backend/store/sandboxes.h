/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of sandboxes. One that ended keeps its row, with the time and the reason, until
 * store_sandbox_purge.
 */
#ifndef E2B_STORE_SANDBOXES_H
#define E2B_STORE_SANDBOXES_H

#include "backend/store/pairs.h"
#include "backend/store/store.h"

/* The numbers are in the file. */
enum sandbox_paused {
    PAUSED_NOT,
    PAUSED_IN_MEMORY,
    PAUSED_ON_DISK, /* only what it wrote is there */
    PAUSED_LOST,    /* the same; its memory was there, and went with the machine or by accident */
};

struct sandbox_row {
    const char *id, *template_id, *build_id;
    int64_t started_ms, end_ms; /* end_ms: when its time is over */
    bool secure;
    uint64_t memory_bytes, disk_bytes;
    uint32_t cpus, processes, files;
    struct pairs metadata, env, network;
    struct pairs mounts;                    /* path to the id of a volume */
    int64_t timeout_s;                      /* as asked for at the creation */
    bool pauses, keeps_memory, auto_resume; /* at its end; resumed by traffic */
    enum sandbox_paused paused;
    int64_t paused_ms;
    const char *execution_id; /* of the start that it runs from, or ran from */
    int64_t execution_ms;
    const char *overlays; /* JSON */
};

bool store_sandbox_insert(struct store *store, const struct sandbox_row *row, struct error *err);
bool store_sandbox_set_end(struct store *store, const char *id, int64_t end_ms, struct error *err);
bool store_sandbox_set_network(struct store *store, const char *id, const struct pairs *network,
                               struct error *err);
bool store_sandbox_ended(struct store *store, const char *id, int64_t ended_ms, const char *reason,
                         struct error *err);
/* Every sandbox that has not ended, oldest first. The row is valid during the call, except that
 * its pairs may be taken over (leave empty ones behind). */
bool store_sandbox_each_alive(struct store *store, void (*each)(void *ctx, struct sandbox_row *row),
                              void *ctx, struct error *err);
/* Lives, or has not been forgotten yet. */
bool store_sandbox_exists(struct store *store, const char *id, bool *exists, struct error *err);
bool store_sandbox_paused(struct store *store, const char *id, enum sandbox_paused paused,
                          int64_t paused_ms, struct error *err);
/* Takes execution, end and `pauses` of the row. */
bool store_sandbox_resumed(struct store *store, const struct sandbox_row *row, struct error *err);

/* When and why one ended that is not forgotten yet; *found is false for others. */
struct sandbox_tombstone {
    int64_t ended_ms;
    char reason[128];
};
bool store_sandbox_tombstone(struct store *store, const char *id,
                             struct sandbox_tombstone *tombstone, bool *found, struct error *err);
/* Forgets those that ended before. */
/* How many store_sandbox_purge would forget. */
bool store_sandbox_count_ended(struct store *store, int64_t before_ms, int64_t *count,
                               struct error *err);
bool store_sandbox_purge(struct store *store, int64_t before_ms, struct error *err);

#endif
