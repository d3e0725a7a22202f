/* SPDX-License-Identifier: Apache-2.0
 *
 * See files_watch.h: nodes and places.
 */
#include "backend/agent/files_watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

enum {
    MASK = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_MOVE_SELF | IN_ATTRIB | IN_MODIFY |
           IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR,
};

static struct node **bucket(struct watching *w, int wd) {
    return &w->buckets[(unsigned)wd % NODE_BUCKETS];
}

struct node *watching_find(struct watching *w, int wd) {
    struct node *n = *bucket(w, wd);
    while (n && n->wd != wd)
        n = n->next;
    return n;
}

static void place_free(struct place *p) {
    free(p->below);
    free(p);
}

void watching_drop_node(struct watching *w, struct node *node) {
    for (struct node **at = bucket(w, node->wd); *at; at = &(*at)->next)
        if (*at == node) {
            *at = node->next;
            break;
        }
    for (struct place *p; (p = node->places);) {
        node->places = p->next;
        place_free(p);
    }
    free(node->seen);
    free(node);
}

/* Where `watch` meets `node`, or NULL. */
static struct place *place_of(const struct node *node, const struct watch *watch) {
    for (struct place *p = node->places; p; p = p->next)
        if (p->watch == watch)
            return p;
    return NULL;
}

static bool path_of(const struct place *p, const char *name, char path[static PATH_MAX]) {
    const char *root = strcmp(p->watch->root, "/") == 0 ? "" : p->watch->root;
    int n = snprintf(path, PATH_MAX, "%s%s%s%s%s", root, *p->below ? "/" : "", p->below,
                     *name ? "/" : "", name);
    if (n == 0)
        snprintf(path, PATH_MAX, "/");
    return n >= 0 && n < PATH_MAX;
}

/* The node of the directory at `path`, new or known. NULL and errno on failure. */
static struct node *node_at(struct watching *w, const char *path, uint32_t more) {
    int wd = inotify_add_watch(w->inotify, path, MASK | more);
    if (wd < 0)
        return NULL;
    struct node *node = watching_find(w, wd);
    if (node)
        return node;
    node = calloc(1, sizeof(*node));
    if (!node)
        return NULL;
    node->wd = wd;
    node->next = *bucket(w, wd);
    *bucket(w, wd) = node;
    return node;
}

static struct place *add_place(struct node *node, struct watch *watch, const char *above,
                               const char *name) {
    struct place *p = calloc(1, sizeof(*p));
    size_t room = strlen(above) + strlen(name) + 2;
    if (!p || !(p->below = malloc(room))) {
        free(p);
        return NULL;
    }
    snprintf(p->below, room, "%s%s%s", above, *above && *name ? "/" : "", name);
    p->watch = watch;
    p->next = node->places;
    node->places = p;
    return p;
}

/* Vanished, replaced or forbidden while we were looking: nothing to watch. */
static bool is_harmless(int error) {
    return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP;
}

