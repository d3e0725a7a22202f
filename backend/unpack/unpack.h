/* SPDX-License-Identifier: Apache-2.0
 *
 * e2b-unpack: an image, as somebody gave it to us, becomes the root directory of a template. A
 * program of its own, for the length of one import: whatever a hostile archive does to libarchive
 * happens in a process that has, in the sandboxes' user namespace, rights over their files alone.
 *
 * Descriptors: 3 the file or directory, 4 the user namespace, 5 the directory in which root/ is
 * made, 6 a program to become /usr/bin/sudo where there is none, 7 a directory for files without a
 * name. On standard output: one line of JSON {"env":{},"user":"","workdir":"","command":""}, or the
 * reason of a failure, which the status tells.
 */
#ifndef E2B_UNPACK_UNPACK_H
#define E2B_UNPACK_UNPACK_H

#include "common/error.h"

#include <archive.h>
#include <jansson.h>

enum {
    UNPACK_SOURCE = 3,
    UNPACK_HOLDER,
    UNPACK_TARGET,
    UNPACK_SUDO,
    UNPACK_SPOOL,
};

enum {
    UNPACK_MAX_LAYERS = 200,
    UNPACK_MAX_PARTS = 2000, /* of an image archive */
    UNPACK_MAX_ENTRIES = 5000000,
    UNPACK_MAX_RATIO = 200,
};
static const int64_t unpack_max_bytes = INT64_C(64) << 30;
/* So much may come out of anything, however small it is. */
static const int64_t unpack_free_bytes = INT64_C(256) << 20;

/* "sha256:" or "sha512:", and hexadecimal digits; "": it was not told. */
enum { UNPACK_DIGEST = 8 + 128 };

struct unpack_layer {
    int fd;
    char digest[UNPACK_DIGEST];  /* of the file */
    char diff_id[UNPACK_DIGEST]; /* of the archive in it */
};

/* What is to be put upon each other, lowest first, and how the image is meant to be run. */
struct unpack_image {
    struct unpack_layer layers[UNPACK_MAX_LAYERS];
    size_t count;
    json_t *config; /* of the OCI image configuration; NULL: none */
};
bool unpack_find_image(struct unpack_image *image, struct error *err);
void unpack_image_free(struct unpack_image *image);
/* For the line on standard output. */
json_t *unpack_describe(const struct unpack_image *image);

/* What came out of archives so far, and the size of those that are read to their end. */
struct unpack_counts {
    int64_t bytes, entries, read;
};
/* Before `more` bytes of a file in this archive are written. */
bool unpack_count(struct unpack_counts *counts, struct archive *archive, int64_t more,
                  struct error *err);
/* Into the directory `root`, in which nothing leads out. */
bool unpack_layer(int root, const struct unpack_layer *layer, struct unpack_counts *counts,
                  struct error *err);

/* ---- digest.c ---- */
struct digest {
    struct evp_md_ctx_st *ctx; /* NULL: nothing is expected */
    char expected[UNPACK_DIGEST];
};
/* ERR_INVALID for what is no digest. */
bool digest_begin(struct digest *digest, const char *expected, struct error *err);
void digest_add(struct digest *digest, const void *bytes, size_t len);
/* Is it what was expected? `what` was read. */
bool digest_end(struct digest *digest, const char *what, struct error *err);
void digest_free(struct digest *digest);

/* ---- whiteout.c ---- */
/* What the layer at hand has made, by inode, and the directories on the way to it. */
struct made {
    uint64_t *inodes; /* a table of `room`; 0: nothing */
    size_t count, room;
    bool is_off; /* there is nothing below the layer */
};
/* `name` was made in the directory. errno on failure. */
bool made_add(struct made *made, int root, int dir, const char *name);
/* Removes what lower layers have there, and leaves what this one has. errno on failure. */
bool made_hide(const struct made *made, int dir, const char *name);
bool made_hide_below(const struct made *made, int dir);

/* ---- stream.c: a layer as it is read ---- */
struct stream {
    const struct unpack_layer *layer;
    struct archive *filter; /* takes the compression away */
    struct archive *archive;
    struct digest blob, content;
    char *room;
};
bool stream_open(struct stream *stream, const struct unpack_layer *layer, struct error *err);
/* Reads the rest of it: were both what they should be? */
bool stream_end(struct stream *stream, struct unpack_counts *counts, struct error *err);
/* After a failure: the reason may be that the layer is not what it should be. Returns false. */
bool stream_blame(struct stream *stream, struct error *err);
void stream_close(struct stream *stream);

void unpack_support_filters(struct archive *archive);
bool unpack_fail(struct archive *archive, struct error *err);

#endif
