/* SPDX-License-Identifier: Apache-2.0
 *
 * This thread packs into unnamed files, the other one uploads them in their order: an upload needs
 * its length before its first byte, so an archive goes out when it is whole. Two archives wait at
 * most. The files are read a second time then, from the page cache, and must still have the hash
 * that the server was told.
 */
#include "cli/template/delivery.h"

#include "cli/context.h"
#include "cli/interrupt.h"
#include "cli/resource.h"
#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WAITING_MAX = 2, TICK_MS = 100 };

/* ---- hashing ----------------------------------------------------------------------------------
 */

struct reading {
    struct buildlog *log;
    const char *what;
    uint64_t done, total;
    int64_t since_ms;
};

static bool on_read(void *ctx, uint64_t bytes) {
    struct reading *reading = ctx;
    reading->done += bytes;
    buildlog_progress(reading->log, reading->what, reading->done, reading->total,
                      reading->since_ms);
    return !interrupt_signal();
}

static bool blame(const struct project *project, const struct project_step *step,
                  struct error *err) {
    return err->kind == ERR_TIMEOUT ? false : dockerfile_blame(&project->file, step->origin, err);
}

bool delivery_hash(struct project *project, struct buildlog *log, struct error *err) {
    struct reading reading = {.log = log, .what = "Reading", .since_ms = clock_mono_ms()};
    const struct pack_watch watch = {.step = on_read, .ctx = &reading};
    struct project_step *step;
    size_t first = 0, at = 0;
    if (!project_next(project, &first))
        return true;
    const struct pack_api *pack = pack_load(err);
    for (size_t i = 0; (step = project_next(project, &i));)
        reading.total += step->tree.bytes;
    while (pack && (step = project_next(project, &at)))
        if (!pack->hash(&step->tree, step->source, step->dest, &watch, step->hash, err))
            return blame(project, step, err);
    buildlog_clear(log);
    return pack;
}

/* ---- the other thread -------------------------------------------------------------------------
 */

struct parcel {
    struct parcel *next;
    int fd;
    uint64_t len;
    json_t *slot; /* the server's answer: url and headers */
    const struct project_step *step;
};

struct courier {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct client *client; /* its own */
    struct parcel *first, **last;
    size_t waiting; /* those that are not delivered yet */
    bool closed;    /* nothing more is coming */
    bool failed;
    struct error err;
    struct parcel *delivered; /* to be told, in the order in which they arrived */
    _Atomic uint64_t sent, packed;
};

static void on_sent(void *ctx, uint64_t bytes) {
    struct courier *courier = ctx;
    atomic_fetch_add(&courier->sent, bytes);
}

static bool deliver(struct courier *courier, const struct parcel *parcel) {
    struct upload upload = {
        .url = json_string_value(json_object_get(parcel->slot, "url")),
        .headers = json_object_get(parcel->slot, "headers"),
        .fd = parcel->fd,
        .len = parcel->len,
        .sent = on_sent,
        .ctx = courier,
    };
    struct error err = ERROR_INIT;
    if (client_upload(courier->client, &upload, &err))
        return true;
    error_wrap(&err, "Failed to upload '%s'", parcel->step->source);
    pthread_mutex_lock(&courier->lock);
    courier->err = err;
    courier->failed = true;
    pthread_mutex_unlock(&courier->lock);
    return false;
}

static void *courier_run(void *ctx) {
    struct courier *courier = ctx;
    pthread_mutex_lock(&courier->lock);
    while (!courier->failed && (!courier->closed || courier->first)) {
        struct parcel *parcel = courier->first;
        if (!parcel) {
            pthread_cond_wait(&courier->changed, &courier->lock);
            continue;
        }
        pthread_mutex_unlock(&courier->lock);
        bool ok = deliver(courier, parcel);
        pthread_mutex_lock(&courier->lock);
        if (ok) {
            courier->first = parcel->next;
            if (!courier->first)
                courier->last = &courier->first;
            close_fd(&parcel->fd);
            parcel->next = courier->delivered;
            courier->delivered = parcel;
            courier->waiting--;
        }
        pthread_cond_broadcast(&courier->changed);
    }
    pthread_mutex_unlock(&courier->lock);
    return NULL;
}

