/* SPDX-License-Identifier: Apache-2.0
 *
 * What a layer may hold: limits, and what is left out or kept of an entry. Each harm is shown to be
 * one: libarchive alone, told to do as the archive says, does it in the directory `control`.
 */
#include "backend/unpack/unpack.h"
#include "common/tree.h"
#include "tests/unit/unit.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static bool is_root; /* of the machine */
static char top[PATH_MAX];
static int root, control;
static struct error err;
static struct unpack_counts counts;

static int make_dir(const char *name) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/%s", top, name);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void setup(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(top, sizeof(top), "%s/unpack.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(top));
    root = make_dir("root");
    control = make_dir("control");
    err = (struct error)ERROR_INIT;
    counts = (struct unpack_counts){0};
}

static void teardown(void) {
    close_fd(&root);
    close_fd(&control);
    ck_assert(tree_remove(AT_FDCWD, top));
}

/* ---- archives ---- */

static struct archive *writer;
static int layer;

static void begin(void) {
    layer = memfd_create("layer", MFD_CLOEXEC);
    writer = archive_write_new();
    archive_write_set_format_pax(writer);
    ck_assert_int_eq(archive_write_open_fd(writer, layer), ARCHIVE_OK);
}

static struct archive_entry *entry_of(const char *name, unsigned type, unsigned mode) {
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, mode);
    archive_entry_set_size(entry, 0);
    return entry;
}

static void put(struct archive_entry *entry, const char *data) {
    ck_assert_int_eq(archive_write_header(writer, entry), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_data(writer, data, strlen(data)), (la_ssize_t)strlen(data));
    archive_entry_free(entry);
}

static void put_file(const char *name, const char *data) {
    struct archive_entry *entry = entry_of(name, AE_IFREG, 0644);
    archive_entry_set_size(entry, (int64_t)strlen(data));
    put(entry, data);
}

static void end(void) {
    ck_assert_int_eq(archive_write_close(writer), ARCHIVE_OK);
    archive_write_free(writer);
}

static bool unpack(void) {
    const struct unpack_layer plain = {.fd = layer};
    bool ok = unpack_layer(root, &plain, &counts, &err);
    ck_assert(ok == (err.kind == ERR_NONE));
    return ok;
}

static bool unpack_once(void) {
    bool ok = unpack();
    close_fd(&layer);
    return ok;
}

/* What libarchive makes of it, with all that it can restore. */
static void do_harm(void) {
    struct archive_entry *entry;
    ck_assert(lseek(layer, 0, SEEK_SET) == 0 && fchdir(control) == 0);
    struct archive *archive = archive_read_new();
    ck_assert(archive_read_support_format_tar(archive) == ARCHIVE_OK &&
              archive_read_open_fd(archive, layer, 10240) == ARCHIVE_OK);
    while (archive_read_next_header(archive, &entry) == ARCHIVE_OK)
        archive_read_extract(archive, entry,
                             ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_XATTR);
    archive_read_free(archive);
    ck_assert_int_eq(chdir("/"), 0);
}

static struct stat look(int dir, const char *name) {
    struct stat st;
    ck_assert_msg(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0, "%s is not there", name);
    return st;
}

