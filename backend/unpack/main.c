/* SPDX-License-Identifier: Apache-2.0
 *
 * See unpack.h. What belongs to whoever started us is opened before the user namespace is entered,
 * what is written is written in it.
 */
#include "backend/image/holder_run.h"
#include "backend/unpack/unpack.h"
#include "common/io.h"
#include "common/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool copy_program(int from, int to) {
    char bytes[64 << 10];
    ssize_t n;
    off_t at = 0;
    while ((n = pread(from, bytes, sizeof(bytes), at)) > 0) {
        if (!io_write_all(to, bytes, (size_t)n))
            return false;
        at += n;
    }
    return n == 0;
}

/* An image rarely has one. */
static bool add_sudo(int root, struct error *err) {
    struct stat st;
    cleanup_close int bin = openat(root, "usr/bin", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (bin < 0 || fstatat(bin, "sudo", &st, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    cleanup_close int file =
        openat(bin, "sudo", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
    if (file < 0 || !copy_program(UNPACK_SUDO, file) || fchmod(file, 04755) < 0)
        return error_errno(err, errno, "cannot add sudo to the image");
    return true;
}

static bool unpack_all(void *ctx, struct error *err) {
    const struct unpack_image *image = ctx;
    struct unpack_counts counts = {0};
    if (mkdirat(UNPACK_TARGET, "root", 0755) < 0)
        return error_errno(err, errno, "cannot make the root directory");
    cleanup_close int root =
        openat(UNPACK_TARGET, "root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (root < 0)
        return error_errno(err, errno, "cannot open the root directory");
    for (size_t i = 0; i < image->count; i++)
        if (!unpack_layer(root, &image->layers[i], &counts, err))
            return error_wrap(err, "layer %zu of %zu", i + 1, image->count);
    if (!counts.entries)
        return error_set(err, ERR_INVALID, "there is nothing in the image");
    return add_sudo(root, err);
}

int main(void) {
    struct error err = ERROR_INIT;
    struct unpack_image image = {.count = 0};
    bool ok =
        unpack_find_image(&image, &err) && holder_run(UNPACK_HOLDER, unpack_all, &image, &err);
    if (ok) {
        cleanup_json json_t *description = unpack_describe(&image);
        cleanup_free char *text = json_dumps(description, JSON_COMPACT);
        ok = text && puts(text) >= 0;
    } else {
        puts(err.message);
    }
    unpack_image_free(&image);
    return ok && fflush(stdout) == 0 ? 0 : 1;
}
