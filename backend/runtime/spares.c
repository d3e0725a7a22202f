/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/runtime/spares.h"

#include "backend/runtime/internal.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/memory.h"

#include <string.h>

enum {
    REST_MS = 10000,
    CALM_MS = 20, /* what was asked for is worked with first: making one takes both processors */
    BURST_MS = 1000,
    MOST = 48, /* some 30 MB, and 60 more where each has a slirp4netns */
};

struct spare {
    struct spares *owner;
    struct guest *guest; /* NULL while it is made */
    bool unwanted;       /* dropped while it is made */
    struct spare *next;
};

struct spares {
    struct runtime *rt;
    unsigned wanted;
    struct plan shape; /* of those to come; no overlays: none */
    uint64_t burst_ms; /* when the burst that is counted began */
    unsigned asked;    /* for, in it */
    unsigned burst;    /* how many the next may ask for: as the last ones, but each counts half */
    struct spare *list;
    uv_timer_t *rest, *calm; /* active: so long has it not been since one was asked for */
    bool is_busy;            /* the last was asked for before it was calm */
    unsigned ending;         /* being killed */
    void (*dropped)(void *ctx);
    void *dropped_ctx;
};

static bool same_overlays(const struct plan *a, const struct plan *b) {
    if (a->overlay_count != b->overlay_count)
        return false;
    for (size_t i = 0; i < a->overlay_count; i++) {
        const struct plan_overlay *x = &a->overlays[i], *y = &b->overlays[i];
        if (strcmp(x->target, y->target) != 0 || x->lower_count != y->lower_count)
            return false;
        for (size_t k = 0; k < x->lower_count; k++)
            if (strcmp(x->lowers[k], y->lowers[k]) != 0)
                return false;
    }
    return true;
}

/* But for the id, and for the network, whose rules can still be changed. */
static bool same_shape(const struct plan *a, const struct plan *b) {
    return !b->resumes && !b->mounts.count && strcmp(a->template_id, b->template_id) == 0 &&
           same_overlays(a, b) && a->limits.memory_bytes == b->limits.memory_bytes &&
           a->limits.processes == b->limits.processes && a->limits.files == b->limits.files &&
           a->limits.disk_bytes == b->limits.disk_bytes && a->limits.cpus == b->limits.cpus;
}

static void unlist(struct spare *spare) {
    struct spare **at = &spare->owner->list;
    while (*at != spare)
        at = &(*at)->next;
    *at = spare->next;
}

/* ---- letting go -------------------------------------------------------------------------------
 */

static void on_killed(void *ctx) {
    struct spares *s = ctx;
    if (--s->ending == 0 && s->dropped)
        s->dropped(s->dropped_ctx);
}

static void drop(struct spare *spare) {
    struct spares *s = spare->owner;
    s->ending += !spare->unwanted;
    spare->unwanted = true;
    if (!spare->guest)
        return; /* it is being made */
    unlist(spare);
    guest_kill(spare->guest, on_killed, s);
    free(spare);
}

static void drop_all(struct spares *s) {
    plan_free(&s->shape);
    for (struct spare *spare = s->list, *next; spare; spare = next) {
        next = spare->next;
        drop(spare);
    }
}

static void on_rest(uv_timer_t *timer) {
    drop_all(timer->data);
}

void runtime_drop_spares(struct runtime *rt, void (*done)(void *ctx), void *ctx) {
    struct spares *s = rt->spares;
    uv_timer_stop(s->rest);
    drop_all(s);
    if (!s->ending) {
        done(ctx);
        return;
    }
    s->dropped = done;
    s->dropped_ctx = ctx;
}

/* ---- making -----------------------------------------------------------------------------------
 */

static void on_exited(void *ctx, const char *reason) {
    struct spare *spare = ctx;
    log_warn("a spare sandbox ended", "reason", reason);
    drop(spare);
}

static const struct guest_events events = {.exited = on_exited};

