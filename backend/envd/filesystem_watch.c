/* SPDX-License-Identifier: Apache-2.0
 *
 * The watching part of filesystem.Filesystem: WatchDir streams events as they come; a watcher made
 * by CreateWatcher collects them until GetWatcherEvents asks. Both hold a bounded number of events
 * and end with an error rather than lose one silently.
 */
#include "backend/core/watch.h"
#include "backend/envd/entry.h"
#include "backend/envd/envd.h"
#include "backend/envd/files_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_EVENTS = 20000,      /* waiting to be sent or asked for */
    MAX_ALL_EVENTS = 200000, /* of all watches together: about 100 MB */
};

static const struct files_text texts[] = {
    {FILES_MISSING, CONNECT_NOT_FOUND, "path ", " not found: no such file or directory"},
    {FILES_NO_DIRECTORY, CONNECT_INVALID_ARGUMENT, "path ", " not a directory"},
    {FILES_NETWORK, CONNECT_INVALID_ARGUMENT, "cannot watch path on network filesystem: ", ""},
    {FILES_OVERFLOW, CONNECT_RESOURCE_EXHAUSTED,
     "events were lost: they came faster than they could be told", NULL},
    {FILES_OK, 0, NULL, NULL},
};

/* One watch of either kind. */
struct watching {
    struct watcher watcher;
    struct connect_call *call; /* held: the stream, or CreateWatcher until it is answered */
    bool is_stream;
    char user[USER_TEXT];
    char *root;      /* the watched directory, once it is known */
    json_t *events;  /* an array of FilesystemEvent */
    bool is_blocked; /* the stream's peer is slow */

    /* CreateWatcher */
    char id[ID_UUID], sandbox_id[ID_SANDBOX];
    enum files_failure failure; /* why it sees nothing more */
    int error;
    struct watching *next;
};

static struct watching *collectors; /* made by CreateWatcher and not removed */
static size_t all_events;

static void watching_free(struct watching *w) {
    watch_stop(&w->watcher);
    for (struct watching **at = &collectors; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            break;
        }
    if (w->call) {
        w->call->ctx = NULL;
        connect_release(w->call);
    }
    all_events -= json_array_size(w->events);
    json_decref(w->events);
    free(w->root);
    free(w);
}

static void fail(struct connect_call *call, const struct watching *w, enum files_failure failure,
                 int error, const char *path) {
    const struct files_result result = {
        .failure = failure,
        .error = error,
        .lost = failure == FILES_SYSTEM && error == EPIPE,
        .path = path,
        .fd = -1,
    };
    files_fail_connect(call, texts, &result, w->user);
}

/* ---- events ---- */

static json_t *event_json(const struct watching *w, const struct file_info *info) {
    static const char *const types[FILES_EVENTS] = {
        [FILES_EVENT_CREATE] = "EVENT_TYPE_CREATE", [FILES_EVENT_WRITE] = "EVENT_TYPE_WRITE",
        [FILES_EVENT_REMOVE] = "EVENT_TYPE_REMOVE", [FILES_EVENT_RENAME] = "EVENT_TYPE_RENAME",
        [FILES_EVENT_CHMOD] = "EVENT_TYPE_CHMOD",
    };
    json_t *event =
        json_pack("{s:o, s:s}", "name", entry_text(info->path), "type", types[info->event]);
    if (event && info->mode) {
        char path[2 * FILES_PATH];
        bool self = strcmp(info->path, ".") == 0;
        snprintf(path, sizeof(path), "%s%s%s", w->root, self || !w->root[1] ? "" : "/",
                 self ? "" : info->path);
        json_object_set_new(event, "entry", entry_json(info, path));
    }
    return event;
}

static void flush(struct watching *w) {
    size_t sent = 0, count = json_array_size(w->events);
    while (!w->is_blocked && sent < count) {
        json_t *event = json_array_get(w->events, sent++);
        w->is_blocked = !connect_send(w->call, json_pack("{s:O}", "filesystem", event));
    }
    all_events -= sent;
    if (sent == count) {
        json_array_clear(w->events);
        return;
    }
    json_t *rest = json_array();
    while (sent < count)
        json_array_append(rest, json_array_get(w->events, sent++));
    json_decref(w->events);
    w->events = rest;
}

/* The watcher sees nothing more. */
static void lost(struct watcher *watcher, enum files_failure failure, int error) {
    struct watching *w = container_of(watcher, struct watching, watcher);
    if (w->is_stream) {
        fail(w->call, w, failure, error, w->root ? w->root : "");
        watching_free(w);
    } else if (failure == FILES_SYSTEM && error == EPIPE) {
        watching_free(w); /* with its sandbox */
    } else {
        w->failure = failure;
        w->error = error;
        all_events -= json_array_size(w->events);
        json_array_clear(w->events);
    }
}

static void event(struct watcher *watcher, const struct file_info *info) {
    struct watching *w = container_of(watcher, struct watching, watcher);
    if (json_array_size(w->events) >= MAX_EVENTS || all_events >= MAX_ALL_EVENTS ||
        json_array_append_new(w->events, event_json(w, info)) < 0) {
        watch_stop(watcher);
        lost(watcher, FILES_OVERFLOW, EOVERFLOW);
        return;
    }
    all_events++;
    if (w->is_stream && !w->is_blocked)
        flush(w);
}

static void started(struct watcher *watcher, enum files_failure failure, int error,
                    const char *path) {
    struct watching *w = container_of(watcher, struct watching, watcher);
    if (failure || !(w->root = strdup(path))) {
        fail(w->call, w, failure ? failure : FILES_SYSTEM, failure ? error : ENOMEM, path);
        watching_free(w);
    } else if (w->is_stream) {
        connect_send(w->call, json_pack("{s:{}}", "start"));
        connect_keep_alive(w->call, "{\"keepalive\":{}}");
    } else {
        struct connect_call *call = w->call;
        w->call = NULL;
        call->ctx = NULL;
        w->next = collectors;
        collectors = w;
        connect_reply(call, json_pack("{s:s}", "watcherId", w->id));
        connect_release(call);
    }
}

