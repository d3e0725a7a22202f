/* SPDX-License-Identifier: Apache-2.0
 *
 * See uploads.h.
 */
#include "backend/core/uploads.h"
#include "backend/core/build_run.h"
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
    return dir >= 0 && utimensat(dir, hash, NULL, AT_SYMLINK_NOFOLLOW) == 0;
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

static void give_back(struct core *core, const struct upload_file *file) {
    for (const struct upload *at = core->uploads; at; at = at->next)
        if (strcmp(at->token, file->token) == 0)
            return;
    struct upload *upload = calloc(1, sizeof(*upload));
    if (!upload)
        return; /* the client asks for another address */
    memcpy(upload->token, file->token, sizeof(upload->token));
    memcpy(upload->hash, file->hash, sizeof(upload->hash));
    upload->until_ms = file->until_ms;
    upload->next = core->uploads;
    core->uploads = upload;
}

bool upload_begin(struct core *core, const char *token, struct upload_file *file,
                  struct error *err) {
    cleanup_free struct upload *upload = take(core, token);
    if (!upload)
        return error_set(err, ERR_UNAUTHENTICATED,
                         "this address was not given for an upload, or has been used");
    char uuid[ID_UUID];
    ids_uuid(uuid);
    *file = (struct upload_file){.fd = -1, .until_ms = upload->until_ms};
    memcpy(file->token, upload->token, sizeof(file->token));
    memcpy(file->hash, upload->hash, sizeof(file->hash));
    snprintf(file->temporary, sizeof(file->temporary), TEMPORARY "%.20s", uuid);
    cleanup_close int dir = open_dir(core);
    if (dir >= 0)
        file->fd = openat(dir, file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file->fd >= 0)
        return true;
    error_errno(err, errno, "cannot keep the upload");
    give_back(core, file);
    return false;
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
    give_back(core, file);
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

static void each_file(const struct core *core, void (*each)(void *ctx, int dir, const char *name),
                      void *ctx) {
    int fd = open_dir(core);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        each(ctx, fd, entry->d_name);
    if (dir)
        closedir(dir);
    else
        close_fd(&fd);
}

static void remove_half(void *ctx, int dir, const char *name) {
    (void)ctx;
    if (strncmp(name, TEMPORARY, strlen(TEMPORARY)) == 0)
        unlinkat(dir, name, 0);
}

bool uploads_start(struct core *core, struct error *err) {
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s/" DIRECTORY, core->config.state) < 0)
        return error_errno(err, ENOMEM, "cannot start");
    if (!io_mkdirs(path, 0700, err))
        return false;
    each_file(core, remove_half, NULL);
    return true;
}

void uploads_free(struct core *core) {
    drop_old(core, INT64_MAX);
}

/* ---- what is kept ---- */

/* A client that was told that the server has it may be about to start its build. */
static bool is_awaited(const struct core *core, int64_t used_ms) {
    const int64_t since_ms = clock_now_ms() - GOOD_FOR_MS;
    if (used_ms < since_ms)
        return false;
    for (const struct recipe *recipe = core->recipes; recipe; recipe = recipe->next)
        for (const struct build *build = recipe->newest; build; build = build->older)
            if (build->status == BUILD_WAITING && build->created_ms >= since_ms)
                return true;
    return false;
}

static bool is_needed(const struct core *core, const struct upload_kept *file) {
    for (const struct recipe *recipe = core->recipes; recipe; recipe = recipe->next)
        for (const struct build *build = recipe->newest; build; build = build->older)
            if (build->run && build_run_needs_files(build->run, file->hash))
                return true;
    return is_awaited(core, file->used_ms);
}

struct looking {
    const struct core *core;
    void (*each)(void *ctx, const struct upload_kept *file);
    void *ctx;
};

static void look(void *ctx, int dir, const char *name) {
    const struct looking *looking = ctx;
    struct stat st;
    if (!upload_is_hash(name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    struct upload_kept file = {
        .hash = name,
        .bytes = (int64_t)st.st_blocks * 512,
        .used_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000,
        .dir = dir,
    };
    file.is_needed = is_needed(looking->core, &file);
    looking->each(looking->ctx, &file);
}

void uploads_each(const struct core *core, void (*each)(void *ctx, const struct upload_kept *file),
                  void *ctx) {
    struct looking looking = {core, each, ctx};
    each_file(core, look, &looking);
}

bool upload_remove(const struct upload_kept *file) {
    return !file->is_needed && unlinkat(file->dir, file->hash, 0) == 0;
}

static void remove_old(void *ctx, const struct upload_kept *file) {
    const int64_t *before_ms = ctx;
    if (file->used_ms < *before_ms)
        upload_remove(file);
}

void uploads_collect(struct core *core, int64_t before_ms) {
    uploads_each(core, remove_old, &before_ms);
}
