/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring of slots. The caller fills one after the other and writes out those that are done when it
 * comes round to them; the threads take full ones in any order.
 */
#include "cli/pack/members.h"

#include "common/io.h"

#include <errno.h>
#include <libdeflate.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

enum { MEMBER_SIZE = 1 << 20, LEVEL = 5, THREADS_MAX = 16 };

enum slot_state { SLOT_FREE, SLOT_FULL, SLOT_BUSY, SLOT_DONE };

struct slot {
    enum slot_state state;
    unsigned char *in, *out;
    size_t in_len, out_len;
};

struct members {
    int fd;
    uint64_t written;
    size_t bound; /* of the output of a full slot */
    struct slot slots[2 * THREADS_MAX + 1];
    size_t slot_count, at; /* the one being filled */
    pthread_t threads[THREADS_MAX];
    size_t thread_count;
    pthread_mutex_t lock;
    pthread_cond_t full, done;
    bool ending;
};

static struct slot *find_full(struct members *m) {
    /* From the oldest on: that is the one the caller will wait for. */
    for (size_t i = 1; i <= m->slot_count; i++) {
        struct slot *slot = &m->slots[(m->at + i) % m->slot_count];
        if (slot->state == SLOT_FULL)
            return slot;
    }
    return NULL;
}

static void *compress_slots(void *ctx) {
    struct members *m = ctx;
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(LEVEL);
    pthread_mutex_lock(&m->lock);
    while (!m->ending) {
        struct slot *slot = find_full(m);
        if (!slot) {
            pthread_cond_wait(&m->full, &m->lock);
            continue;
        }
        slot->state = SLOT_BUSY;
        pthread_mutex_unlock(&m->lock);
        /* 0 means no room or no memory; the writer sees it. */
        slot->out_len = compressor ? libdeflate_gzip_compress(compressor, slot->in, slot->in_len,
                                                              slot->out, m->bound)
                                   : 0;
        pthread_mutex_lock(&m->lock);
        slot->state = SLOT_DONE;
        pthread_cond_signal(&m->done);
    }
    pthread_mutex_unlock(&m->lock);
    if (compressor)
        libdeflate_free_compressor(compressor);
    return NULL;
}

static size_t count_cores(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return (size_t)MIN(MAX(count, 1), THREADS_MAX);
}

struct members *members_start(int fd, struct error *err) {
    struct members *m = calloc(1, sizeof(*m));
    size_t cores = count_cores();
    bool ok = m;
    if (m) {
        m->fd = fd;
        m->bound = libdeflate_gzip_compress_bound(NULL, MEMBER_SIZE);
        pthread_mutex_init(&m->lock, NULL);
        pthread_cond_init(&m->full, NULL);
        pthread_cond_init(&m->done, NULL);
        m->slot_count = 2 * cores + 1;
    }
    for (size_t i = 0; ok && i < m->slot_count; i++) {
        m->slots[i].in = malloc(MEMBER_SIZE);
        m->slots[i].out = malloc(m->bound);
        ok = m->slots[i].in && m->slots[i].out;
    }
    while (ok && m->thread_count < cores &&
           pthread_create(&m->threads[m->thread_count], NULL, compress_slots, m) == 0)
        m->thread_count++;
    if (ok && m->thread_count)
        return m;
    members_free(m);
    error_errno(err, ENOMEM, "cannot start to compress");
    return NULL;
}

/* Waits until the slot may be filled again, and writes out what it held. */
static bool empty_slot(struct members *m, struct slot *slot, struct error *err) {
    pthread_mutex_lock(&m->lock);
    while (slot->state == SLOT_FULL || slot->state == SLOT_BUSY)
        pthread_cond_wait(&m->done, &m->lock);
    bool was_done = slot->state == SLOT_DONE;
    slot->state = SLOT_FREE;
    pthread_mutex_unlock(&m->lock);
    slot->in_len = 0;
    if (!was_done)
        return true;
    if (!slot->out_len)
        return error_set(err, ERR_INTERNAL, "cannot compress");
    m->written += slot->out_len;
    return io_write_all(m->fd, slot->out, slot->out_len) ||
           error_errno(err, errno, "cannot write the archive");
}

static bool send_slot(struct members *m, struct error *err) {
    pthread_mutex_lock(&m->lock);
    m->slots[m->at].state = SLOT_FULL;
    m->at = (m->at + 1) % m->slot_count;
    pthread_cond_signal(&m->full);
    pthread_mutex_unlock(&m->lock);
    return empty_slot(m, &m->slots[m->at], err);
}

bool members_write(struct members *m, const void *bytes, size_t len, struct error *err) {
    const unsigned char *at = bytes;
    while (len) {
        struct slot *slot = &m->slots[m->at];
        size_t part = MIN(len, (size_t)MEMBER_SIZE - slot->in_len);
        memcpy(slot->in + slot->in_len, at, part);
        slot->in_len += part;
        at += part;
        len -= part;
        if (slot->in_len == MEMBER_SIZE && !send_slot(m, err))
            return false;
    }
    return true;
}

bool members_finish(struct members *m, uint64_t *size, struct error *err) {
    if (m->slots[m->at].in_len && !send_slot(m, err))
        return false;
    for (size_t i = 0; i < m->slot_count; i++)
        if (!empty_slot(m, &m->slots[(m->at + i) % m->slot_count], err))
            return false;
    *size = m->written;
    return true;
}

void members_free(struct members *m) {
    if (!m)
        return;
    pthread_mutex_lock(&m->lock);
    m->ending = true;
    pthread_cond_broadcast(&m->full);
    pthread_mutex_unlock(&m->lock);
    for (size_t i = 0; i < m->thread_count; i++)
        pthread_join(m->threads[i], NULL);
    for (size_t i = 0; i < m->slot_count; i++) {
        free(m->slots[i].in);
        free(m->slots[i].out);
    }
    pthread_mutex_destroy(&m->lock);
    pthread_cond_destroy(&m->full);
    pthread_cond_destroy(&m->done);
    free(m);
}
