/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/watch.h"
#include "backend/core/core.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    BATCH = 16,
    BUCKETS = 256,
    MAX_UNSENT = 1 << 20, /* bytes for a helper that was stopped */
};

/* A request that the socket had no room for. */
struct unsent {
    struct unsent *next;
    size_t len;
    char bytes[];
};

/* The helper of one sandbox. Known by the sandbox's id: the end of the sandbox is seen on the
 * socket, and may be seen after the sandbox itself is forgotten. */
struct watch_set {
    uv_poll_t poll;
    int sock;
    bool over;
    char sandbox_id[ID_SANDBOX];
    uint32_t last_id;
    unsigned count;
    struct unsent *unsent, **unsent_end;
    size_t unsent_bytes;
    struct watcher *buckets[BUCKETS];
    struct watch_set *next;
};

static struct watch_set *sets;

static struct watch_set *set_of(const char *sandbox_id) {
    struct watch_set *s = sets;
    while (s && strcmp(s->sandbox_id, sandbox_id) != 0)
        s = s->next;
    return s;
}

static void closed(uv_handle_t *handle) {
    struct watch_set *s = handle->data;
    close(s->sock);
    for (struct unsent *u; (u = s->unsent);) {
        s->unsent = u->next;
        free(u);
    }
    free(s);
}

