/* SPDX-License-Identifier: Apache-2.0
 *
 * See uploads.h.
 */
#include "backend/core/uploads.h"
#include "backend/core/core.h"
#include "common/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_ANNOUNCED = 20000, GOOD_FOR_MS = 3600 * 1000 };
#define DIRECTORY "uploads"
#define TEMPORARY ".new-"

struct upload {
    char token[UPLOAD_TOKEN], hash[BUILD_FILES_HASH];
    int64_t until_ms;
    struct upload *next;
};

bool upload_is_hash(const char *text) {
    return strlen(text) == BUILD_FILES_HASH - 1 &&
           strspn(text, "0123456789abcdef") == BUILD_FILES_HASH - 1;
}

static int open_dir(const struct core *core) {
    cleanup_close int state = open(core->config.state, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return state < 0 ? -1
                     : openat(state, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool upload_is_present(const struct core *core, const char *hash) {
    cleanup_close int dir = open_dir(core);
    return dir >= 0 && faccessat(dir, hash, F_OK, 0) == 0;
}

static void drop_old(struct core *core, int64_t now_ms) {
    for (struct upload **at = &core->uploads; *at;) {
        struct upload *upload = *at;
        if (upload->until_ms > now_ms) {
            at = &upload->next;
            continue;
        }
        *at = upload->next;
        free(upload);
    }
}

bool upload_announce(struct core *core, const char *hash, char token[static UPLOAD_TOKEN],
                     struct error *err) {
    unsigned char random[(UPLOAD_TOKEN - 1) / 2];
    unsigned count = 0;
    drop_old(core, steady_now_ms());
    for (const struct upload *at = core->uploads; at; at = at->next)
        count++;
    if (count >= MAX_ANNOUNCED)
        return error_set(err, ERR_LIMIT, "%d uploads are awaited already", MAX_ANNOUNCED);
    struct upload *upload = calloc(1, sizeof(*upload));
    if (!upload)
        return error_errno(err, ENOMEM, "cannot announce an upload");
    ids_random(random, sizeof(random));
    ids_hex(random, sizeof(random), upload->token);
    snprintf(upload->hash, sizeof(upload->hash), "%s", hash);
    upload->until_ms = steady_now_ms() + GOOD_FOR_MS;
    upload->next = core->uploads;
    core->uploads = upload;
    memcpy(token, upload->token, UPLOAD_TOKEN);
    return true;
}

static struct upload *take(struct core *core, const char *token) {
    drop_old(core, steady_now_ms());
    for (struct upload **at = &core->uploads; *at; at = &(*at)->next)
        if (ids_equal_secret((*at)->token, token)) {
            struct upload *found = *at;
            *at = found->next;
            return found;
        }
    return NULL;
}

bool upload_begin(struct core *core, const char *token, struct upload_file *file,
                  struct error *err) {
    cleanup_free struct upload *upload = take(core, token);
    if (!upload)
        return error_set(err, ERR_UNAUTHENTICATED,
                         "this address was not given for an upload, or has been used");
    char uuid[ID_UUID];
    ids_uuid(uuid);
    *file = (struct upload_file){.fd = -1};
    memcpy(file->hash, upload->hash, sizeof(file->hash));
    snprintf(file->temporary, sizeof(file->temporary), TEMPORARY "%.20s", uuid);
    cleanup_close int dir = open_dir(core);
    if (dir >= 0)
        file->fd = openat(dir, file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return file->fd >= 0 || error_errno(err, errno, "cannot keep the upload");
}

bool upload_commit(struct core *core, const struct upload_file *file, struct error *err) {
    cleanup_close int dir = open_dir(core);
    if (dir >= 0 && renameat(dir, file->temporary, dir, file->hash) == 0)
        return true;
    error_errno(err, errno, "cannot keep the upload");
    upload_abort(core, file);
    return false;
}

void upload_abort(struct core *core, const struct upload_file *file) {
    cleanup_close int dir = open_dir(core);
    if (dir >= 0)
        unlinkat(dir, file->temporary, 0);
}

int upload_open(struct core *core, const char *hash, bool *is_gzip, struct error *err) {
    unsigned char magic[2];
    cleanup_close int dir = open_dir(core);
    cleanup_close int fd = dir < 0 ? -1 : openat(dir, hash, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        error_set(err, ERR_NOT_FOUND, "the files of the step were not uploaded (hash %.12s)", hash);
        return -1;
    }
    *is_gzip =
        pread(fd, magic, sizeof(magic), 0) == sizeof(magic) && magic[0] == 0x1f && magic[1] == 0x8b;
    futimens(fd, (const struct timespec[2]){{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}});
    return steal_fd(&fd);
}

static void each_file(const struct core *core, void (*each)(int dir, const char *name, int64_t ms),
                      int64_t ms) {
    int fd = open_dir(core);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        each(fd, entry->d_name, ms);
    if (dir)
        closedir(dir);
}

static void remove_half(int dir, const char *name, int64_t ms) {
    (void)ms;
    if (strncmp(name, TEMPORARY, strlen(TEMPORARY)) == 0)
        unlinkat(dir, name, 0);
}

bool uploads_start(struct core *core, struct error *err) {
    cleanup_free char *path = NULL;
    if (!core->config.state)
        return true;
    if (asprintf(&path, "%s/" DIRECTORY, core->config.state) < 0)
        return error_errno(err, ENOMEM, "cannot start");
    if (!io_mkdirs(path, 0700, err))
        return false;
    each_file(core, remove_half, 0);
    return true;
}

void uploads_free(struct core *core) {
    drop_old(core, INT64_MAX);
}

static void remove_old(int dir, const char *name, int64_t before_ms) {
    struct stat st;
    if (upload_is_hash(name) && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        (int64_t)st.st_mtim.tv_sec * 1000 < before_ms)
        unlinkat(dir, name, 0);
}

void uploads_collect(struct core *core, int64_t before_ms) {
    each_file(core, remove_old, before_ms);
}
