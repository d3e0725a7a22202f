/* SPDX-License-Identifier: Apache-2.0
 *
 * A tick decides whether to scan, a scan measures every guest in turn, and its end judges them.
 * Between scans one guest at a time is measured, so that what each holds can be told.
 */
#include "backend/runtime/disk.h"

#include "common/clock.h"

#include <errno.h>
#include <sys/statvfs.h>

enum {
    LARGEST_PART = 20, /* of the file system: see disk.h */
    FALLING_PART = 16, /* of the step: under the reserve, more went since somebody was frozen */
    NEAR_STEPS = 4,    /* above the reserve: a fast writer is there within a second, so ... */
    NEAR_PART = 10,    /* of the period passes between two looks */
    REST_TIMES = 50,   /* the time that measuring took passes before one is measured again */
};

const struct disk_config disk_defaults = {
    .reserve_bytes = (uint64_t)1 << 30,
    .scan_step_bytes = (uint64_t)256 << 20,
    .period_ms = 1000,
    .space = disk_look,
};

struct watched {
    struct watched *next;
    void *guest;
    uint64_t limit, used;
    uint64_t scanned, grown; /* at the last scan, and since the one before */
    int64_t measured_ms;     /* when, monotonic; 0: never */
    bool is_known, is_due;
    enum disk_verdict verdict;
};

struct disk {
    struct disk_config config;
    uv_timer_t timer;
    struct watched *guests;
    const struct watched *measuring;
    int64_t began_ms, rest_until_ms; /* of the measuring, monotonic */
    bool is_scan;                    /* all are measured, since space went */
    uint64_t scanned_at;             /* free space when the last scan began */
    uint64_t frozen_at; /* free space when somebody was last frozen for the reserve; 0: nobody */
    uint64_t free, size, reserve, step;
};

bool disk_look(const char *path, struct disk_space *space) {
    struct statvfs fs;
    if (statvfs(path, &fs) < 0)
        return false;
    space->free = (uint64_t)fs.f_bavail * fs.f_frsize;
    space->total = (uint64_t)fs.f_blocks * fs.f_frsize;
    return true;
}

static struct watched *find(const struct disk *disk, const void *guest) {
    struct watched *at = disk->guests;
    while (at && at->guest != guest)
        at = at->next;
    return at;
}

static void judge(struct disk *disk, struct watched *w, enum disk_verdict verdict) {
    if (w->verdict == verdict)
        return;
    w->verdict = verdict;
    disk->config.judge(disk->config.ctx, w->guest, verdict, w->used);
}

static void judge_limits(struct disk *disk) {
    for (struct watched *w = disk->guests; w; w = w->next)
        if (w->limit && w->used > w->limit)
            judge(disk, w, DISK_OVER_LIMIT);
        else if (w->verdict == DISK_OVER_LIMIT)
            judge(disk, w, DISK_FINE);
}

static bool writes_more(const struct watched *a, const struct watched *b) {
    return !b || a->grown > b->grown || (a->grown == b->grown && a->used > b->used);
}

/* One at a time: that may be all it takes. Another only if space goes on falling. */
static void defend_reserve(struct disk *disk) {
    if (disk->free >= disk->reserve ||
        (disk->frozen_at && disk->free + disk->step / FALLING_PART > disk->frozen_at))
        return;
    struct watched *worst = NULL;
    for (struct watched *w = disk->guests; w; w = w->next)
        if (w->verdict == DISK_FINE && w->used && writes_more(w, worst))
            worst = w;
    if (!worst)
        return;
    disk->frozen_at = disk->free;
    judge(disk, worst, DISK_RESERVE);
}

static void measure_next(struct disk *disk) {
    struct watched *w = disk->guests;
    while (w && !w->is_due)
        w = w->next;
    disk->measuring = w;
    if (w) {
        w->is_due = false;
        disk->began_ms = clock_mono_ms();
        disk->config.measure(disk->config.ctx, w->guest);
        return;
    }
    judge_limits(disk);
    defend_reserve(disk);
}

void disk_measured(struct disk *disk, void *guest, int64_t used_bytes) {
    struct watched *w = find(disk, guest);
    if (!w || disk->measuring != w)
        return;
    w->measured_ms = clock_mono_ms();
    disk->rest_until_ms = w->measured_ms + REST_TIMES * (w->measured_ms - disk->began_ms);
    if (used_bytes >= 0) {
        w->used = (uint64_t)used_bytes;
        w->is_known = true;
    }
    if (disk->is_scan) {
        w->grown = w->used > w->scanned ? w->used - w->scanned : 0;
        w->scanned = w->used;
    }
    measure_next(disk);
}

