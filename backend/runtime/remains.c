/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/runtime/remains.h"

#include "backend/runtime/internal.h"
#include "common/memory.h"

#include <fcntl.h>
#include <stdio.h>

enum { LOOK_MS = 5, LOOKS = 50, MOST = 128 };

struct remains {
    struct runtime *rt;
    uv_timer_t *timer;
    unsigned looks;
    size_t count;
    int namespaces[MOST];
};

static bool is_busy(const struct runtime *rt) {
    return rt->making || rt->queue;
}

static void let_go(struct remains *r) {
    uv_timer_stop(r->timer);
    r->looks = 0;
    while (r->count)
        close(r->namespaces[--r->count]);
}

static void look(uv_timer_t *timer) {
    struct remains *r = timer->data;
    if (!is_busy(r->rt) || ++r->looks == LOOKS)
        let_go(r);
}

void remains_hold(struct remains *r, pid_t pid) {
    char path[64];
    if (!is_busy(r->rt))
        return;
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) /* a user may not look at what is not dumpable */
        return;
    r->namespaces[r->count++] = fd;
    if (r->count == MOST)
        let_go(r);
    else if (!uv_is_active((uv_handle_t *)r->timer))
        uv_timer_start(r->timer, look, LOOK_MS, LOOK_MS);
}

struct remains *remains_start(struct runtime *rt) {
    struct remains *r = memory_need(sizeof(*r));
    r->rt = rt;
    r->timer = memory_need(sizeof(*r->timer));
    uv_timer_init(rt->loop, r->timer);
    r->timer->data = r;
    uv_unref((uv_handle_t *)r->timer);
    return r;
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

void remains_stop(struct remains *r) {
    let_go(r);
    uv_close((uv_handle_t *)r->timer, free_handle);
    free(r);
}
