/* SPDX-License-Identifier: Apache-2.0
 *
 * One layer onto those below it. Every directory on the way is looked up by the kernel with the
 * target as its root (RESOLVE_IN_ROOT), so neither `..` nor a link leads out; the last part of a
 * name is never followed. Devices and pipes are left out, as are attributes that mean something to
 * overlayfs.
 */
#include "backend/unpack/unpack.h"
#include "common/tree.h"
#include "common/within.h"

#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define WHITEOUT ".wh."
#define OPAQUE   ".wh..wh..opq"

struct layer {
    int root;
    struct archive *archive, *filter;
    struct unpack_counts *counts;
    struct error *err;
    bool single_id; /* files can belong to root alone */
    struct made made;
};

/* An entry that is being made: its directory, and its name in there. */
struct place {
    int dir;
    const char *name;
};

static int open_in(int root, const char *path) {
    return open_within(root, path, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/* Makes what is missing of it, name by name: looking at whole paths would take time that grows with
 * the square of their depth, and through links they can be deep. */
static int make_parents(int root, char *path) {
    const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int dir = open_in(root, "");
    for (char *name = path; dir >= 0 && *name;) {
        size_t len = strcspn(name, "/");
        char after = name[len];
        name[len] = '\0';
        int next = openat(dir, name, flags);
        if (next < 0 && errno == ENOTDIR)
            next = open_in(root, path); /* a link */
        else if (next < 0 && errno == ENOENT && mkdirat(dir, name, 0755) == 0)
            next = openat(dir, name, flags);
        name[len] = after;
        name += len + (after == '/');
        close_fd(&dir);
        dir = next;
    }
    return dir;
}

static int open_parents(int root, char *path) {
    int dir = open_in(root, path);
    return dir < 0 && errno == ENOENT ? make_parents(root, path) : dir;
}

/* "./a//b/" as "a/b"; false for what climbs or is too long. */
static bool clean(const char *from, char to[static PATH_MAX]) {
    size_t used = 0;
    while (*from) {
        size_t len = strcspn(from, "/");
        if (len == 2 && strncmp(from, "..", 2) == 0)
            return false;
        if (len > NAME_MAX || used + len + 2 > PATH_MAX)
            return false;
        if (len && !(len == 1 && *from == '.')) {
            if (used)
                to[used++] = '/';
            memcpy(to + used, from, len);
            used += len;
        }
        from += len + (from[len] == '/');
    }
    to[used] = '\0';
    return true;
}

static bool fail(struct layer *l, const char *path) {
    return error_errno(l->err, errno, "cannot unpack %.300s", path);
}

/* `path` is changed: it ends at its directory then. */
static bool find_place(struct layer *l, char *path, struct place *place) {
    char *slash = strrchr(path, '/');
    place->name = slash ? slash + 1 : path;
    if (slash)
        *slash = '\0';
    place->dir = slash ? open_parents(l->root, path) : open_in(l->root, "");
    return place->dir >= 0 || fail(l, path);
}

/* ---- whiteouts ---- */

static bool apply_whiteout(struct layer *l, const struct place *place) {
    const char *hidden = place->name + strlen(WHITEOUT);
    if (strcmp(place->name, OPAQUE) == 0)
        return made_hide_below(&l->made, place->dir) || fail(l, place->name);
    if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
        return error_set(l->err, ERR_INVALID, "'%s' hides nothing", place->name);
    return made_hide(&l->made, place->dir, hidden) || fail(l, hidden);
}

/* ---- what an entry has ---- */

static bool is_wanted_attribute(const char *name) {
    return strcmp(name, "security.capability") == 0 ||
           (strncmp(name, "user.", 5) == 0 && strncmp(name, "user.overlay.", 13) != 0);
}

/* A file system may have no room for them, or a single id no right to them: it goes without. */
static void set_attributes(int fd, struct archive_entry *entry) {
    const char *name;
    const void *value;
    size_t size;
    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
        if (is_wanted_attribute(name))
            (void)fsetxattr(fd, name, value, size, 0);
}

static bool own(const struct layer *l, const struct place *place, struct archive_entry *entry) {
    int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
    if (l->single_id || uid < 0 || uid > 65535 || gid < 0 || gid > 65535)
        uid = gid = 0;
    return fchownat(place->dir, place->name, (uid_t)uid, (gid_t)gid, AT_SYMLINK_NOFOLLOW) == 0;
}

static void set_time(const struct place *place, struct archive_entry *entry) {
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = archive_entry_mtime(entry), .tv_nsec = archive_entry_mtime_nsec(entry)}};
    utimensat(place->dir, place->name, times, AT_SYMLINK_NOFOLLOW);
}

/* ---- kinds of entries ---- */

static bool write_data(struct layer *l, int fd) {
    const void *bytes;
    size_t len;
    la_int64_t offset;
    int result;
    while ((result = archive_read_data_block(l->archive, &bytes, &len, &offset)) == ARCHIVE_OK) {
        if (!unpack_count(l->counts, l->filter, (int64_t)len, l->err))
            return false;
        for (size_t done = 0; done < len;) {
            ssize_t n = pwrite(fd, (const char *)bytes + done, len - done, offset + (off_t)done);
            if (n < 0)
                return error_errno(l->err, errno, "cannot write");
            done += (size_t)n;
        }
    }
    return result == ARCHIVE_EOF || unpack_fail(l->archive, l->err);
}

static bool remove_old(const struct place *place) {
    struct stat st;
    return fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
           tree_remove(place->dir, place->name);
}

