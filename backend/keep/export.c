/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/keep/keep.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

struct export {
    const struct keep *keep;
    struct archive *disk, *tar;
    struct archive_entry_linkresolver *links;
};

static bool fail(struct archive *archive, const char *what, struct error *err) {
    const char *why = archive_error_string(archive);
    if (archive_errno(archive) == ENOSPC)
        return error_errno(err, ENOSPC, "%s", what);
    return error_set(err, ERR_INTERNAL, "%s: %s", what, why ? why : "no reason given");
}

/* Holes are said in the head of the entry, and left out by the writer, but must be gone over. */
static bool pad(struct export *x, int64_t bytes, struct error *err) {
    static const char zeros[64 << 10];
    while (bytes > 0) {
        size_t piece = MIN((size_t)bytes, sizeof(zeros));
        if (archive_write_data(x->tar, zeros, piece) < 0)
            return fail(x->tar, "cannot write the archive", err);
        bytes -= (int64_t)piece;
    }
    return true;
}

static bool put_data(struct export *x, const char *path, struct error *err) {
    const void *bytes;
    size_t len;
    int64_t at, done = 0;
    int result;
    while ((result = archive_read_data_block(x->disk, &bytes, &len, &at)) == ARCHIVE_OK) {
        if (!pad(x, at - done, err))
            return false;
        if (archive_write_data(x->tar, bytes, len) < 0)
            return fail(x->tar, "cannot write the archive", err);
        done = at + (int64_t)len;
    }
    return result == ARCHIVE_EOF || (fail(x->disk, path, err) || error_wrap(err, "cannot read"));
}

static void set_owner(const struct keep *keep, struct archive_entry *entry, const char *path) {
    const int64_t shift = keep->shift;
    const bool inside = keep_is_inside(path);
    archive_entry_set_uid(entry, inside ? archive_entry_uid(entry) - shift : 0);
    archive_entry_set_gid(entry, inside ? archive_entry_gid(entry) - shift : 0);
}

static bool put_entry(struct export *x, struct archive_entry *entry, struct error *err) {
    struct archive_entry *later = NULL;
    const char *path = archive_entry_pathname(entry);
    archive_entry_linkify(x->links, &entry, &later); /* tar wants nothing later */
    if (archive_write_header(x->tar, entry) < ARCHIVE_WARN)
        return fail(x->tar, "cannot write the archive", err);
    return archive_entry_filetype(entry) != AE_IFREG || archive_entry_size(entry) <= 0 ||
           put_data(x, path, err);
}

/* "./volumes/x" as "volumes/x"; "" for the directory itself. */
static const char *relative(const char *path) {
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return strcmp(path, ".") == 0 ? "" : path;
}

static bool put_all(struct export *x, struct error *err) {
    struct archive_entry *entry = archive_entry_new();
    bool ok = true;
    int result = ARCHIVE_OK;
    while (ok && (result = archive_read_next_header2(x->disk, entry)) == ARCHIVE_OK) {
        char path[4096];
        snprintf(path, sizeof(path), "%s", relative(archive_entry_pathname(entry)));
        const bool wanted = *path && keep_holds(path) && archive_entry_filetype(entry) != AE_IFSOCK;
        if (wanted || !*path)
            archive_read_disk_descend(x->disk);
        if (wanted) {
            archive_entry_copy_pathname(entry, path);
            set_owner(x->keep, entry, path);
            ok = put_entry(x, entry, err);
        }
        archive_entry_clear(entry);
    }
    archive_entry_free(entry);
    if (ok && result != ARCHIVE_EOF)
        ok = fail(x->disk, "cannot read the state", err);
    return ok;
}

bool keep_export(const struct keep *keep, int out, struct error *err) {
    struct export x = {.keep = keep,
                       .disk = archive_read_disk_new(),
                       .tar = archive_write_new(),
                       .links = archive_entry_linkresolver_new()};
    if (!x.disk || !x.tar || !x.links)
        return error_errno(err, ENOMEM, "cannot write an archive");
    archive_read_disk_set_symlink_physical(x.disk);
    archive_read_disk_set_behavior(x.disk, ARCHIVE_READDISK_NO_ACL | ARCHIVE_READDISK_NO_FFLAGS);
    archive_write_set_format_pax_restricted(x.tar);
    archive_entry_linkresolver_set_strategy(x.links, archive_format(x.tar));
    bool ok = fchdir(keep->state) == 0 || error_errno(err, errno, "cannot enter the state");
    if (ok && archive_read_disk_open(x.disk, ".") != ARCHIVE_OK)
        ok = fail(x.disk, "cannot read the state", err);
    if (ok && archive_write_open_fd(x.tar, out) != ARCHIVE_OK)
        ok = fail(x.tar, "cannot write the archive", err);
    ok = ok && put_all(&x, err);
    if (ok && archive_write_close(x.tar) != ARCHIVE_OK)
        ok = fail(x.tar, "cannot write the archive", err);
    archive_entry_linkresolver_free(x.links);
    archive_read_free(x.disk);
    archive_write_free(x.tar);
    return ok;
}