static void on_ready(void *ctx, struct guest *guest, const struct error *err) {
    struct spare *spare = ctx;
    spare->guest = guest;
    if (guest && !spare->unwanted)
        return;
    unlist(spare);
    if (guest) {
        guest_kill(guest, on_killed, spare->owner);
    } else if (spare->unwanted) {
        on_killed(spare->owner);
    } else {
        if (!spare->owner->rt->stopping)
            log_warn("no spare sandbox could be made", "error", err->message);
        plan_free(&spare->owner->shape); /* whoever asks next hears it himself */
    }
    free(spare);
}

/* While some are asked for, one after the other, the last spare alone waits; then there may be as
 * many as came at once before. */
static unsigned wanted_now(const struct spares *s) {
    if (!s->wanted)
        return 0;
    if (!uv_is_active((uv_handle_t *)s->calm))
        return MAX(s->wanted, MIN(s->burst, MOST));
    return s->is_busy ? s->wanted - 1 : 0;
}

void spares_fill(struct spares *s) {
    struct plan plan = s->shape;
    unsigned count = 0;
    for (const struct spare *at = s->list; at; at = at->next)
        count++;
    if (!plan.overlay_count || count >= wanted_now(s) || s->rt->queue || s->rt->making)
        return;
    struct spare *spare = calloc(1, sizeof(*spare));
    if (!spare)
        return;
    *spare = (struct spare){.owner = s, .next = s->list};
    s->list = spare;
    ids_sandbox(plan.id);
    guest_make(s->rt, &plan, &events, spare, on_ready);
}

static void on_calm(uv_timer_t *timer) {
    spares_fill(timer->data);
}

static void count_burst(struct spares *s) {
    const uint64_t now_ms = uv_now(s->rt->loop);
    if (now_ms - s->burst_ms > BURST_MS) {
        s->burst_ms = now_ms;
        s->burst /= 2;
        s->asked = 0;
    }
    s->asked++;
    s->burst = MAX(s->burst, s->asked);
}

void spares_expect(struct spares *s, const struct plan *plan) {
    struct error ignored = ERROR_INIT;
    count_burst(s);
    uv_timer_start(s->rest, on_rest, REST_MS, 0);
    s->is_busy = uv_is_active((uv_handle_t *)s->calm);
    uv_timer_start(s->calm, on_calm, CALM_MS, 0);
    if (plan->resumes || plan->mounts.count || same_shape(&s->shape, plan))
        return;
    struct plan shape = *plan;
    shape.network = (struct plan_network){.internet = true};
    drop_all(s);
    s->burst = s->asked = 1;
    plan_copy(&s->shape, &shape, &ignored);
}

/* ---- giving away ------------------------------------------------------------------------------
 */

bool runtime_spare(const struct runtime *rt, struct plan *plan) {
    for (const struct spare *at = rt->spares->list; at; at = at->next) {
        if (!at->guest || !same_shape(&at->guest->plan, plan))
            continue;
        memcpy(plan->id, at->guest->plan.id, sizeof(plan->id));
        return true;
    }
    return false;
}

struct guest *spares_take(struct spares *s, const struct plan *plan) {
    struct spare *at = s->list;
    while (at && !(at->guest && strcmp(at->guest->id, plan->id) == 0))
        at = at->next;
    if (!at)
        return NULL;
    struct guest *guest = at->guest;
    unlist(at);
    free(at);
    return guest;
}

/* ---- start and stop ---------------------------------------------------------------------------
 */

static uv_timer_t *new_timer(struct spares *s) {
    uv_timer_t *timer = memory_need(sizeof(*timer));
    uv_timer_init(s->rt->loop, timer);
    timer->data = s;
    uv_unref((uv_handle_t *)timer);
    return timer;
}

struct spares *spares_start(struct runtime *rt, unsigned count) {
    struct spares *s = memory_need(sizeof(*s));
    s->rt = rt;
    s->wanted = count;
    s->rest = new_timer(s);
    s->calm = new_timer(s);
    return s;
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

void spares_stop(struct spares *s) {
    uv_close((uv_handle_t *)s->rest, free_handle);
    uv_close((uv_handle_t *)s->calm, free_handle);
    plan_free(&s->shape);
    while (s->list) {
        struct spare *spare = s->list;
        s->list = spare->next;
        free(spare);
    }
    free(s);
}