static bool is_there(int dir, const char *name) {
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- whiteouts ---- */

static void put_whiteouts_late(void) {
    begin();
    put_file("same/new", "2");
    put_file("same/deep/new", "2");
    put_file("through/new", "2");
    put_file("again", "2");
    put(entry_of("empty", AE_IFDIR, 0755), "");
    put_file("same/.wh..wh..opq", "");
    put_file("real/.wh..wh..opq", "");
    put_file(".wh.again", "");
    put_file(".wh.gone", "");
    put_file("empty/.wh..wh..opq", "");
    end();
}

static void put_lower(void) {
    begin();
    put_file("same/old", "1");
    put_file("same/deep/old", "1");
    put_file("same/deeper/old", "1");
    put_file("real/old", "1");
    struct archive_entry *link = entry_of("through", AE_IFLNK, 0777);
    archive_entry_set_symlink(link, "real");
    put(link, "");
    put_file("again", "1");
    put_file("gone/old", "1");
    put_file("empty/old/er", "1");
    end();
}

/* A hostile or a careless tool may write them last. */
START_TEST(whiteouts_hide_lower_layers_alone) {
    static const char *const gone[] = {"same/old",  "same/deep/old", "same/deeper", "real/old",
                                       "empty/old", "gone",          ".wh.again"};
    static const char *const there[] = {"same/new",    "same/deep/new", "real/new",
                                        "through/new", "again",         "empty"};
    put_lower();
    ck_assert_msg(unpack_once(), "%s", err.message);
    put_whiteouts_late();
    ck_assert_msg(unpack_once(), "%s", err.message);
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        ck_assert_msg(!is_there(root, gone[i]), "%s", gone[i]);
    for (size_t i = 0; i < ARRAY_LEN(there); i++)
        ck_assert_msg(is_there(root, there[i]), "%s", there[i]);
}
END_TEST

START_TEST(whiteouts_over_nothing_hide_nothing) {
    begin();
    put_file("a/b", "1");
    put_file("a/.wh..wh..opq", "");
    put_file("a/.wh.b", "");
    end();
    ck_assert_msg(unpack_once(), "%s", err.message);
    ck_assert(is_there(root, "a/b"));
}
END_TEST

/* ---- limits ---- */

static void one_small_file(void) {
    begin();
    put_file("a", "ab");
    end();
}

START_TEST(small_layer_after_large_ones) {
    counts = (struct unpack_counts){.bytes = 2 * unpack_free_bytes, .read = unpack_free_bytes};
    one_small_file();
    ck_assert(unpack_once());
    ck_assert_int_eq(counts.bytes, 2 * unpack_free_bytes + 2);
    ck_assert_int_gt(counts.read, unpack_free_bytes);
}
END_TEST

START_TEST(too_much_for_its_size) {
    counts = (struct unpack_counts){.bytes = unpack_free_bytes - 1};
    one_small_file();
    ck_assert(!unpack());
    ck_assert_int_eq(err.kind, ERR_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(err.message, "fill a disk"));
    err = (struct error)ERROR_INIT;
    counts = (struct unpack_counts){.bytes = unpack_free_bytes - 2};
    ck_assert(unpack_once());
}
END_TEST

START_TEST(too_much_in_all) {
    counts = (struct unpack_counts){.bytes = unpack_max_bytes - 1, .read = unpack_max_bytes};
    one_small_file();
    ck_assert(!unpack());
    ck_assert_int_eq(err.kind, ERR_TOO_LARGE);
    err = (struct error)ERROR_INIT;
    counts.bytes = unpack_max_bytes - 2;
    ck_assert(unpack_once());
}
END_TEST

START_TEST(too_many_entries) {
    counts.entries = UNPACK_MAX_ENTRIES - 1;
    begin();
    put_file("a", "");
    put_file("a", "");
    end();
    ck_assert(!unpack());
    ck_assert_int_eq(err.kind, ERR_TOO_LARGE);
    err = (struct error)ERROR_INIT;
    counts.entries = UNPACK_MAX_ENTRIES - 2;
    ck_assert(unpack_once());
}
END_TEST

static void put_sparse(const char *name, int64_t size) {
    struct archive_entry *entry = entry_of(name, AE_IFREG, 0644);
    archive_entry_set_size(entry, size);
    archive_entry_sparse_add_entry(entry, 0, 1);
    put(entry, "x");
}

START_TEST(holes_take_no_room) {
    begin();
    put_sparse("holes", INT64_C(32) << 30);
    end();
    ck_assert(unpack_once());
    ck_assert_int_eq(look(root, "holes").st_size, INT64_C(32) << 30);
    ck_assert_int_lt(look(root, "holes").st_blocks, 1024);
    ck_assert_int_lt(counts.bytes, 1 << 20);
}
END_TEST

START_TEST(holes_have_a_limit) {
    begin();
    put_sparse("holes", INT64_C(1) << 40);
    end();
    ck_assert(!unpack());
    ck_assert_int_eq(err.kind, ERR_TOO_LARGE);
    ck_assert(!is_there(root, "holes"));
    do_harm();
    ck_assert_int_eq(look(control, "holes").st_size, INT64_C(1) << 40);
    close_fd(&layer);
}
END_TEST

/* Through links to what is there deeper than any path can say. */
START_TEST(deeper_than_a_path) {
    char deep[PATH_MAX - 64], name[PATH_MAX];
    enum { TIMES = 2 };
    for (size_t i = 0; i + 2 < sizeof(deep); i += 2)
        snprintf(deep + i, 3, "d/");
    begin();
    for (int i = 0; i < TIMES; i++) {
        if (i)
            snprintf(name, sizeof(name), "l%d/%s", i - 1, deep);
        else
            snprintf(name, sizeof(name), "%s", deep);
        put(entry_of(name, AE_IFDIR, 0755), "");
        char link_name[16];
        snprintf(link_name, sizeof(link_name), "l%d", i);
        struct archive_entry *link = entry_of(link_name, AE_IFLNK, 0777);
        archive_entry_set_symlink(link, name);
        put(link, "");
    }
    put_file("l1/end", "text");
    end();
    ck_assert_msg(unpack_once(), "%s", err.message);
    ck_assert_int_eq(look(root, "l1/end").st_size, 4);
}
END_TEST

/* ---- what is left out, what is kept ---- */

START_TEST(devices_are_left_out) {
    begin();
    struct archive_entry *device = entry_of("zero", AE_IFCHR, 0666);
    archive_entry_set_rdev(device, makedev(1, 5));
    put(device, "");
    put(entry_of("pipe", AE_IFIFO, 0666), "");
    put_file("after", "x");
    end();
    ck_assert(unpack());
    ck_assert(is_there(root, "after") && !is_there(root, "zero") && !is_there(root, "pipe"));
    do_harm();
    ck_assert(S_ISFIFO(look(control, "pipe").st_mode));
    if (is_root)
        ck_assert(S_ISCHR(look(control, "zero").st_mode));
    close_fd(&layer);
}
END_TEST

START_TEST(modes_are_kept) {
    begin();
    put(entry_of("su", AE_IFREG, 06755), "");
    put(entry_of("tmp", AE_IFDIR, 01777), "");
    put_file("closed/file", "x");
    put(entry_of("closed", AE_IFDIR, 0), "");
    end();
    ck_assert(unpack_once());
    ck_assert_int_eq(look(root, "su").st_mode & 07777, 06755);
    ck_assert_int_eq(look(root, "tmp").st_mode & 07777, 01777);
    ck_assert_int_eq(look(root, "closed").st_mode & 07777, 0);
}
END_TEST

/* CAP_NET_RAW in the file's permitted set, and effective. */
#define NET_RAW "\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0"

static const struct {
    const char *name, *value;
    size_t size;
    bool is_kept;
} attributes[] = {
    {"user.mine", "x", 1, true},
    {"security.capability", NET_RAW, sizeof(NET_RAW), true},
    {"user.overlay.opaque", "y", 1, false},
    {"trusted.overlay.opaque", "y", 1, false},
    {"trusted.other", "x", 1, false},
    {"security.other", "x", 1, false},
};

static bool has(int dir, const char *attribute) {
    cleanup_close int fd = openat(dir, "file", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fgetxattr(fd, attribute, NULL, 0) > 0;
}

START_TEST(attributes_of_others_are_refused) {
    struct archive_entry *entry = entry_of("file", AE_IFREG, 0644);
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        archive_entry_xattr_add_entry(entry, attributes[i].name, attributes[i].value,
                                      attributes[i].size);
    begin();
    put(entry, "");
    end();
    ck_assert(unpack());
    do_harm();
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        bool is_anybodys = strncmp(attributes[i].name, "user.", 5) == 0;
        if (!is_root && !is_anybodys)
            continue;
        ck_assert_msg(has(root, attributes[i].name) == attributes[i].is_kept, "%s",
                      attributes[i].name);
        ck_assert_msg(has(control, attributes[i].name), "%s", attributes[i].name);
    }
    close_fd(&layer);
}
END_TEST

static bool put_text(const char *path, const char *text) {
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* As the unpacker is one in the user namespace of the sandboxes. */
static bool become_root(void) {
    char uids[32], gids[32];
    snprintf(uids, sizeof(uids), "0 %u 1", geteuid());
    snprintf(gids, sizeof(gids), "0 %u 1", getegid());
    return unshare(CLONE_NEWUSER) == 0 && put_text("/proc/self/setgroups", "deny") &&
           put_text("/proc/self/uid_map", uids) && put_text("/proc/self/gid_map", gids);
}

int main(void) {
    is_root = geteuid() == 0;
    if (!is_root && !become_root()) {
        perror("cannot be the root of a user namespace");
        return 1;
    }
    TCase *all = tcase_create("unpack");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, small_layer_after_large_ones);
    tcase_add_test(all, whiteouts_hide_lower_layers_alone);
    tcase_add_test(all, whiteouts_over_nothing_hide_nothing);
    tcase_add_test(all, too_much_for_its_size);
    tcase_add_test(all, too_much_in_all);
    tcase_add_test(all, too_many_entries);
    tcase_add_test(all, holes_take_no_room);
    tcase_add_test(all, holes_have_a_limit);
    tcase_add_test(all, deeper_than_a_path);
    tcase_add_test(all, devices_are_left_out);
    tcase_add_test(all, modes_are_kept);
    tcase_add_test(all, attributes_of_others_are_refused);
    return unit_run("unpack", all);
}
