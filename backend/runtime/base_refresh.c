/* SPDX-License-Identifier: Apache-2.0
 *
 * The base template in use. Where only an older one is there, or the host's packages change while
 * we run, sandboxes go on to be made of the older one while a thread of the pool makes the current;
 * what runs keeps what it was made of.
 */
#include "backend/runtime/internal.h"
#include "common/clock.h"
#include "common/log.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 5000, RETRY_MS = 600000 };

struct base_refresh {
    uv_work_t work;
    struct runtime *rt; /* NULL: it stopped meanwhile */
    struct base_config config;
    struct base base;
    bool done;
    struct error err;
    char *state, *sudo;
};

static struct base_config describe(const struct runtime *rt) {
    return (struct base_config){.state = rt->state,
                                .holder = rt->holder.userns,
                                .id_base = rt->holder.id_base,
                                .id_count = rt->holder.id_count,
                                .sudo = rt->agent,
                                .usr_is_idmapped = rt->holder.is_root};
}

static void use(struct runtime *rt, const struct base *base) {
    size_t count = 0;
    rt->base = *base;
    rt->root_lowers[0] = rt->base.root;
    rt->usr_lowers[0] = rt->usr_lowers[1] = rt->usr_lowers[2] = NULL;
    if (*rt->base.usr)
        rt->usr_lowers[count++] = rt->base.usr;
    rt->usr_lowers[count] = "/usr";
}

/* ---- in the pool ------------------------------------------------------------------------------
 */

static void make(uv_work_t *work) {
    struct base_refresh *r = work->data;
    r->done = base_prepare(&r->config, &r->base, &r->err);
}

static void refresh_free(struct base_refresh *r) {
    close_fd(&r->config.holder);
    free(r->state);
    free(r->sudo);
    free(r);
}

static void on_made(uv_work_t *work, int status) {
    struct base_refresh *r = work->data;
    struct runtime *rt = r->rt;
    if (rt) {
        rt->refresh = NULL;
        rt->base_look_ms = clock_mono_ms() + (r->done ? LOOK_MS : RETRY_MS);
    }
    if (rt && r->done && status == 0) {
        use(rt, &r->base);
        log_info("the base template was made anew; new sandboxes are made of it");
    } else if (rt && status == 0) {
        log_warn("the base template could not be made anew; the older one stays in use", "error",
                 r->err.message);
    }
    refresh_free(r);
}

static void refresh(struct runtime *rt) {
    struct base_refresh *r = calloc(1, sizeof(*r));
    if (!r)
        return;
    *r = (struct base_refresh){.rt = rt, .work.data = r, .config = describe(rt)};
    r->config.state = r->state = strdup(rt->state);
    r->config.sudo = r->sudo = strdup(rt->agent);
    r->config.holder = fcntl(rt->holder.userns, F_DUPFD_CLOEXEC, 0);
    if (r->state && r->sudo && r->config.holder >= 0 &&
        uv_queue_work(rt->loop, &r->work, make, on_made) == 0) {
        rt->refresh = r;
        log_info("the host's packages have changed: the base template is made anew");
    } else {
        refresh_free(r);
    }
}

void base_refresh_stop(struct runtime *rt) {
    if (rt->refresh)
        rt->refresh->rt = NULL;
    rt->refresh = NULL;
}

/* ---- which one --------------------------------------------------------------------------------
 */

bool base_refresh_start(struct runtime *rt, void (*report)(void *ctx, const char *line), void *ctx,
                        struct error *err) {
    struct base_config config = describe(rt);
    struct base base;
    const enum base_found found = base_find(&config, &base);
    config.report = report;
    config.ctx = ctx;
    if (found != BASE_OLDER && !base_prepare(&config, &base, err))
        return false;
    use(rt, &base);
    if (found == BASE_OLDER)
        refresh(rt);
    return true;
}

void base_refresh_look(struct runtime *rt) {
    struct base found;
    if (rt->refresh || clock_mono_ms() < rt->base_look_ms)
        return;
    rt->base_look_ms = clock_mono_ms() + LOOK_MS;
    const struct base_config config = describe(rt);
    switch (base_find(&config, &found)) {
    case BASE_CURRENT:
        use(rt, &found); /* maybe another than before: the host's packages went back */
        break;
    case BASE_OLDER:
        refresh(rt);
        break;
    case BASE_NONE:
        break; /* ours was removed: whoever did so hears of it when a sandbox is made */
    }
}

/* ---- away -------------------------------------------------------------------------------------
 */

void runtime_discard_base(struct runtime *rt, const char *key) {
    const char *current = rt->base.root + sizeof(OVERLAYS_BASE) - 1;
    const bool is_current = strncmp(current, key, strlen(key)) == 0;
    cleanup_close int dir = openat(rt->dirs.state, "base", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0 && !is_current)
        sandbox_dirs_trash(&rt->dirs, dir, key);
}

struct sweep {
    struct runtime *rt;
    bool (*is_used)(void *ctx, const char *key);
    void *ctx;
};

static void sweep_one(void *ctx, const char *key) {
    const struct sweep *sweep = ctx;
    if (!sweep->is_used(sweep->ctx, key))
        runtime_discard_base(sweep->rt, key);
}

void runtime_sweep_bases(struct runtime *rt, bool (*is_used)(void *ctx, const char *key),
                         void *ctx) {
    struct sweep sweep = {rt, is_used, ctx};
    cleanup_close int dir = openat(rt->dirs.state, "base", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0)
        sandbox_dirs_each_in(dir, sweep_one, &sweep);
}
