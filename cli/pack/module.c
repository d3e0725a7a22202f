/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over the files feeds the hash and, if there is one, the archive. The hash is that of the
 * official clients, byte for byte: the words of the COPY, then path, mode in decimal, size in
 * decimal and content of everything, with nothing in between.
 *
 * Nothing in the archive tells when, where or by whom it was made: the owner is root, the time
 * 1980-01-01, the first that every format can say. Names are written as the bytes that they are.
 */
#include "cli/pack/members.h"
#include "cli/pack/pack.h"
#include "common/io.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { READ_SIZE = 256 << 10, LINK_MAX_LEN = 4096 };

static const time_t FIXED_TIME = 315532800;

struct pass {
    const struct tree *tree;
    const struct pack_watch *watch;
    EVP_MD_CTX *digest;
    struct archive *archive; /* NULL: only the hash is wanted */
    struct archive_entry *entry;
    struct members *members;
    struct error failure; /* of a write that libarchive asked for */
    bool over;            /* nothing is written any more */
    char *bytes;          /* READ_SIZE */
};

static bool out_of_memory(struct error *err) {
    return error_errno(err, ENOMEM, "cannot pack files");
}

static bool archive_failed(struct pass *p, const char *path, struct error *err) {
    if (p->failure.kind != ERR_NONE) {
        *err = p->failure;
        return false;
    }
    return error_set(err, ERR_INTERNAL, "cannot pack %s: %s", path,
                     archive_error_string(p->archive));
}

static bool changed(const char *path, struct error *err) {
    error_set(err, ERR_CONFLICT, "%s changed while it was read", path);
    return error_hint(err, "stop what writes to it, or name it in .dockerignore");
}

/* ---- one entry --------------------------------------------------------------------------------
 */

static bool put_header(struct pass *p, const struct tree_entry *entry, const char *target,
                       struct error *err) {
    char *name = NULL;
    bool is_folder = S_ISDIR(entry->mode);
    if (!p->archive || entry->is_double)
        return true;
    if (asprintf(&name, "%s%s", *entry->path ? entry->path : ".", is_folder ? "/" : "") < 0)
        return out_of_memory(err);
    archive_entry_clear(p->entry);
    archive_entry_set_pathname(p->entry, name);
    archive_entry_set_mode(p->entry, (mode_t)entry->mode);
    archive_entry_set_mtime(p->entry, FIXED_TIME, 0);
    archive_entry_set_size(p->entry, S_ISREG(entry->mode) ? (int64_t)entry->size : 0);
    if (target)
        archive_entry_set_symlink(p->entry, target);
    bool ok = archive_write_header(p->archive, p->entry) == ARCHIVE_OK;
    free(name);
    return ok || archive_failed(p, entry->path, err);
}

static void digest_head(struct pass *p, const struct tree_entry *entry) {
    char numbers[64];
    int len = snprintf(numbers, sizeof(numbers), "%" PRIu32 "%" PRIu64, entry->mode, entry->size);
    EVP_DigestUpdate(p->digest, entry->path, strlen(entry->path));
    EVP_DigestUpdate(p->digest, numbers, (size_t)len);
}

static bool take_link(struct pass *p, const struct tree_entry *entry, struct error *err) {
    char target[LINK_MAX_LEN + 1];
    cleanup_close int fd = tree_open(p->tree->context, entry->path, O_PATH | O_NOFOLLOW);
    ssize_t len = fd >= 0 ? readlinkat(fd, "", target, LINK_MAX_LEN) : -1;
    if (len < 0)
        return changed(entry->path, err);
    target[len] = '\0';
    EVP_DigestUpdate(p->digest, target, (size_t)len);
    return put_header(p, entry, target, err);
}

static bool take_piece(struct pass *p, const struct tree_entry *entry, size_t len,
                       struct error *err) {
    EVP_DigestUpdate(p->digest, p->bytes, len);
    if (p->archive && !entry->is_double &&
        archive_write_data(p->archive, p->bytes, len) != (la_ssize_t)len)
        return archive_failed(p, entry->path, err);
    return p->watch->step(p->watch->ctx, len) || error_set(err, ERR_TIMEOUT, "interrupted");
}

/* One byte more than its size is asked for, so growth is seen; less than was asked for is the end.
 */