static bool is_dir(const char *parent, const struct dirent *e, char path[static PATH_MAX]) {
    struct stat st;
    int n = snprintf(path, PATH_MAX, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, e->d_name);
    if (n < 0 || n >= PATH_MAX || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
        return false;
    return e->d_type == DT_DIR ||
           (e->d_type == DT_UNKNOWN && lstat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

/* All directories below `path`, which the watch meets at `below`. */
static int plant_below(struct watching *w, struct watch *watch, const char *path,
                       const char *below) {
    char child[PATH_MAX];
    int error = 0;
    DIR *dir = opendir(path);
    if (!dir)
        return is_harmless(errno) ? 0 : errno;
    for (struct dirent *e; !error && (e = readdir(dir));) {
        if (!is_dir(path, e, child))
            continue;
        struct node *node = node_at(w, child, IN_DONT_FOLLOW);
        if (!node) {
            error = is_harmless(errno) ? 0 : errno;
            continue;
        }
        struct place *p = place_of(node, watch) ? NULL : add_place(node, watch, below, e->d_name);
        if (p)
            error = plant_below(w, watch, child, p->below);
    }
    closedir(dir);
    return error;
}

int watching_plant(struct watching *w, struct watch *watch) {
    struct node *node = node_at(w, watch->root, 0);
    if (!node || !add_place(node, watch, "", ""))
        return errno;
    return watch->flags & WATCH_RECURSIVE ? plant_below(w, watch, watch->root, "") : 0;
}

/* ---- directories that appear ---- */

static void remember(struct node *node, const char *name) {
    size_t len = strlen(name) + 1;
    if (node->seen_len + len > SEEN_MAX)
        return; /* then it may be told twice */
    char *seen = realloc(node->seen, node->seen_len + len);
    if (!seen)
        return;
    memcpy(seen + node->seen_len, name, len);
    node->seen = seen;
    node->seen_len += len;
}

bool watching_was_seen(struct watching *w, struct node *node, const char *name) {
    if (node->seen && w->position > node->seen_until) {
        free(node->seen);
        node->seen = NULL;
        node->seen_len = 0;
    }
    for (size_t at = 0; at < node->seen_len; at += strlen(node->seen + at) + 1)
        if (strcmp(node->seen + at, name) == 0) {
            /* Once: it may be created again. '/' is in no name. */
            memset(node->seen + at, '/', strlen(name));
            return true;
        }
    return false;
}

/* Tells of what is in a directory that has just come under inotify, and goes on below. */
static void scan(struct watching *w, struct node *node, const char *path) {
    char child[PATH_MAX];
    struct stat st;
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        bool sub = is_dir(path, e, child);
        remember(node, e->d_name);
        watching_emit(w, node, e->d_name, FILES_EVENT_CREATE);
        if (sub)
            watching_grow(w, node, e->d_name);
        else if (lstat(child, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
            watching_emit(w, node, e->d_name, FILES_EVENT_WRITE);
    }
    closedir(dir);
    int queued = 0;
    ioctl(w->inotify, FIONREAD, &queued);
    node->seen_until = w->position + w->unread + (uint64_t)queued;
}

void watching_grow(struct watching *w, struct node *node, const char *name) {
    char path[PATH_MAX];
    struct node *child = NULL;
    bool fresh = false;
    for (struct place *p = node->places; p; p = p->next) {
        if (!(p->watch->flags & WATCH_RECURSIVE) || !path_of(p, name, path))
            continue;
        if (!child && !(child = node_at(w, path, IN_DONT_FOLLOW))) {
            if (!is_harmless(errno))
                files_tell(w->job, FILES_SYSTEM, errno, p->watch->id, "");
            continue;
        }
        if (!place_of(child, p->watch))
            fresh |= add_place(child, p->watch, p->below, name) != NULL;
    }
    if (fresh)
        scan(w, child, path);
}

/* ---- directories that go ---- */

static bool is_below(const char *path, const char *top, size_t len) {
    return !len || (strncmp(path, top, len) == 0 && (path[len] == '/' || !path[len]));
}

/* Removes the places of `watch` at and below `top`; nodes without places leave inotify. */
static void remove_places(struct watching *w, const struct watch *watch, const char *top) {
    size_t len = strlen(top);
    for (size_t b = 0; b < NODE_BUCKETS; b++) {
        for (struct node *n = w->buckets[b], *next; n; n = next) {
            next = n->next;
            for (struct place **at = &n->places; *at;) {
                struct place *p = *at;
                if (p->watch != watch || !is_below(p->below, top, len)) {
                    at = &p->next;
                    continue;
                }
                *at = p->next;
                place_free(p);
            }
            if (!n->places) {
                inotify_rm_watch(w->inotify, n->wd);
                watching_drop_node(w, n);
            }
        }
    }
}

void watching_prune(struct watching *w, struct node *node, const char *name) {
    /* A watch is met at most once in a node, and the node itself is never below `name`. */
    for (struct place *p = node->places; p; p = p->next) {
        char top[PATH_MAX];
        int n = snprintf(top, sizeof(top), "%s%s%s", p->below, *p->below ? "/" : "", name);
        if (n >= 0 && (size_t)n < sizeof(top) && p->watch->flags & WATCH_RECURSIVE)
            remove_places(w, p->watch, top);
    }
}

void watching_remove(struct watching *w, struct watch *watch) {
    remove_places(w, watch, "");
    for (struct watch **at = &w->watches; *at; at = &(*at)->next)
        if (*at == watch) {
            *at = watch->next;
            break;
        }
    free(watch->root);
    free(watch);
}