static void end(struct watch_set *s) {
    if (s->over)
        return;
    s->over = true;
    for (struct watch_set **at = &sets; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    uv_close((uv_handle_t *)&s->poll, closed);
}

static struct watcher *find(struct watch_set *s, uint32_t id) {
    struct watcher *w = s->buckets[id % BUCKETS];
    while (w && w->id != id)
        w = w->next;
    return w;
}

static void forget(struct watcher *w) {
    struct watch_set *s = w->set;
    for (struct watcher **at = &s->buckets[w->id % BUCKETS]; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            break;
        }
    w->set = NULL;
    s->count--;
}

static void lose(struct watcher *w, enum files_failure failure, int error) {
    forget(w);
    if (w->is_started)
        w->lost(w, failure, error);
    else
        w->started(w, failure, error, "");
}

static void lose_all(struct watch_set *s, enum files_failure failure, int error) {
    for (size_t b = 0; b < BUCKETS; b++)
        while (s->buckets[b])
            lose(s->buckets[b], failure, error);
}

static bool send_now(struct watch_set *s, const char *bytes, size_t len) {
    return send(s->sock, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

static void ready(uv_poll_t *poll, int status, int events);

static bool send_later(struct watch_set *s, const char *bytes, size_t len) {
    struct unsent *u = s->unsent_bytes < MAX_UNSENT ? malloc(sizeof(*u) + len) : NULL;
    if (!u) {
        errno = ENOBUFS;
        return false;
    }
    u->next = NULL;
    u->len = len;
    memcpy(u->bytes, bytes, len);
    *s->unsent_end = u;
    s->unsent_end = &u->next;
    s->unsent_bytes += len;
    return uv_poll_start(&s->poll, UV_READABLE | UV_WRITABLE, ready) == 0;
}

static void send_unsent(struct watch_set *s) {
    for (struct unsent *u; (u = s->unsent);) {
        if (!send_now(s, u->bytes, u->len))
            return; /* full again, or broken, which reading tells */
        s->unsent = u->next;
        s->unsent_bytes -= u->len;
        free(u);
    }
    s->unsent_end = &s->unsent;
    uv_poll_start(&s->poll, UV_READABLE, ready);
}

static bool tell(struct watch_set *s, enum watch_request_type type, uint32_t id,
                 const struct watch_target *target) {
    char message[sizeof(struct watch_request) + 2 * FILES_PATH];
    struct watch_request request = {
        .version = AGENT_PROTOCOL,
        .type = type,
        .watch = id,
        .flags = target->flags,
    };
    memcpy(message, &request, sizeof(request));
    size_t room = sizeof(message) - sizeof(request);
    int n = snprintf(message + sizeof(request), room, "%s%c%s", target->user, '\0', target->path);
    if (n < 0 || (size_t)n >= room) {
        errno = ENAMETOOLONG;
        return false;
    }
    size_t len = sizeof(request) + (size_t)n + 1;
    if (!s->unsent && send_now(s, message, len))
        return true;
    return (s->unsent || errno == EAGAIN) && send_later(s, message, len);
}

/* The answer to an ADD, or a watch that broke later. */
static void answered(struct watch_set *s, const struct files_message *m,
                     const struct file_info *info) {
    struct watcher *w = find(s, info->watch);
    enum files_failure failure = (enum files_failure)m->head.value;
    if (!w)
        return;
    if (failure) {
        if (w->is_started)
            tell(s, WATCH_REMOVE, w->id, &(struct watch_target){.user = "", .path = ""});
        bool was_started = w->is_started;
        forget(w);
        if (was_started)
            w->lost(w, failure, m->head.error);
        else
            w->started(w, failure, m->head.error, info->path);
    } else if (!w->is_started) {
        w->is_started = true;
        w->started(w, FILES_OK, 0, info->path);
    }
}

static void take(struct watch_set *s, struct files_message *m) {
    struct file_info info;
    if (m->head.value && !m->len) {
        lose_all(s, (enum files_failure)m->head.value, m->head.error);
        return;
    }
    while (files_message_next(m, &info)) {
        if (info.event == FILES_EVENT_NONE) {
            answered(s, m, &info);
            continue;
        }
        struct watcher *w = find(s, info.watch);
        if (w && w->is_started)
            w->event(w, &info);
    }
}

static void ready(uv_poll_t *poll, int status, int events) {
    struct watch_set *s = poll->data;
    struct files_message m;
    if (events & UV_WRITABLE)
        send_unsent(s);
    for (int i = 0; i < BATCH && !s->over; i++) {
        enum files_received got = status < 0 ? FILES_ENDED : files_message_receive(s->sock, &m);
        if (got == FILES_LATER)
            return;
        if (got == FILES_RECEIVED) {
            close_fd(&m.fd); /* none is due */
            take(s, &m);
        } else {
            end(s);
            lose_all(s, FILES_SYSTEM, EPIPE);
        }
    }
}

static struct watch_set *open_set(struct sandbox *sandbox, struct error *err) {
    struct watch_set *s = set_of(sandbox->id);
    if (s)
        return s;
    s = calloc(1, sizeof(*s));
    if (!s) {
        error_errno(err, ENOMEM, "cannot watch");
        return NULL;
    }
    const char *none[] = {NULL};
    s->sock = guest_helper(sandbox->guest, HELPER_FILE_WATCH, "", none, err);
    if (s->sock < 0) {
        free(s);
        return NULL;
    }
    memcpy(s->sandbox_id, sandbox->id, sizeof(s->sandbox_id));
    s->poll.data = s;
    int rc = uv_poll_init(core_loop(sandbox->core), &s->poll, s->sock);
    if (rc < 0) {
        error_errno(err, -rc, "cannot watch");
        close(s->sock);
        free(s);
        return NULL;
    }
    s->unsent_end = &s->unsent;
    uv_poll_start(&s->poll, UV_READABLE, ready);
    s->next = sets;
    sets = s;
    return s;
}

void watch_lose_all(const struct sandbox *sandbox, int error) {
    struct watch_set *s = set_of(sandbox->id);
    if (!s)
        return;
    end(s);
    lose_all(s, FILES_SYSTEM, error);
}

bool watch_start(struct sandbox *sandbox, struct watcher *w, const struct watch_target *target,
                 struct error *err) {
    struct watch_set *s = open_set(sandbox, err);
    if (!s)
        return false;
    if (s->count >= WATCH_MAX)
        return error_set(err, ERR_LIMIT, "a sandbox can have %d watchers", WATCH_MAX);
    do
        s->last_id++;
    while (!s->last_id || find(s, s->last_id));
    if (!tell(s, WATCH_ADD, s->last_id, target)) {
        int error = errno;
        if (!s->count)
            end(s);
        if (error == ENOBUFS)
            return error_set(err, ERR_LIMIT, "too many requests wait for the sandbox's watcher");
        return error_errno(err, error, "cannot watch %s", target->path);
    }
    w->set = s;
    w->id = s->last_id;
    w->is_started = false;
    w->next = s->buckets[w->id % BUCKETS];
    s->buckets[w->id % BUCKETS] = w;
    s->count++;
    return true;
}

void watch_stop(struct watcher *w) {
    struct watch_set *s = w->set;
    if (!s)
        return;
    forget(w);
    if (!s->count)
        end(s); /* the helper sees its socket close */
    else
        tell(s, WATCH_REMOVE, w->id, &(struct watch_target){.user = "", .path = ""});
}