/* ---- requests ---- */

static void drained(struct connect_call *call) {
    struct watching *w = call->ctx;
    if (!w)
        return;
    w->is_blocked = false;
    flush(w);
}

static void closed(struct connect_call *call) {
    if (call->ctx)
        watching_free(call->ctx);
}

/* Fields of protobuf's JSON form are also accepted as the .proto file spells them. */
static bool read_flag(const json_t *request, const char *const names[2], uint32_t flag,
                      uint32_t *flags, struct error *err) {
    bool value = false;
    if (!json_get_bool(request, names[1], &value, err) ||
        !json_get_bool(request, names[0], &value, err))
        return false;
    *flags |= value ? flag : 0;
    return true;
}

static bool read_target(struct connect_call *call, struct watch_target *target, struct error *err) {
    static const struct {
        const char *names[2];
        uint32_t flag;
    } flags[] = {
        {{"recursive", "recursive"}, WATCH_RECURSIVE},
        {{"includeEntry", "include_entry"}, WATCH_ENTRIES},
        {{"allowNetworkMounts", "allow_network_mounts"}, WATCH_NETWORK},
    };
    const char *path = "";
    *target = (struct watch_target){.user = files_user(call->sandbox, call->user, err)};
    if (!target->user || !json_get_string(call->request, "path", &path, err))
        return false;
    target->path = files_path(call->sandbox, path);
    if (strlen(target->path) >= FILES_PATH || strlen(target->user) >= USER_TEXT)
        return error_set(err, ERR_INVALID, "the path is too long");
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (!read_flag(call->request, flags[i].names, flags[i].flag, &target->flags, err))
            return false;
    return true;
}

static void begin(struct connect_call *call, bool is_stream) {
    struct error err = ERROR_INIT;
    struct watch_target target;
    if (!read_target(call, &target, &err)) {
        connect_fail_error(call, &err);
        return;
    }
    struct watching *w = calloc(1, sizeof(*w));
    if (!w || !(w->events = json_array())) {
        free(w);
        connect_fail(call, CONNECT_INTERNAL, "no memory");
        return;
    }
    w->watcher = (struct watcher){.started = started, .event = event, .lost = lost};
    w->is_stream = is_stream;
    snprintf(w->user, sizeof(w->user), "%s", target.user);
    ids_uuid(w->id);
    memcpy(w->sandbox_id, call->sandbox->id, sizeof(w->sandbox_id));
    if (!watch_start(call->sandbox, &w->watcher, &target, &err)) {
        connect_fail_error(call, &err);
        watching_free(w);
        return;
    }
    w->call = connect_hold(call);
    call->ctx = w;
    call->drained = drained;
    call->closed = closed;
    connect_deadline(call);
}

static void watch_dir(struct connect_call *call) {
    begin(call, true);
}

/* Those that see nothing more do not hear of the end of their sandbox either. */
static void forget_orphans(struct core *core) {
    struct watching *next;
    struct error ignored;
    for (struct watching *w = collectors; w; w = next) {
        next = w->next;
        if (w->failure && !sandbox_find(core, w->sandbox_id, &ignored))
            watching_free(w);
    }
}

static void create_watcher(struct connect_call *call) {
    forget_orphans(call->sandbox->core);
    begin(call, false);
}

/* NULL: answered. */
static struct watching *named(struct connect_call *call) {
    struct error err = ERROR_INIT;
    const char *id = "";
    if (!json_get_string(call->request, "watcher_id", &id, &err) ||
        !json_get_string(call->request, "watcherId", &id, &err)) {
        connect_fail_error(call, &err);
        return NULL;
    }
    for (struct watching *w = collectors; w; w = w->next)
        if (strcmp(w->id, id) == 0 && strcmp(w->sandbox_id, call->sandbox->id) == 0)
            return w;
    connect_fail(call, CONNECT_NOT_FOUND, "watcher with id %s not found", id);
    return NULL;
}

static void get_events(struct connect_call *call) {
    struct watching *w = named(call);
    if (!w)
        return;
    if (w->failure) {
        fail(call, w, w->failure, w->error, w->root);
        return;
    }
    all_events -= json_array_size(w->events);
    connect_reply(call, json_pack("{s:o}", "events", w->events));
    w->events = json_array();
}

static void remove_watcher(struct connect_call *call) {
    struct watching *w = named(call);
    if (!w)
        return;
    watching_free(w);
    connect_reply(call, json_object());
}

static void serve_watch_dir(struct call *call) {
    connect_serve(call, CONNECT_STREAM, watch_dir);
}

static void serve_create(struct call *call) {
    connect_serve(call, CONNECT_UNARY, create_watcher);
}

static void serve_get_events(struct call *call) {
    connect_serve(call, CONNECT_UNARY, get_events);
}

static void serve_remove(struct call *call) {
    connect_serve(call, CONNECT_UNARY, remove_watcher);
}

const struct route envd_watch_routes[] = {
    {"POST", "/filesystem.Filesystem/WatchDir", ROUTE_OPEN, serve_watch_dir},
    {"POST", "/filesystem.Filesystem/CreateWatcher", ROUTE_OPEN, serve_create},
    {"POST", "/filesystem.Filesystem/GetWatcherEvents", ROUTE_OPEN, serve_get_events},
    {"POST", "/filesystem.Filesystem/RemoveWatcher", ROUTE_OPEN, serve_remove},
    {0},
};
