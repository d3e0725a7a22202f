/* SPDX-License-Identifier: Apache-2.0
 *
 * `volume cp`: one file into a volume or out of it; the side that is a volume has a colon behind
 * its name.
 */
#include "cli/resource.h"
#include "cli/volume/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { MAX_PIPE = 1 << 30 };

/* "data:/x" in two; a name holds neither slash nor colon. */
static bool split(const char *argument, char **volume, const char **path) {
    const char *colon = strpbrk(argument, ":/");
    if (!colon || *colon != ':' || colon == argument)
        return false;
    *volume = strndup(argument, (size_t)(colon - argument));
    *path = colon[1] ? colon + 1 : "/";
    return *volume != NULL;
}

/* ---- out ---- */

/* Beside its place first: a copy that broke off leaves what was there. */
static bool receive_file(struct invocation *in, const struct volume_handle *volume,
                         const char *path, const char *file, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_free char *temporary = NULL;
    if (asprintf(&temporary, "%s.e2b-XXXXXX", file) < 0) {
        temporary = NULL;
        return error_errno(err, ENOMEM, "cannot write %s", file);
    }
    cleanup_close int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "cannot write %s", file);
    const struct volume_call call = {
        .method = "GET", .what = "file", .path = path, .more = "", .sink = fd};
    bool ok = volume_call(in->client, volume, &call, &response, err);
    mode_t mask = umask(0);
    umask(mask);
    if (ok && (fchmod(fd, 0666 & ~mask) < 0 || rename(temporary, file) < 0))
        ok = error_errno(err, errno, "cannot write %s", file);
    if (!ok)
        unlink(temporary);
    return ok;
}

static bool copy_out(struct invocation *in, const struct volume_handle *volume, const char *path,
                     const char *file, struct error *err) {
    const struct volume_call call = {
        .method = "GET", .what = "file", .path = path, .more = "", .sink = STDOUT_FILENO};
    if (strcmp(file, "-") != 0)
        return receive_file(in, volume, path, file, err);
    cleanup_response struct response response = {0};
    return volume_call(in->client, volume, &call, &response, err);
}

/* ---- in ---- */

static bool send(struct invocation *in, const struct volume_handle *volume, const char *path,
                 const void *bytes, size_t len, struct error *err) {
    cleanup_response struct response response = {0};
    const struct volume_call call = {.method = "PUT",
                                     .what = "file",
                                     .path = path,
                                     .more = "&force=true",
                                     .body = bytes,
                                     .body_len = len,
                                     .sink = -1};
    return volume_call(in->client, volume, &call, &response, err);
}

static bool copy_in(struct invocation *in, const struct volume_handle *volume, const char *file,
                    const char *path, struct error *err) {
    struct stat st;
    cleanup_close int fd = strcmp(file, "-") == 0 ? -1 : open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && strcmp(file, "-") != 0)
        return error_errno(err, errno, "cannot open %s", file);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        return error_set(err, ERR_INVALID, "%s is a directory", file);
    if (fd >= 0 && S_ISREG(st.st_mode) && st.st_size) {
        void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
            return error_errno(err, errno, "cannot read %s", file);
        bool ok = send(in, volume, path, bytes, (size_t)st.st_size, err);
        munmap(bytes, (size_t)st.st_size);
        return ok;
    }
    size_t len;
    cleanup_free char *bytes = resource_read(file, MAX_PIPE, &len, err);
    return bytes && send(in, volume, path, bytes, len, err);
}

static int cp_run(struct invocation *in, struct error *err) {
    cleanup_free char *from = NULL, *to = NULL;
    const char *from_path, *to_path;
    cleanup_volume struct volume_handle volume = {0};
    bool is_out = split(in->args[0], &from, &from_path);
    bool is_in = split(in->args[1], &to, &to_path);
    if (is_out == is_in) {
        error_set(err, ERR_USAGE, "one side has to be in a volume, the other on this machine");
        return error_hint(err, "e2b volume cp notes.txt data:/notes.txt") - 1;
    }
    if (!volume_handle_get(in->client, is_out ? from : to, &volume, err))
        return -1;
    bool ok = is_out ? copy_out(in, &volume, from_path, in->args[1], err)
                     : copy_in(in, &volume, in->args[0], to_path, err);
    return ok ? EXIT_OK : -1;
}

const struct command command_volume_cp = {
    .name = "cp",
    .summary = "copy one file into a volume or out of it",
    .description = "The side in the volume is written volume:path; - is standard input or output. "
                   "What is there is replaced.",
    .arguments = "<from> <to>",
    .min_args = 2,
    .max_args = 2,
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples = (const char *const[]){"e2b volume cp notes.txt data:/notes.txt", "into it",
                                      "e2b volume cp data:/notes.txt -", "out of it", NULL},
    .handler = cp_run,
};
