/* SPDX-License-Identifier: Apache-2.0
 *
 * filesystem.Filesystem without its watchers: each call is one question to a helper inside.
 */
#include "backend/envd/entry.h"
#include "backend/envd/envd.h"
#include "backend/envd/files_text.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_ENTRIES = 100000, /* of one listing */
    DEPTH_TEXT = 24,
};

static const struct files_text stat_texts[] = {
    {FILES_MISSING, CONNECT_NOT_FOUND, "file not found: lstat ", ": no such file or directory"},
    {FILES_OK, 0, NULL, NULL},
};
static const struct files_text make_dir_texts[] = {
    {FILES_EXISTS, CONNECT_ALREADY_EXISTS, "directory already exists: ", ""},
    {FILES_NO_DIRECTORY, CONNECT_INVALID_ARGUMENT,
     "path already exists but it is not a directory: ", ""},
    {FILES_OK, 0, NULL, NULL},
};
static const struct files_text move_texts[] = {
    {FILES_MISSING, CONNECT_NOT_FOUND, "source file not found: ", ""},
    {FILES_OK, 0, NULL, NULL},
};
static const struct files_text list_texts[] = {
    {FILES_MISSING, CONNECT_NOT_FOUND, "path not found: lstat ", ": no such file or directory"},
    {FILES_OK, 0, NULL, NULL},
};

static const struct method {
    enum helper_op op;
    const char *paths[2]; /* fields that are paths, in the order of the helper's arguments */
    const struct files_text *texts;
    const char *answer; /* the field with the entry; NULL: none */
} methods[] = {
    {HELPER_FILE_STAT, {"path"}, stat_texts, "entry"},
    {HELPER_FILE_MAKE_DIR, {"path"}, make_dir_texts, "entry"},
    {HELPER_FILE_MOVE, {"source", "destination"}, move_texts, "entry"},
    {HELPER_FILE_REMOVE, {"path"}, NULL, NULL},
    {HELPER_FILE_LIST, {"path"}, list_texts, NULL},
};

/* A call that waits for its helper. */
struct waiting {
    struct connect_call *call; /* held */
    const struct method *method;
    struct files_query *query;
    json_t *entries; /* of a listing */
    char user[USER_TEXT];
};

static void waiting_free(struct waiting *w) {
    json_decref(w->entries);
    connect_release(w->call);
    free(w);
}

static void done(void *ctx, const struct files_result *r) {
    struct waiting *w = ctx;
    if (r->fd >= 0)
        close(r->fd); /* none is due */
    w->call->ctx = NULL;
    if (r->failure)
        files_fail_connect(w->call, w->method->texts, r, w->user);
    else if (w->entries)
        connect_reply(w->call, json_pack("{s:O}", "entries", w->entries));
    else if (w->method->answer && r->info)
        connect_reply(w->call, json_pack("{s:o}", w->method->answer, entry_json(r->info, NULL)));
    else
        connect_reply(w->call, json_object());
    waiting_free(w);
}

static void add_entry(void *ctx, const struct file_info *info) {
    struct waiting *w = ctx;
    if (json_array_append_new(w->entries, entry_json(info, NULL)) == 0 &&
        json_array_size(w->entries) <= MAX_ENTRIES)
        return;
    files_cancel(w->query);
    w->call->ctx = NULL;
    connect_fail(w->call, CONNECT_RESOURCE_EXHAUSTED, "more than %d entries: list with less depth",
                 MAX_ENTRIES);
    waiting_free(w);
}

/* Whoever asked has left. */
static void closed(struct connect_call *call) {
    struct waiting *w = call->ctx;
    if (!w)
        return;
    call->ctx = NULL;
    files_cancel(w->query);
    waiting_free(w);
}

static bool read_depth(const json_t *request, char depth[static DEPTH_TEXT], struct error *err) {
    int64_t value = 0;
    if (!json_get_int(request, "depth", 0, UINT32_MAX, &value, err))
        return false;
    snprintf(depth, DEPTH_TEXT, "%lld", (long long)MIN(value, (int64_t)FILES_MAX_DEPTH));
    return true;
}

static void ask(struct connect_call *call, const struct method *m) {
    struct error err = ERROR_INIT;
    char depth[DEPTH_TEXT];
    const char *args[4] = {"", NULL};
    size_t count = 0;
    const char *user = files_user(call->sandbox, call->user, &err);
    for (; user && count < ARRAY_LEN(m->paths) && m->paths[count]; count++) {
        args[count] = "";
        if (!json_get_string(call->request, m->paths[count], &args[count], &err))
            user = NULL;
        args[count] = files_path(call->sandbox, args[count]);
    }
    if (user && m->op == HELPER_FILE_LIST) {
        args[count++] = depth;
        if (!read_depth(call->request, depth, &err))
            user = NULL;
    }
    struct waiting *w = user ? calloc(1, sizeof(*w)) : NULL;
    if (!w) {
        if (user)
            error_set(&err, ERR_INTERNAL, "no memory");
        connect_fail_error(call, &err);
        return;
    }
    w->method = m;
    w->entries = m->op == HELPER_FILE_LIST ? json_array() : NULL;
    snprintf(w->user, sizeof(w->user), "%s", user);
    w->call = connect_hold(call);
    const struct files_request request = {
        .op = m->op,
        .user = user,
        .args = args,
        .each = w->entries ? add_entry : NULL,
        .done = done,
        .ctx = w,
    };
    w->query = files_ask(call->sandbox, &request, &err);
    if (w->query) {
        call->ctx = w;
        call->closed = closed;
        connect_deadline(call);
        return;
    }
    connect_fail_error(call, &err);
    waiting_free(w);
}

#define METHOD(name, index)                                                                        \
    static void name(struct connect_call *call) {                                                  \
        ask(call, &methods[index]);                                                                \
    }                                                                                              \
    static void serve_##name(struct call *call) {                                                  \
        connect_serve(call, CONNECT_UNARY, name);                                                  \
    }

METHOD(stat_entry, 0)
METHOD(make_dir, 1)
METHOD(move, 2)
METHOD(remove_entry, 3)
METHOD(list_dir, 4)

const struct route envd_filesystem_routes[] = {
    {"POST", "/filesystem.Filesystem/Stat", ROUTE_OPEN, serve_stat_entry},
    {"POST", "/filesystem.Filesystem/MakeDir", ROUTE_OPEN, serve_make_dir},
    {"POST", "/filesystem.Filesystem/Move", ROUTE_OPEN, serve_move},
    {"POST", "/filesystem.Filesystem/Remove", ROUTE_OPEN, serve_remove_entry},
    {"POST", "/filesystem.Filesystem/ListDir", ROUTE_OPEN, serve_list_dir},
    {0},
};
