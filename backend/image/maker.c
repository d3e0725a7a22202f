/* SPDX-License-Identifier: Apache-2.0
 *
 * Copying walks with two directory descriptors a level, so no path is looked up twice and none can
 * grow too long; depth is bounded.
 */
#include "backend/image/maker.h"

#include "common/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 48, FIRST_PERSONAL_ID = 1000 };

static bool failed(struct error *err, const char *name) {
    return error_errno(err, errno, "cannot make %s of the base template", name);
}

/* A host file keeps a system owner that the sandbox has too; anything else becomes root's. */
static bool own_as(const struct maker *m, int dir, const char *name, const struct stat *st) {
    uid_t uid = st->st_uid < FIRST_PERSONAL_ID ? st->st_uid : 0;
    gid_t gid = st->st_gid < FIRST_PERSONAL_ID ? st->st_gid : 0;
    if ((!uid && !gid) || uid >= m->id_count || gid >= m->id_count)
        return true;
    return fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0;
}

bool maker_dir(const struct maker *m, const char *path, mode_t mode, struct error *err) {
    m->counts->entries++;
    if (mkdirat(m->dir, path, mode) < 0 && errno != EEXIST)
        return failed(err, path);
    return fchmodat(m->dir, path, mode, 0) == 0 || failed(err, path);
}

static int create(int dir, const char *name) {
    return openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool maker_file(const struct maker *m, const char *path, mode_t mode, const char *text,
                struct error *err) {
    cleanup_close int fd = create(m->dir, path);
    size_t len = strlen(text);
    m->counts->entries++;
    m->counts->bytes += len;
    return (fd >= 0 && io_write_all(fd, text, len) && fchmod(fd, mode) == 0) || failed(err, path);
}

bool maker_link(const struct maker *m, const char *path, const char *target, struct error *err) {
    m->counts->entries++;
    return symlinkat(target, m->dir, path) == 0 || failed(err, path);
}

bool maker_own(const struct maker *m, const char *path, uid_t uid, gid_t gid, struct error *err) {
    if (uid >= m->id_count || gid >= m->id_count)
        return true;
    return fchownat(m->dir, path, uid, gid, AT_SYMLINK_NOFOLLOW) == 0 || failed(err, path);
}

static bool pour(const struct maker *m, int from, int to) {
    for (;;) {
        ssize_t n = sendfile(to, from, NULL, INT_MAX & ~4095);
        if (n <= 0)
            return n == 0;
        m->counts->bytes += (uint64_t)n;
    }
}

bool maker_copy_fd(const struct maker *m, int from, const char *path, mode_t mode,
                   struct error *err) {
    cleanup_close int to = create(m->dir, path);
    m->counts->entries++;
    /* the mode last: writing takes a setuid bit away */
    return (to >= 0 && lseek(from, 0, SEEK_SET) == 0 && pour(m, from, to) &&
            fchmod(to, mode) == 0) ||
           failed(err, path);
}

struct walk {
    const struct maker *m;
    enum maker_what what;
    const char *const *except;
    dev_t dev;
    struct error *err;
};

static bool is_excepted(const struct walk *w, const char *name) {
    for (size_t i = 0; w->except && w->except[i]; i++)
        if (fnmatch(w->except[i], name, 0) == 0)
            return true;
    return false;
}

static bool copy_file(const struct walk *w, int src, const char *name, int dst, const char *as,
                      const struct stat *st) {
    if (!(st->st_mode & S_IROTH))
        return true;
    cleanup_close int from = openat(src, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0)
        return true; /* gone meanwhile, or a security module says no */
    cleanup_close int to = create(dst, as);
    w->m->counts->entries++;
    return (to >= 0 && pour(w->m, from, to) && fchmod(to, st->st_mode & 0777) == 0 &&
            own_as(w->m, dst, as, st)) ||
           failed(w->err, as);
}

static bool copy_link(const struct walk *w, int src, const char *name, int dst, const char *as) {
    char target[PATH_MAX];
    ssize_t n = readlinkat(src, name, target, sizeof(target) - 1);
    if (n < 0)
        return true;
    target[n] = '\0';
    w->m->counts->entries++;
    return symlinkat(target, dst, as) == 0 || failed(w->err, as);
}

static bool copy_entry(const struct walk *w, int src, const char *name, int dst, const char *as,
                       int depth);

static bool copy_entries(const struct walk *w, DIR *entries, int to, int depth) {
    const struct dirent *entry;
    while ((entry = readdir(entries))) {
        const char *name = entry->d_name;
        if (!strcmp(name, ".") || !strcmp(name, "..") || is_excepted(w, name))
            continue;
        if (w->what == MAKER_DIRECTORIES && entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
            continue;
        if (!copy_entry(w, dirfd(entries), name, to, name, depth + 1))
            return false;
    }
    return true;
}

static bool copy_dir(const struct walk *w, int src, const char *name, int dst, const char *as,
                     int depth) {
    struct stat st;
    int from = openat(src, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 || fstat(from, &st) < 0 || !(st.st_mode & S_IROTH) || depth > MAX_DEPTH) {
        if (from >= 0)
            close(from);
        return true;
    }
    DIR *entries = fdopendir(from); /* owns it from here */
    w->m->counts->entries++;
    if (!entries || (mkdirat(dst, as, 0700) < 0 && errno != EEXIST)) {
        if (entries)
            closedir(entries);
        return failed(w->err, as);
    }
    cleanup_close int to = openat(dst, as, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool done = to >= 0 || failed(w->err, as);
    if (done && st.st_dev == w->dev) /* a mount point stays empty: an overlay does not show it */
        done = copy_entries(w, entries, to, depth);
    closedir(entries);
    return done && ((own_as(w->m, dst, as, &st) && fchmod(to, st.st_mode & 07777) == 0) ||
                    failed(w->err, as));
}

static bool copy_entry(const struct walk *w, int src, const char *name, int dst, const char *as,
                       int depth) {
    struct stat st;
    if (fstatat(src, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return true;
    if (S_ISDIR(st.st_mode))
        return copy_dir(w, src, name, dst, as, depth);
    if (w->what == MAKER_DIRECTORIES)
        return true;
    if (S_ISLNK(st.st_mode))
        return copy_link(w, src, name, dst, as);
    return !S_ISREG(st.st_mode) || copy_file(w, src, name, dst, as, &st);
}

bool maker_copy(const struct maker *m, const char *from, const char *path, enum maker_what what,
                const char *const *except, struct error *err) {
    struct stat st;
    if (lstat(from, &st) < 0)
        return true;
    struct walk w = {.m = m, .what = what, .except = except, .dev = st.st_dev, .err = err};
    return copy_entry(&w, AT_FDCWD, from, m->dir, path, 0);
}
