/* SPDX-License-Identifier: Apache-2.0
 *
 * See files.h: which operation an op is, and the short ones.
 */
#include "backend/agent/files.h"
#include "backend/agent/files_job.h"
#include "backend/agent/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct operation {
    void (*run)(struct files_job *job);
    size_t min_args, max_args;
} operations[HELPER_OPS] = {
    [HELPER_FILE_OPEN_READ] = {files_open_read, 1, 1},
    [HELPER_FILE_OPEN_WRITE] = {files_open_write, 1, SIZE_MAX},
    [HELPER_FILE_STAT] = {files_stat, 1, 1},
    [HELPER_FILE_MAKE_DIR] = {files_make_dir, 1, 1},
    [HELPER_FILE_MOVE] = {files_move, 2, 2},
    [HELPER_FILE_REMOVE] = {files_remove, 1, 1},
    [HELPER_FILE_LIST] = {files_list, 2, 2},
    [HELPER_FILE_COMPOSE] = {files_compose, 2, SIZE_MAX},
    [HELPER_FILE_WATCH] = {files_watch, 0, 0},
};

bool files_serves(uint32_t op) {
    return op < HELPER_OPS && operations[op].run;
}

void files_serve(int sock, uint32_t op, const char *user, char *const *args, size_t arg_count) {
    static struct files_job job;
    job.sock = sock;
    job.args = args;
    job.arg_count = arg_count;
    umask(022);
    /* A full socket makes us wait, whatever its maker chose for the other end. */
    fcntl(sock, F_SETFL, fcntl(sock, F_GETFL) & ~O_NONBLOCK);
    const struct operation *o = &operations[op];
    if (arg_count < o->min_args || arg_count > o->max_args)
        files_fail(&job, FILES_SYSTEM, EINVAL, NULL);
    else if (op != HELPER_FILE_WATCH && !users_find(user, &job.user))
        files_fail(&job, FILES_NO_USER, ENOENT, NULL);
    else
        o->run(&job);
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