static bool make_file(struct layer *l, const struct place *place, struct archive_entry *entry) {
    if (archive_entry_size(entry) > unpack_max_bytes)
        return error_set(l->err, ERR_TOO_LARGE, "%.300s is larger than %lld GB", place->name,
                         (long long)unpack_max_bytes >> 30);
    cleanup_close int fd =
        openat(place->dir, place->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(l, place->name);
    if (!write_data(l, fd))
        return error_wrap(l->err, "%.300s", place->name);
    if (archive_entry_size_is_set(entry) && ftruncate(fd, archive_entry_size(entry)) < 0)
        return fail(l, place->name); /* the end of a sparse one */
    if (!own(l, place, entry) || fchmod(fd, archive_entry_perm(entry)) < 0)
        return fail(l, place->name);
    set_attributes(fd, entry);
    set_time(place, entry);
    return true;
}

static bool make_directory(struct layer *l, const struct place *place,
                           struct archive_entry *entry) {
    struct stat st;
    bool is_there = fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_there && !S_ISDIR(st.st_mode) && unlinkat(place->dir, place->name, 0) < 0)
        return fail(l, place->name);
    if ((!is_there || !S_ISDIR(st.st_mode)) && mkdirat(place->dir, place->name, 0700) < 0)
        return fail(l, place->name);
    cleanup_close int fd =
        openat(place->dir, place->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || !own(l, place, entry) || fchmod(fd, archive_entry_perm(entry)) < 0)
        return fail(l, place->name);
    set_attributes(fd, entry);
    return true;
}

static bool make_hard_link(struct layer *l, const struct place *place, const char *target) {
    char path[PATH_MAX];
    struct place from = {.dir = -1};
    if (!clean(target, path) || !*path)
        return error_set(l->err, ERR_INVALID, "%.300s is a link to '%.300s', which climbs",
                         place->name, target);
    bool ok =
        find_place(l, path, &from) &&
        (linkat(from.dir, from.name, place->dir, place->name, 0) == 0 || fail(l, place->name));
    close_fd(&from.dir);
    return ok;
}

static bool make_entry(struct layer *l, const struct place *place, struct archive_entry *entry) {
    const char *target = archive_entry_hardlink(entry);
    if (!target && archive_entry_filetype(entry) == AE_IFDIR)
        return make_directory(l, place, entry);
    if (!target && archive_entry_filetype(entry) != AE_IFREG &&
        archive_entry_filetype(entry) != AE_IFLNK)
        return true; /* devices are made by whoever runs the sandbox; pipes and sockets by programs
                      */
    if (!remove_old(place))
        return fail(l, place->name);
    if (target)
        return make_hard_link(l, place, target);
    if (archive_entry_filetype(entry) == AE_IFREG)
        return make_file(l, place, entry);
    target = archive_entry_symlink(entry);
    if (!target || symlinkat(target, place->dir, place->name) < 0 || !own(l, place, entry))
        return fail(l, place->name);
    set_time(place, entry);
    return true;
}

static bool unpack_entry(struct layer *l, struct archive_entry *entry) {
    const char *given = archive_entry_pathname(entry);
    char path[PATH_MAX];
    struct place place = {.dir = -1};
    if (++l->counts->entries > UNPACK_MAX_ENTRIES)
        return error_set(l->err, ERR_TOO_LARGE, "the image has more than %d files",
                         UNPACK_MAX_ENTRIES);
    if (!given || !clean(given, path))
        return error_set(l->err, ERR_INVALID, "the archive holds the path '%.300s'",
                         given ? given : "");
    if (!*path)
        return true; /* the root itself */
    if (!find_place(l, path, &place))
        return false;
    bool ok = strncmp(place.name, WHITEOUT, strlen(WHITEOUT)) == 0
                  ? apply_whiteout(l, &place)
                  : make_entry(l, &place, entry) &&
                        (made_add(&l->made, l->root, place.dir, place.name) || fail(l, path));
    close_fd(&place.dir);
    return ok;
}

static bool has_single_id(int root) {
    return fchownat(root, ".", 0, 1, 0) < 0 || fchownat(root, ".", 0, 0, 0) < 0;
}

static bool is_empty(int root) {
    int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    int count = 0;
    while (stream && count < 3 && readdir(stream))
        count++;
    if (stream)
        closedir(stream);
    return stream && count < 3;
}

static bool unpack_entries(struct layer *l) {
    struct archive_entry *entry;
    int result = ARCHIVE_OK;
    bool ok = true;
    while (ok && (result = archive_read_next_header(l->archive, &entry)) >= ARCHIVE_WARN &&
           result != ARCHIVE_EOF)
        ok = unpack_entry(l, entry);
    return ok && (result == ARCHIVE_EOF || unpack_fail(l->archive, l->err));
}

bool unpack_layer(int root, const struct unpack_layer *layer, struct unpack_counts *counts,
                  struct error *err) {
    struct layer l = {.root = root, .counts = counts, .err = err, .single_id = has_single_id(root)};
    struct stream stream;
    l.made.is_off = is_empty(root);
    bool ok = stream_open(&stream, layer, err);
    l.archive = stream.archive;
    l.filter = stream.filter;
    ok = ok && unpack_entries(&l) && stream_end(&stream, counts, err);
    if (!ok)
        stream_blame(&stream, err);
    counts->read += stream.filter ? archive_filter_bytes(stream.filter, -1) : 0;
    stream_close(&stream);
    free(l.made.inodes);
    return ok;
}