static bool courier_start(struct courier *courier, const struct invocation *in, struct error *err) {
    *courier = (struct courier){.last = &courier->first};
    courier->client = client_open(&in->context->target, true, err);
    if (!courier->client)
        return false;
    pthread_mutex_init(&courier->lock, NULL);
    pthread_cond_init(&courier->changed, NULL);
    int problem = pthread_create(&courier->thread, NULL, courier_run, courier);
    if (!problem)
        return true;
    client_close(courier->client);
    return error_errno(err, problem, "cannot start to upload");
}

static void parcels_free(struct parcel *parcel) {
    while (parcel) {
        struct parcel *next = parcel->next;
        close_fd(&parcel->fd);
        json_decref(parcel->slot);
        free(parcel);
        parcel = next;
    }
}

/* An interrupted upload is not waited for: the thread and what it uses end with the program. */
static void courier_end(struct courier *courier) {
    if (interrupt_signal()) {
        pthread_detach(courier->thread);
        return;
    }
    pthread_mutex_lock(&courier->lock);
    courier->closed = true;
    pthread_cond_broadcast(&courier->changed);
    pthread_mutex_unlock(&courier->lock);
    pthread_join(courier->thread, NULL);
    parcels_free(courier->first);
    parcels_free(courier->delivered);
    client_close(courier->client);
    pthread_mutex_destroy(&courier->lock);
    pthread_cond_destroy(&courier->changed);
    free(courier);
}

/* ---- this thread ------------------------------------------------------------------------------
 */

struct sending {
    struct project *project;
    const struct invocation *in;
    const char *template_id;
    struct buildlog *log;
    const struct pack_api *pack;
    struct courier *courier; /* NULL until there is something to upload */
    int64_t since_ms;
};

static void tell_delivered(struct sending *s) {
    while (s->courier->delivered) {
        struct parcel **last = &s->courier->delivered;
        while ((*last)->next) /* the newest is in front */
            last = &(*last)->next;
        struct parcel *parcel = steal_ptr(last);
        if (s->log->as_json)
            buildlog_event(s->log, json_pack("{s:s, s:s, s:s, s:I}", "type", "upload", "source",
                                             parcel->step->source, "filesHash", parcel->step->hash,
                                             "bytes", (json_int_t)parcel->len));
        else
            buildlog_say(s->log, "Uploaded '%s'", parcel->step->source);
        parcels_free(parcel);
    }
}

/* Waits until no more than `most` parcels are on their way. */
static bool wait_for_courier(struct sending *s, size_t most, struct error *err) {
    struct courier *courier = s->courier;
    pthread_mutex_lock(&courier->lock);
    while (!courier->failed && courier->waiting > most && !interrupt_signal()) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&courier->changed, &courier->lock, &until);
        buildlog_progress(s->log, "Uploading", courier->sent, courier->packed, s->since_ms);
        tell_delivered(s);
    }
    tell_delivered(s);
    bool failed = courier->failed;
    if (failed)
        *err = courier->err;
    pthread_mutex_unlock(&courier->lock);
    return !failed && (!interrupt_signal() || error_set(err, ERR_TIMEOUT, "interrupted"));
}

