/* SPDX-License-Identifier: Apache-2.0
 *
 * The watch helper's loop: requests from the daemon on one side, inotify on the other. It ends when
 * the daemon closes its socket.
 */
#include "backend/agent/files_watch.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

/* "a" and "b" are "a/b"; the watched directory itself is ".". */
static bool join(char path[static PATH_MAX], const char *above, const char *name) {
    const char *slash = *above && *name ? "/" : "";
    int n = snprintf(path, PATH_MAX, "%s%s%s", above, slash, name);
    if (n == 0)
        strcpy(path, ".");
    return n >= 0 && n < PATH_MAX;
}

void watching_emit(struct watching *w, const struct node *node, const char *name, uint32_t event) {
    static char below[PATH_MAX], path[PATH_MAX];
    for (struct place *p = node->places; p; p = p->next) {
        struct stat st;
        if (!*name && *p->below)
            continue; /* told by the directory above it */
        if (!join(below, p->below, name) || !join(path, p->watch->root, below))
            continue;
        bool describe = p->watch->flags & WATCH_ENTRIES && event != FILES_EVENT_REMOVE &&
                        event != FILES_EVENT_RENAME && lstat(path, &st) == 0;
        files_add(w->job, path, describe ? &st : NULL,
                  &(struct files_label){.watch = p->watch->id, .event = event, .shown = below});
    }
}

/* In the order in which one kernel event that means several is told. */
static const struct {
    uint32_t mask, event;
} kinds[] = {
    {IN_CREATE | IN_MOVED_TO, FILES_EVENT_CREATE},
    {IN_MOVED_FROM | IN_MOVE_SELF, FILES_EVENT_RENAME},
    {IN_ATTRIB, FILES_EVENT_CHMOD},
    {IN_MODIFY, FILES_EVENT_WRITE},
    {IN_DELETE | IN_DELETE_SELF, FILES_EVENT_REMOVE},
};

static void tell_of(struct watching *w, struct node *node, const struct inotify_event *e,
                    const char *name) {
    if (e->mask & (IN_CREATE | IN_MOVED_TO) && watching_was_seen(w, node, name))
        return;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (e->mask & kinds[i].mask)
            watching_emit(w, node, name, kinds[i].event);
    if (!(e->mask & IN_ISDIR) || !*name)
        return;
    if (e->mask & IN_MOVED_FROM)
        watching_prune(w, node, name);
    if (e->mask & (IN_CREATE | IN_MOVED_TO))
        watching_grow(w, node, name);
}

static void drop_all(struct watching *w) {
    while (w->watches)
        watching_remove(w, w->watches);
}

static void deal_with(struct watching *w, const struct inotify_event *e) {
    if (e->mask & IN_Q_OVERFLOW) {
        files_tell(w->job, FILES_OVERFLOW, EOVERFLOW, 0, "");
        drop_all(w);
        return;
    }
    struct node *node = watching_find(w, e->wd);
    if (!node)
        return;
    if (e->mask & IN_IGNORED)
        watching_drop_node(w, node);
    else
        tell_of(w, node, e, e->len ? e->name : "");
}

static void read_events(struct watching *w) {
    static _Alignas(struct inotify_event) char bytes[64 << 10];
    ssize_t n = read(w->inotify, bytes, sizeof(bytes));
    if (n < 0)
        return;
    w->unread = (size_t)n;
    while (w->unread) {
        const struct inotify_event *e = (const void *)(bytes + (size_t)n - w->unread);
        size_t size = sizeof(*e) + e->len;
        w->unread -= size;
        w->position += size;
        deal_with(w, e);
    }
    files_flush(w->job);
}

/* ---- requests ---- */

static bool is_network(const char *path) {
    static const uint32_t network[] = {
        NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, FUSE_SUPER_MAGIC,
    };
    struct statfs fs;
    if (statfs(path, &fs) < 0)
        return false;
    for (size_t i = 0; i < sizeof(network) / sizeof(network[0]); i++)
        if ((uint32_t)fs.f_type == network[i])
            return true;
    return false;
}

/* 0 and the resolved path, or a failure with errno in *error. */
static enum files_failure find_root(const char *user, const char *text, uint32_t flags,
                                    char shown[static FILES_PATH], int *error) {
    struct user who;
    struct stat st;
    *error = EINVAL;
    if (!users_find(user, &who))
        return FILES_NO_USER;
    enum files_failure failure = files_resolve(&who, text, shown);
    if (failure)
        return failure;
    if (stat(shown, &st) < 0) {
        *error = errno;
        return errno == ENOENT || errno == ENOTDIR ? FILES_MISSING : FILES_SYSTEM;
    }
    if (!S_ISDIR(st.st_mode))
        return FILES_NO_DIRECTORY;
    return is_network(shown) && !(flags & WATCH_NETWORK) ? FILES_NETWORK : FILES_OK;
}

static void add(struct watching *w, const struct watch_request *request, const char *user,
                const char *text) {
    char shown[FILES_PATH] = "";
    int error;
    enum files_failure failure = find_root(user, text, request->flags, shown, &error);
    struct watch *watch = failure ? NULL : calloc(1, sizeof(*watch));
    if (watch) {
        watch->id = request->watch;
        watch->flags = request->flags;
        watch->root = realpath(shown, NULL);
        watch->next = w->watches;
        w->watches = watch;
        error = watch->root ? watching_plant(w, watch) : errno;
        if (error) {
            failure = FILES_SYSTEM;
            watching_remove(w, watch);
        }
    } else if (!failure) {
        failure = FILES_SYSTEM;
        error = ENOMEM;
    }
    files_tell(w->job, failure, failure ? error : 0, request->watch, shown);
}

static void drop(struct watching *w, uint32_t id) {
    for (struct watch *watch = w->watches; watch; watch = watch->next)
        if (watch->id == id) {
            watching_remove(w, watch);
            return;
        }
}

/* False: the daemon has left. */
static bool read_request(struct watching *w) {
    static char bytes[sizeof(struct watch_request) + 2 * FILES_PATH + 1];
    struct watch_request request;
    ssize_t n = recv(w->job->sock, bytes, sizeof(bytes) - 1, 0);
    if (n < 0)
        return errno == EINTR;
    if ((size_t)n < sizeof(request))
        return false;
    bytes[n] = '\0';
    memcpy(&request, bytes, sizeof(request));
    if (request.version != AGENT_PROTOCOL)
        return false;
    const char *user = bytes + sizeof(request), *end = bytes + n;
    const char *text = memchr(user, '\0', (size_t)(end - user));
    if (request.type == WATCH_REMOVE)
        drop(w, request.watch);
    else if (request.type == WATCH_ADD && text && text + 1 < end)
        add(w, &request, user, text + 1);
    return true;
}

void files_watch(struct files_job *job) {
    static struct watching w;
    w.job = job;
    w.inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w.inotify < 0) {
        files_fail(job, FILES_SYSTEM, errno, NULL);
        return;
    }
    for (;;) {
        struct pollfd fds[] = {{.fd = w.inotify, .events = POLLIN},
                               {.fd = job->sock, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        /* Events first: what happened before a request is told before its answer. */
        if (fds[0].revents)
            read_events(&w);
        if (fds[1].revents && !read_request(&w))
            break;
    }
    close(w.inotify);
}