static bool take_content(struct pass *p, const struct tree_entry *entry, int fd,
                         struct error *err) {
    uint64_t left = entry->size;
    for (;;) {
        size_t wanted = (size_t)MIN((uint64_t)READ_SIZE, left + 1);
        ssize_t n = read(fd, p->bytes, wanted);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, "cannot read %s", entry->path);
        if ((uint64_t)n > left)
            return changed(entry->path, err);
        left -= (uint64_t)n;
        if (n && !take_piece(p, entry, (size_t)n, err))
            return false;
        if ((size_t)n < wanted)
            return !left || changed(entry->path, err);
    }
}

static bool take_file(struct pass *p, const struct tree_entry *entry, struct error *err) {
    struct stat st;
    cleanup_close int fd =
        tree_open(p->tree->context, entry->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT || errno == ELOOP
                   ? changed(entry->path, err)
                   : error_errno(err, errno, "cannot read %s", entry->path);
    if (fstat(fd, &st) < 0 || st.st_mode != entry->mode || (uint64_t)st.st_size != entry->size)
        return changed(entry->path, err);
    return put_header(p, entry, NULL, err) && take_content(p, entry, fd, err);
}

static bool take_entry(struct pass *p, const struct tree_entry *entry, struct error *err) {
    digest_head(p, entry);
    if (S_ISLNK(entry->mode))
        return take_link(p, entry, err);
    return S_ISREG(entry->mode) ? take_file(p, entry, err) : put_header(p, entry, NULL, err);
}

/* ---- the pass ---------------------------------------------------------------------------------
 */

static la_ssize_t on_write(struct archive *archive, void *ctx, const void *bytes, size_t len) {
    struct pass *p = ctx;
    (void)archive;
    return !p->over && members_write(p->members, bytes, len, &p->failure) ? (la_ssize_t)len : -1;
}

static bool open_archive(struct pass *p, int fd, struct error *err) {
    p->members = members_start(fd, err);
    if (!p->members)
        return false;
    p->archive = archive_write_new();
    p->entry = archive_entry_new();
    if (!p->archive || !p->entry)
        return out_of_memory(err);
    archive_write_set_format_gnutar(p->archive);
    archive_write_set_bytes_per_block(p->archive, 0);
    return archive_write_open(p->archive, p, NULL, on_write, NULL) == ARCHIVE_OK ||
           archive_failed(p, "files", err);
}

static bool close_archive(struct pass *p, uint64_t *size, struct error *err) {
    if (archive_write_close(p->archive) != ARCHIVE_OK)
        return archive_failed(p, "files", err);
    return members_finish(p->members, size, err);
}

static bool run(struct pass *p, const char *source, const char *dest, char *hash,
                struct error *err) {
    unsigned char digest[32];
    cleanup_free char *words = NULL;
    p->bytes = malloc(READ_SIZE);
    p->digest = EVP_MD_CTX_new();
    if (!p->bytes || !p->digest || EVP_DigestInit_ex(p->digest, EVP_sha256(), NULL) != 1 ||
        asprintf(&words, "COPY %s %s", source, dest) < 0) {
        words = NULL;
        return out_of_memory(err);
    }
    EVP_DigestUpdate(p->digest, words, strlen(words));
    for (size_t i = 0; i < p->tree->count; i++)
        if (!take_entry(p, &p->tree->entries[i], err))
            return false;
    EVP_DigestFinal_ex(p->digest, digest, NULL);
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(hash + 2 * i, 3, "%02x", digest[i]);
    return true;
}

static void pass_free(struct pass *p) {
    p->over = true; /* freeing an open archive writes its end */
    archive_write_free(p->archive);
    archive_entry_free(p->entry);
    members_free(p->members);
    EVP_MD_CTX_free(p->digest);
    free(p->bytes);
}

static bool pack_hash(const struct tree *tree, const char *source, const char *dest,
                      const struct pack_watch *watch, char hash[static PACK_HASH],
                      struct error *err) {
    struct pass p = {.tree = tree, .watch = watch};
    bool ok = run(&p, source, dest, hash, err);
    pass_free(&p);
    return ok;
}

static bool pack_write(const struct tree *tree, const char *source, const char *dest,
                       const struct pack_watch *watch, int fd, char hash[static PACK_HASH],
                       uint64_t *size, struct error *err) {
    struct pass p = {.tree = tree, .watch = watch};
    bool ok = open_archive(&p, fd, err) && run(&p, source, dest, hash, err) &&
              close_archive(&p, size, err);
    pass_free(&p);
    return ok;
}

__attribute__((visibility("default"))) const struct pack_api e2b_pack = {
    .hash = pack_hash,
    .write = pack_write,
};