static bool hand_over(struct sending *s, const struct project_step *step, json_t *slot, int *fd,
                      uint64_t len, struct error *err) {
    struct parcel *parcel = calloc(1, sizeof(*parcel));
    if (!s->courier) {
        struct courier *courier = malloc(sizeof(*courier));
        if (!courier || !parcel || !courier_start(courier, s->in, err)) {
            free(courier);
            free(parcel);
            return false;
        }
        s->courier = courier;
        s->since_ms = clock_mono_ms();
    }
    if (!parcel)
        abort();
    *parcel =
        (struct parcel){.fd = steal_fd(fd), .len = len, .slot = json_incref(slot), .step = step};
    pthread_mutex_lock(&s->courier->lock);
    atomic_fetch_add(&s->courier->packed, len);
    *s->courier->last = parcel;
    s->courier->last = &parcel->next;
    s->courier->waiting++;
    pthread_cond_broadcast(&s->courier->changed);
    pthread_mutex_unlock(&s->courier->lock);
    return wait_for_courier(s, WAITING_MAX, err);
}

static const char *temporary_folder(void) {
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/tmp";
}

static int open_unnamed(struct error *err) {
    const char *folder = temporary_folder();
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
        cleanup_free char *path = NULL;
        if (asprintf(&path, "%s/e2b-XXXXXX", folder) < 0)
            abort();
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
    }
    if (fd < 0)
        error_errno(err, errno, "cannot make a temporary file in %s", folder);
    return fd;
}

static bool pack_step(struct sending *s, struct project_step *step, json_t *slot,
                      struct error *err) {
    struct reading reading = {
        .log = s->log, .what = "Packing", .total = step->tree.bytes, .since_ms = clock_mono_ms()};
    const struct pack_watch watch = {.step = on_read, .ctx = &reading};
    char hash[PACK_HASH];
    uint64_t len;
    cleanup_close int fd = open_unnamed(err);
    if (fd < 0)
        return false;
    if (!s->pack->write(&step->tree, step->source, step->dest, &watch, fd, hash, &len, err)) {
        if (err->kind == ERR_NO_SPACE)
            error_hint(err, "free some space in %s, or set TMPDIR to a directory that has some",
                       temporary_folder());
        return blame(s->project, step, err);
    }
    if (strcmp(hash, step->hash) != 0) {
        error_set(err, ERR_CONFLICT, "files of %s changed while they were packed", step->source);
        return blame(s->project, step, err);
    }
    return hand_over(s, step, slot, &fd, len, err);
}

/* The same files to the same place twice are one archive. */
static bool was_sent(const struct project *project, const struct project_step *step) {
    const struct project_step *earlier;
    for (size_t at = 0; (earlier = project_next(project, &at)) != step;)
        if (strcmp(earlier->hash, step->hash) == 0)
            return true;
    return false;
}

static bool send_step(struct sending *s, struct project_step *step, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_free char *suffix = NULL;
    bool present = false;
    const char *url = NULL;
    if (was_sent(s->project, step))
        return true;
    if (asprintf(&suffix, "/files/%s", step->hash) < 0)
        abort();
    if (!resource_call(s->in->client, "GET", "/templates", s->template_id, suffix, NULL, &response,
                       err) ||
        !json_get_bool(response.json, "present", &present, err) ||
        !json_get_string(response.json, "url", &url, err))
        return false;
    if (!present && url)
        return pack_step(s, step, response.json, err);
    if (!present)
        return error_set(err, ERR_INTERNAL, "the server lacks the files of %s and takes none",
                         step->source);
    buildlog_say(s->log, "Skipping upload of '%s', already cached", step->source);
    return true;
}

bool delivery_send(struct project *project, const struct invocation *in, const char *template_id,
                   struct buildlog *log, struct error *err) {
    struct sending s = {.project = project, .in = in, .template_id = template_id, .log = log};
    struct project_step *step;
    size_t at = 0, first = 0;
    bool ok = !project_next(project, &first) || (s.pack = pack_load(err));
    while (ok && (step = project_next(project, &at)))
        ok = send_step(&s, step, err);
    if (s.courier) {
        struct error late = ERROR_INIT;
        if (!wait_for_courier(&s, ok ? 0 : SIZE_MAX, &late) && ok) {
            *err = late;
            ok = false;
        }
        courier_end(s.courier);
    }
    buildlog_clear(log);
    return ok;
}
