/* SPDX-License-Identifier: Apache-2.0
 *
 * Listing: every directory sorted by name, each entry before what is in it, symlinks not descended.
 * Entries carry the path that was asked for, also where that led through symlinks.
 */
#include "backend/agent/files_job.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 64 << 20 }; /* bytes of the names in one directory */

struct names {
    char *bytes; /* NUL-terminated one behind the other */
    size_t len, cap;
    char **sorted;
    size_t count;
};

static void names_free(struct names *n) {
    free(n->bytes);
    free(n->sorted);
}

static int names_add(struct names *n, const char *name) {
    size_t len = strlen(name) + 1;
    if (n->len + len > n->cap) {
        size_t cap = n->cap ? 2 * n->cap : 4096;
        char *bytes = cap > MAX_NAMES ? NULL : realloc(n->bytes, cap);
        if (!bytes)
            return cap > MAX_NAMES ? EOVERFLOW : ENOMEM;
        n->bytes = bytes;
        n->cap = cap;
    }
    memcpy(n->bytes + n->len, name, len);
    n->len += len;
    n->count++;
    return 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_sort(struct names *n) {
    n->sorted = malloc((n->count + 1) * sizeof(*n->sorted));
    if (!n->sorted)
        return ENOMEM;
    char *at = n->bytes;
    for (size_t i = 0; i < n->count; i++, at += strlen(at) + 1)
        n->sorted[i] = at;
    qsort(n->sorted, n->count, sizeof(*n->sorted), by_name);
    return 0;
}

static int names_read(struct names *n, const char *path) {
    DIR *dir = opendir(path);
    if (!dir)
        return errno;
    int error = 0;
    for (struct dirent *e; !error && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            error = names_add(n, e->d_name);
    closedir(dir);
    return error ? error : names_sort(n);
}

struct listing {
    struct files_job *job;
    char real[PATH_MAX]; /* where it is */
    char shown[FILES_PATH];
};

/* Appends "/name"; returns the length before, to cut it off again; -1: too long. */
static ssize_t push(char *path, size_t room, const char *name) {
    size_t len = strlen(path);
    const char *slash = len && path[len - 1] == '/' ? "" : "/";
    int n = snprintf(path + len, room - len, "%s%s", slash, name);
    if (n >= 0 && (size_t)n < room - len)
        return (ssize_t)len;
    path[len] = '\0';
    return -1;
}

static int list_dir(struct listing *l, long depth);

static int list_entry(struct listing *l, const char *name, long depth) {
    struct stat st;
    int error = 0;
    ssize_t real_len = push(l->real, sizeof(l->real), name);
    if (real_len < 0)
        return 0; /* no request could name it */
    ssize_t shown_len = push(l->shown, sizeof(l->shown), name);
    if (shown_len >= 0 && lstat(l->real, &st) == 0) {
        files_add(l->job, l->real, &st, &(struct files_label){.shown = l->shown});
        if (S_ISDIR(st.st_mode) && depth > 1)
            error = list_dir(l, depth - 1);
    }
    if (shown_len >= 0)
        l->shown[shown_len] = '\0';
    l->real[real_len] = '\0';
    /* What vanished meanwhile is not listed; what cannot be entered is listed and not entered. */
    return error == ENOENT || error == EACCES ? 0 : error;
}

static int list_dir(struct listing *l, long depth) {
    struct names names = {0};
    int error = names_read(&names, l->real);
    for (size_t i = 0; !error && i < names.count; i++)
        error = list_entry(l, names.sorted[i], depth);
    names_free(&names);
    return error;
}

void files_list(struct files_job *job) {
    static struct listing l;
    struct stat st;
    l.job = job;
    if (!files_argument(job, 0, l.shown))
        return;
    long depth = strtol(job->args[1], NULL, 10);
    if (depth < 1 || depth > FILES_MAX_DEPTH)
        depth = depth < 1 ? 1 : FILES_MAX_DEPTH;
    if (!realpath(l.shown, l.real) || stat(l.real, &st) < 0) {
        files_fail_errno(job, errno, l.shown);
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        files_fail(job, FILES_NO_DIRECTORY, ENOTDIR, l.real);
        return;
    }
    files_clean(l.shown);
    int error = list_dir(&l, depth);
    if (error)
        files_fail(job, FILES_SYSTEM, error, l.shown);
    else
        files_done(job, -1);
}