static void thaw_all(struct disk *disk) {
    disk->frozen_at = 0;
    for (struct watched *w = disk->guests; w; w = w->next)
        if (w->verdict == DISK_RESERVE)
            judge(disk, w, DISK_FINE);
}

static bool look(struct disk *disk) {
    const struct disk_config *config = &disk->config;
    struct disk_space space;
    if (!config->space(config->path, &space))
        return false;
    disk->free = space.free;
    disk->size = space.total;
    disk->reserve = MIN(config->reserve_bytes, space.total / LARGEST_PART);
    disk->step = MIN(config->scan_step_bytes, space.total / LARGEST_PART);
    return true;
}

/* So that it can be told what each holds: new ones, and the one not measured for longest. */
static void keep_fresh(struct disk *disk) {
    struct watched *oldest = disk->guests;
    if (clock_mono_ms() < disk->rest_until_ms)
        return;
    for (struct watched *w = disk->guests; w; w = w->next) {
        w->is_due = !w->is_known;
        if (w->measured_ms < oldest->measured_ms)
            oldest = w;
    }
    oldest->is_due = true;
    disk->is_scan = false;
    measure_next(disk);
}

static void tick(uv_timer_t *timer) {
    struct disk *disk = timer->data;
    if (disk->measuring || !look(disk))
        return;
    bool near = disk->free < disk->reserve + NEAR_STEPS * disk->step;
    uv_timer_set_repeat(timer, MAX(1, disk->config.period_ms / (near ? NEAR_PART : 1)));
    /* not at the reserve itself, or it would be frozen and thawed in turn */
    if (disk->frozen_at && disk->free >= disk->reserve + disk->step)
        thaw_all(disk);
    bool fell = disk->free + disk->step <= disk->scanned_at;
    if (disk->free > disk->scanned_at)
        disk->scanned_at = disk->free;
    if (!fell && disk->free >= disk->reserve) {
        keep_fresh(disk);
        return;
    }
    disk->is_scan = true;
    disk->scanned_at = disk->free;
    for (struct watched *w = disk->guests; w; w = w->next)
        w->is_due = true;
    measure_next(disk);
}

struct disk *disk_start(const struct disk_config *config, struct error *err) {
    struct disk *disk = calloc(1, sizeof(*disk));
    if (!disk) {
        error_errno(err, ENOMEM, "cannot watch the disk");
        return NULL;
    }
    disk->config = *config;
    uv_timer_init(config->loop, &disk->timer);
    disk->timer.data = disk;
    uv_unref((uv_handle_t *)&disk->timer);
    return disk;
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

void disk_stop(struct disk *disk) {
    while (disk->guests)
        disk_remove(disk, disk->guests->guest);
    uv_close((uv_handle_t *)&disk->timer, on_closed);
}

bool disk_add(struct disk *disk, void *guest, uint64_t limit_bytes, struct error *err) {
    struct watched *w = calloc(1, sizeof(*w));
    if (!w)
        return error_errno(err, ENOMEM, "cannot watch the disk");
    *w = (struct watched){.next = disk->guests, .guest = guest, .limit = limit_bytes};
    if (!disk->guests) {
        disk->scanned_at = 0;
        uv_timer_start(&disk->timer, tick, disk->config.period_ms, disk->config.period_ms);
    }
    disk->guests = w;
    return true;
}

void disk_remove(struct disk *disk, void *guest) {
    struct watched **at = &disk->guests;
    while (*at && (*at)->guest != guest)
        at = &(*at)->next;
    struct watched *gone = *at;
    if (!gone)
        return;
    *at = gone->next;
    bool was_measured = disk->measuring == gone;
    free(gone);
    if (!disk->guests) {
        disk->measuring = NULL;
        disk->frozen_at = 0;
        uv_timer_stop(&disk->timer);
    } else if (was_measured) {
        measure_next(disk);
    }
}

uint64_t disk_size(const struct disk *disk) {
    return disk->size;
}

int64_t disk_used(const struct disk *disk, const void *guest) {
    const struct watched *w = find(disk, guest);
    return w && w->is_known ? (int64_t)w->used : -1;
}
