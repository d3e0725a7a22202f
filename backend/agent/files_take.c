/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of another sandbox, whose root directory is passed to us: looked up with that as the root,
 * so that neither ".." nor a link leads out of it, and copied into this one.
 */
#include "backend/agent/copy.h"
#include "backend/agent/files_job.h"
#include "backend/agent/mode.h"
#include "common/io.h"
#include "common/tree.h"
#include "common/within.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct taking {
    struct files_job *job;
    int root; /* of the other sandbox */
    struct copy_merge merge;
    char dest[FILES_PATH];
    bool into;      /* the destination is a directory */
    size_t matches; /* of the pattern, so far */
};

/* A message whose descriptor is all that counts; -1. */
static int receive_fd(int sock) {
    struct helper_reply reply;
    struct pollfd word = {.fd = sock, .events = POLLIN};
    int fd = -1;
    size_t count = 1;
    ssize_t n =
        poll(&word, 1, -1) == 1 ? io_recv_fds(sock, &reply, sizeof(reply), &fd, &count, 0) : -1;
    if (n <= 0 || !count) {
        errno = EPIPE;
        return -1;
    }
    return fd;
}

static int receive_root(int sock) {
    int other = receive_fd(sock);
    int root = other < 0 ? -1 : receive_fd(other);
    close_fd(&other);
    return root;
}

/* ---- what is asked for ---- */

/* A number need not be anybody's; without a group it is the user's own, or has the same number. */
static bool find_owner(struct taking *t, const char *text) {
    struct user user;
    char name[USERS_NAME];
    size_t len = strcspn(text, ":");
    const char *group = text[len] ? text + len + 1 : NULL;
    if (!*text)
        return true;
    if (len >= sizeof(name))
        return false;
    snprintf(name, sizeof(name), "%.*s", (int)len, text);
    t->merge.has_owner = true;
    bool found = users_find(name, &user);
    if (found)
        t->merge.uid = user.uid;
    else if (!users_number(name, &t->merge.uid))
        return false;
    t->merge.gid = found ? user.gid : t->merge.uid;
    return !group || users_find_group(group, &t->merge.gid);
}

static bool find_mode(struct taking *t, const char *text) {
    mode_t any = 0;
    t->merge.mode = text;
    return !*text || mode_apply(text, &any);
}

