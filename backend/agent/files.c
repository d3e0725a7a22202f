/* SPDX-License-Identifier: Apache-2.0
 *
 * See files.h: which operation an op is, and the short ones.
 */
#include "backend/agent/files.h"
#include "backend/agent/files_job.h"
#include "common/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct operation {
    void (*run)(struct files_job *job);
    size_t min_args, max_args;
    enum files_place { IN_SANDBOX = 1, IN_VOLUME = 2, ANYWHERE = 3 } place;
} operations[HELPER_OPS] = {
    [HELPER_FILE_OPEN_READ] = {files_open_read, 1, 1, ANYWHERE},
    [HELPER_FILE_OPEN_WRITE] = {files_open_write, 1, SIZE_MAX, IN_SANDBOX},
    [HELPER_FILE_STAT] = {files_stat, 1, 1, ANYWHERE},
    [HELPER_FILE_MAKE_DIR] = {files_make_dir, 1, 1, IN_SANDBOX},
    [HELPER_FILE_MOVE] = {files_move, 2, 2, IN_SANDBOX},
    [HELPER_FILE_REMOVE] = {files_remove, 1, 1, IN_SANDBOX},
    [HELPER_FILE_LIST] = {files_list, 2, 2, ANYWHERE},
    [HELPER_FILE_COMPOSE] = {files_compose, 2, SIZE_MAX, IN_SANDBOX},
    [HELPER_FILE_TAKE] = {files_take, 4, 4, IN_SANDBOX},
    [HELPER_FILE_WATCH] = {files_watch, 0, 0, IN_SANDBOX},
    [HELPER_VOLUME_OPEN_WRITE] = {files_volume_open_write, 5, 5, IN_VOLUME},
    [HELPER_VOLUME_MAKE_DIR] = {files_volume_make_dir, 5, 5, IN_VOLUME},
    [HELPER_VOLUME_CHANGE] = {files_volume_change, 4, 4, IN_VOLUME},
    [HELPER_VOLUME_REMOVE] = {files_volume_remove, 1, 1, IN_VOLUME},
};

bool files_serves(uint32_t op) {
    return op < HELPER_OPS && (operations[op].place & IN_SANDBOX);
}

bool files_serves_volume(uint32_t op) {
    return op < HELPER_OPS && (operations[op].place & IN_VOLUME);
}

static struct files_job *begin(int sock, uint32_t op, char *const *args, size_t arg_count) {
    static struct files_job job;
    job.sock = sock;
    job.args = args;
    job.arg_count = arg_count;
    umask(022);
    /* A full socket makes us wait, whatever its maker chose for the other end. */
    fcntl(sock, F_SETFL, fcntl(sock, F_GETFL) & ~O_NONBLOCK);
    const struct operation *o = &operations[op];
    if (arg_count >= o->min_args && arg_count <= o->max_args)
        return &job;
    files_fail(&job, FILES_SYSTEM, EINVAL, NULL);
    return NULL;
}

void files_serve(int sock, uint32_t op, const char *user, char *const *args, size_t arg_count) {
    struct files_job *job = begin(sock, op, args, arg_count);
    if (job && op != HELPER_FILE_WATCH && !users_find(user, &job->user))
        files_fail(job, FILES_NO_USER, ENOENT, NULL);
    else if (job)
        operations[op].run(job);
}

/* From here on no path leads out of the volume, whatever symlinks a sandbox has put there. */
static bool enter_volume(int root) {
    return fchdir(root) == 0 && chroot(".") == 0 && chdir("/") == 0;
}

void files_serve_volume(int sock, uint32_t op, int root, char *const *args, size_t arg_count) {
    struct files_job *job = begin(sock, op, args, arg_count);
    if (job && !enter_volume(root)) {
        files_fail(job, FILES_SYSTEM, errno, NULL);
    } else if (job) {
        job->cleans_paths = true;
        job->user = (struct user){.uid = 0, .gid = 0, .name = "root", .home = "/"};
        operations[op].run(job);
    }
}

void files_stat(struct files_job *job) {
    char path[FILES_PATH];
    if (files_argument(job, 0, path))
        files_done_path(job, path);
}

void files_make_dir(struct files_job *job) {
    char path[FILES_PATH];
    struct stat st;
    if (!files_argument(job, 0, path))
        return;
    if (stat(path, &st) == 0)
        files_fail(job, S_ISDIR(st.st_mode) ? FILES_EXISTS : FILES_NO_DIRECTORY, EEXIST, path);
    else if (errno != ENOENT && errno != ENOTDIR)
        files_fail_errno(job, errno, path);
    else if (files_make_dirs(job, path))
        files_done_path(job, path);
}

void files_remove(struct files_job *job) {
    char path[FILES_PATH];
    if (!files_argument(job, 0, path))
        return;
    if (tree_remove(AT_FDCWD, path) || errno == ENOTDIR)
        files_done(job, -1);
    else
        files_fail_errno(job, errno, path);
}
