/* SPDX-License-Identifier: Apache-2.0
 *
 * The archive may come from anybody: nothing of it lands outside of the state directory, under a
 * name that is none of ours, or as a device.
 */
#include "backend/keep/keep.h"
#include "common/tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int flags = ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
                         ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                         ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS;

static bool fail(struct archive *archive, const char *path, struct error *err) {
    const char *why = archive_error_string(archive);
    if (archive_errno(archive) == ENOSPC)
        return error_errno(err, ENOSPC, "cannot write %s", path);
    return error_set(err, ERR_INVALID, "%s: %s", path, why ? why : "no reason given");
}

/* What overlayfs writes for a file that was removed is a device, and the only one. */
static bool is_harmless(const struct archive_entry *cannot_be_const) {
    struct archive_entry *entry = (struct archive_entry *)(uintptr_t)cannot_be_const;
    const mode_t type = archive_entry_filetype(entry);
    if (type == AE_IFCHR)
        return archive_entry_rdevmajor(entry) == 0 && archive_entry_rdevminor(entry) == 0;
    return type == AE_IFREG || type == AE_IFDIR || type == AE_IFLNK || type == AE_IFIFO ||
           archive_entry_hardlink(entry);
}

static bool check(struct archive_entry *entry, struct error *err) {
    const char *path = archive_entry_pathname(entry), *link = archive_entry_hardlink(entry);
    if (!path || !keep_holds(path) || (link && !keep_holds(link)))
        return error_set(err, ERR_INVALID, "'%.200s' is no part of a state", path ? path : "");
    if (!is_harmless(entry))
        return error_set(err, ERR_INVALID, "'%.200s' is a device", path);
    return (keep_is_inside(path) || archive_entry_filetype(entry) == AE_IFDIR ||
            archive_entry_filetype(entry) == AE_IFREG) ||
           error_set(err, ERR_INVALID, "'%.200s' is no file", path);
}

static void set_owner(const struct keep *keep, struct archive_entry *entry) {
    const int64_t shift = keep->shift, count = keep->id_count;
    const bool inside = keep_is_inside(archive_entry_pathname(entry));
    int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
    archive_entry_set_uname(entry, NULL);
    archive_entry_set_gname(entry, NULL);
    archive_entry_set_uid(entry, inside ? shift + (uid < count ? uid : 0) : 0);
    archive_entry_set_gid(entry, inside ? shift + (gid < count ? gid : 0) : 0);
}

static bool take_data(struct archive *tar, struct archive *disk, const char *path,
                      struct error *err) {
    const void *bytes;
    size_t len;
    int64_t at;
    int result;
    while ((result = archive_read_data_block(tar, &bytes, &len, &at)) == ARCHIVE_OK)
        if (archive_write_data_block(disk, bytes, len, at) < ARCHIVE_OK)
            return fail(disk, path, err);
    return result == ARCHIVE_EOF || fail(tar, path, err);
}

static bool take_entry(const struct keep *keep, struct archive *tar, struct archive *disk,
                       struct archive_entry *entry, struct error *err) {
    if (!check(entry, err))
        return false;
    set_owner(keep, entry);
    const char *path = archive_entry_pathname(entry);
    if (archive_write_header(disk, entry) < ARCHIVE_OK)
        return fail(disk, path, err);
    if (archive_entry_size(entry) > 0 && !take_data(tar, disk, path, err))
        return false;
    return archive_write_finish_entry(disk) >= ARCHIVE_OK || fail(disk, path, err);
}

static bool take_all(const struct keep *keep, struct archive *tar, struct archive *disk,
                     struct error *err) {
    struct archive_entry *entry;
    int result;
    while ((result = archive_read_next_header(tar, &entry)) == ARCHIVE_OK)
        if (!take_entry(keep, tar, disk, entry, err))
            return false;
    return result == ARCHIVE_EOF || fail(tar, "the archive cannot be read", err);
}

static bool check_empty(const struct keep *keep, struct error *err) {
    struct stat st;
    for (size_t i = 0; keep_names[i]; i++)
        if (fstatat(keep->state, keep_names[i], &st, AT_SYMLINK_NOFOLLOW) == 0) {
            error_set(err, ERR_CONFLICT, "there is a state already (%s)", keep_names[i]);
            return error_hint(err, "`e2b local reset` removes it; E2B_HOME chooses another place");
        }
    return true;
}

bool keep_import(const struct keep *keep, int in, struct error *err) {
    if (!check_empty(keep, err))
        return false;
    if (fchdir(keep->state) < 0)
        return error_errno(err, errno, "cannot enter the state directory");
    struct archive *tar = archive_read_new(), *disk = archive_write_disk_new();
    if (!tar || !disk)
        return error_errno(err, ENOMEM, "cannot read an archive");
    umask(0);
    archive_read_support_format_tar(tar);
    archive_read_support_filter_all(tar);
    archive_write_disk_set_options(disk, flags);
    bool ok = archive_read_open_fd(tar, in, 64 << 10) == ARCHIVE_OK ||
              fail(tar, "the archive cannot be read", err);
    ok = ok && take_all(keep, tar, disk, err);
    if (ok && archive_write_close(disk) != ARCHIVE_OK)
        ok = fail(disk, "the last directories", err);
    archive_read_free(tar);
    archive_write_free(disk);
    if (!ok)
        for (size_t i = 0; keep_names[i]; i++)
            tree_remove(keep->state, keep_names[i]);
    return ok;
}