static bool is_directory(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- one match ---- */

static int open_source(const struct taking *t, const char *path, int flags) {
    return open_within(t->root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

static bool fail(const struct taking *t, const char *path) {
    files_fail(t->job, FILES_SYSTEM, errno, path);
    return false;
}

static bool merge_directory(const struct taking *t, int from) {
    char links[] = ".e2b-copy-XXXXXX", path[FILES_PATH + sizeof(links)];
    const bool is_new = !is_directory(t->dest);
    if (!files_make_dirs(t->job, t->dest))
        return false;
    snprintf(path, sizeof(path), "%s/%s", t->dest, links);
    cleanup_close int to = open(t->dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to < 0 || !mkdtemp(path))
        return fail(t, t->dest);
    cleanup_close int kept = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = kept >= 0 && copy_tree(from, to, kept, &t->merge) ? 0 : errno;
    if (!tree_remove(AT_FDCWD, path) && !error)
        error = errno;
    if (!error && (!is_new || copy_dress(from, to, &t->merge)))
        return true;
    if (error)
        errno = error;
    return fail(t, t->dest);
}

static bool copy_file(const struct taking *t, int from, const char *name) {
    char path[FILES_PATH + 256];
    snprintf(path, sizeof(path), "%s%s%s", t->dest, t->into ? "/" : "", t->into ? name : "");
    if (!files_make_parents(t->job, path))
        return false;
    char *slash = strrchr(path, '/');
    *slash = '\0';
    cleanup_close int to = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (to >= 0 && copy_one(from, to, slash + 1, &t->merge)) || fail(t, t->dest);
}

/* Without the slashes at its end. */
static const char *last_name(const char *path, char name[static 256]) {
    size_t end = strlen(path);
    while (end && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start && path[start - 1] != '/')
        start--;
    snprintf(name, 256, "%.*s", (int)(end - start), path + start);
    return name;
}

/* A link is what it leads to. */
static bool take_one(struct taking *t, const char *path) {
    char name[256];
    struct stat st;
    cleanup_close int found = open_source(t, path, O_PATH);
    if (found < 0 && (errno == ENOENT || errno == ENOTDIR))
        return true;
    if (found < 0 || fstat(found, &st) < 0)
        return fail(t, path);
    if (t->matches++ && !t->into) {
        files_fail(t->job, FILES_NO_DIRECTORY, ENOTDIR, t->dest);
        return false;
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        files_fail(t->job, FILES_NOT_REGULAR, EINVAL, path);
        return false;
    }
    cleanup_close int from = open_source(t, path, O_RDONLY | O_NONBLOCK);
    if (from < 0)
        return fail(t, path);
    return S_ISDIR(st.st_mode) ? merge_directory(t, from)
                               : copy_file(t, from, last_name(path, name));
}

/* ---- the pattern ---- */

static bool expand(struct taking *t, const char *done, const char *rest);

static int is_name(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static bool expand_in(struct taking *t, const char *done, const char *part, const char *rest) {
    char path[FILES_PATH], at[32];
    struct dirent **names;
    cleanup_close int dir = open_source(t, *done ? done : "/", O_RDONLY | O_DIRECTORY);
    snprintf(at, sizeof(at), "/proc/self/fd/%d", dir);
    int count = dir < 0 ? 0 : scandir(at, &names, is_name, alphasort);
    bool ok = count >= 0 || fail(t, done);
    for (int i = 0; i < count; i++) {
        const char *name = names[i]->d_name;
        bool fits = ok && fnmatch(part, name, 0) == 0;
        if (fits && snprintf(path, sizeof(path), "%s/%s", done, name) < (int)sizeof(path))
            ok = *rest ? expand(t, path, rest) : take_one(t, path);
        free(names[i]);
    }
    if (count > 0)
        free(names);
    return ok;
}

/* `done` has no pattern any more. */
static bool expand(struct taking *t, const char *done, const char *rest) {
    char path[FILES_PATH], part[256];
    rest += strspn(rest, "/");
    size_t len = strcspn(rest, "/"), plain = strcspn(rest, "*?[\\");
    if (plain >= strlen(rest)) {
        snprintf(path, sizeof(path), "%s/%s", done, rest);
        return take_one(t, path);
    }
    if (len >= sizeof(part))
        return true; /* no file has such a name */
    if (plain < len) {
        snprintf(part, sizeof(part), "%.*s", (int)len, rest);
        return expand_in(t, done, part, rest + len);
    }
    snprintf(path, sizeof(path), "%s/%.*s", done, (int)len, rest);
    return expand(t, path, rest + len);
}

void files_take(struct files_job *job) {
    struct taking t = {.job = job, .root = receive_root(job->sock)};
    char *const *args = job->args;
    if (t.root < 0) {
        files_fail(job, FILES_SYSTEM, errno, NULL);
        return;
    }
    if (!files_argument(job, 1, t.dest))
        return;
    if (!find_owner(&t, args[2])) {
        files_fail(job, FILES_NO_USER, EINVAL, NULL);
        return;
    }
    if (!find_mode(&t, args[3])) {
        files_fail(job, FILES_SYSTEM, EINVAL, NULL);
        return;
    }
    /* what is made on the way there */
    job->user.uid = t.merge.has_owner ? t.merge.uid : 0;
    job->user.gid = t.merge.has_owner ? t.merge.gid : 0;
    size_t len = strlen(args[1]);
    t.into = (len && args[1][len - 1] == '/') || is_directory(t.dest);
    for (len = strlen(t.dest); len > 1 && t.dest[len - 1] == '/'; len--)
        t.dest[len - 1] = '\0';
    if (!expand(&t, "", args[0]))
        return;
    if (t.matches)
        files_done(job, -1);
    else
        files_fail(job, FILES_MISSING, ENOENT, args[0]);
}
