/* SPDX-License-Identifier: Apache-2.0
 *
 * See scratch.h. Nothing grows beyond LARGEST_FILE: an input is small, what it claims need not be.
 */
#include "tests/fuzz/scratch.h"

#include "common/tree.h"
#include "common/util.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { LARGEST_FILE = 1 << 20, BLOCK = 512, MAGIC_AT = 257, CHECKSUM_AT = 148, CHECKSUM_LEN = 8 };

static struct scratch scratch = {-1, -1, -1};
static char path[4096];

static const char *const kept[] = {".", "file", "linked", "folder", "folder/below", "folder/link"};
static struct stat before[ARRAY_LEN(kept)], top_before;
static int first_free;

void need(bool truth) {
    if (!truth)
        abort();
}

static void remove_scratch(void) {
    tree_remove(AT_FDCWD, path);
}

static void write_file(int dir, const char *name, mode_t mode) {
    cleanup_close int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    need(fd >= 0 && write(fd, name, strlen(name)) > 0 && fchmod(fd, mode) == 0);
}

static int make_dir(int above, const char *name) {
    need(mkdirat(above, name, 0755) == 0);
    int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    need(fd >= 0);
    return fd;
}

static void limit_files(void) {
    const struct rlimit limit = {LARGEST_FILE, LARGEST_FILE};
    signal(SIGXFSZ, SIG_IGN);
    need(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

const struct scratch *scratch_open(void) {
    if (scratch.top >= 0)
        return &scratch;
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof(path), "%s/e2b-fuzz.XXXXXX", tmp ? tmp : "/tmp");
    need(mkdtemp(path) && atexit(remove_scratch) == 0);
    scratch.top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    need(scratch.top >= 0);
    scratch.root = make_dir(scratch.top, "root");
    scratch.beside = make_dir(scratch.top, "beside");
    write_file(scratch.beside, "file", 0644);
    need(linkat(scratch.beside, "file", scratch.beside, "linked", 0) == 0);
    cleanup_close int folder = make_dir(scratch.beside, "folder");
    write_file(folder, "below", 0600);
    need(symlinkat("below", folder, "link") == 0);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        need(fstatat(scratch.beside, kept[i], &before[i], AT_SYMLINK_NOFOLLOW) == 0);
    need(fstat(scratch.top, &top_before) == 0);
    limit_files();
    return &scratch;
}

static int lowest_free(void) {
    int fd = fcntl(scratch.top, F_DUPFD_CLOEXEC, 3);
    need(fd >= 0);
    close(fd);
    return fd;
}

void scratch_fill_root(void) {
    char absolute[sizeof(path) + sizeof("/beside")];
    snprintf(absolute, sizeof(absolute), "%s/beside", path);
    need(tree_empty(scratch.root) && fchmod(scratch.root, 0755) == 0);
    int folder = make_dir(scratch.root, "folder");
    write_file(folder, "below", 0644);
    write_file(scratch.root, "file", 04755);
    need(symlinkat("../beside", scratch.root, "up") == 0 &&
         symlinkat("../../beside/file", folder, "up") == 0 &&
         symlinkat(absolute, scratch.root, "out") == 0);
    close(folder);
    first_free = lowest_free();
}

static void put_right(unsigned char header[static BLOCK]) {
    char digits[CHECKSUM_LEN];
    unsigned sum = 0;
    if (memcmp(header + MAGIC_AT, "ustar", 5) != 0)
        return;
    memset(header + CHECKSUM_AT, ' ', CHECKSUM_LEN);
    for (size_t i = 0; i < BLOCK; i++)
        sum += header[i];
    snprintf(digits, sizeof(digits), "%06o", sum);
    memcpy(header + CHECKSUM_AT, digits, CHECKSUM_LEN - 1);
}

int scratch_archive(const uint8_t *data, size_t size) {
    int fd = memfd_create("archive", MFD_CLOEXEC);
    need(fd >= 0);
    for (size_t at = 0; at < size; at += BLOCK) {
        unsigned char block[BLOCK] = {0};
        size_t len = MIN((size_t)BLOCK, size - at);
        memcpy(block, data + at, len);
        if (len == BLOCK)
            put_right(block);
        need(write(fd, block, len) == (ssize_t)len);
    }
    need(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

/* ---- what must not have changed ---- */

static void need_same(const struct stat *a, const struct stat *b) {
    need(a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_nlink == b->st_nlink &&
         a->st_uid == b->st_uid && a->st_gid == b->st_gid && a->st_size == b->st_size &&
         memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) == 0 &&
         memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim)) == 0);
}

void scratch_check(void) {
    struct stat now;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        need(fstatat(scratch.beside, kept[i], &now, AT_SYMLINK_NOFOLLOW) == 0);
        need_same(&before[i], &now);
    }
    need(fstat(scratch.top, &now) == 0);
    need_same(&top_before, &now);
    need(lowest_free() == first_free);
}

bool scratch_is_beside(int fd) {
    struct stat st;
    need(fstat(fd, &st) == 0);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (st.st_ino == before[i].st_ino && st.st_dev == before[i].st_dev)
            return true;
    return false;
}
