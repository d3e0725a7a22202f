/* SPDX-License-Identifier: Apache-2.0
 *
 * What the file operations share among themselves: the job at hand with its answer, and the ways of
 * finding, describing and making files. An operation returns by files_done or files_fail.
 */
#ifndef E2B_AGENT_FILES_JOB_H
#define E2B_AGENT_FILES_JOB_H

#include "backend/agent/files_protocol.h"
#include "backend/agent/users.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct files_job {
    int sock;
    struct user user;
    char *const *args;
    size_t arg_count;
    bool cleans_paths;                       /* of what was asked, before it is looked at */
    size_t len;                              /* of the message so far */
    _Alignas(8) char message[FILES_MESSAGE]; /* struct helper_reply, then records */
};

/* ---- the answer (files_job.c) ---- */

/* Puts a record of `path` into the answer; sends what is there already when there is no room. `st`
 * may be NULL: nothing but the path is told. */
struct files_label {
    uint32_t watch, event;
    const char *shown; /* the path to tell; NULL: the one that is looked at */
};
void files_add(struct files_job *job, const char *path, const struct stat *st,
               const struct files_label *label);
void files_flush(struct files_job *job);
/* The last message; `fd` may be -1. */
void files_done(struct files_job *job, int fd);
void files_fail(struct files_job *job, enum files_failure failure, int error, const char *path);
/* As files_fail, for an errno that says itself what is wrong with the path. */
void files_fail_errno(struct files_job *job, int error, const char *path);
/* files_add with its own lstat, then files_done. */
void files_done_path(struct files_job *job, const char *path);
/* A message in the middle; with a record of the path if `watch` is not 0. */
void files_tell(struct files_job *job, enum files_failure failure, int error, uint32_t watch,
                const char *path);

/* ---- paths and files (files_path.c) ---- */

/* The absolute path that the API's `text` means for `user`. */
enum files_failure files_resolve(const struct user *user, const char *text,
                                 char path[static FILES_PATH]);
/* files_resolve that answers itself when it fails. */
bool files_argument(struct files_job *job, size_t index, char path[static FILES_PATH]);
/* Removes "//", "." and ".." from an absolute path by its text alone. */
void files_clean(char *path);
/* Makes what is missing of the directory (or of the directory above `path`), 0755, the user's.
 * Fails the job itself. */
bool files_make_dirs(struct files_job *job, const char *path);
bool files_make_parents(struct files_job *job, const char *path);
/* Opens a regular file for writing, made if need be, the user's, not emptied yet. *made tells
 * whether it was not there before. -1: the job has failed. */
int files_open_output(struct files_job *job, const char *path, bool *made);
/* Appends all of `from` to `to`; errno on failure. */
bool files_copy(int from, int to);

/* ---- metadata (files_metadata.c) ---- */

/* "key\0value\0"... ; what does not fit is left out. Returns the length. */
size_t files_get_metadata(const char *path, char out[static FILES_METADATA]);
/* From one open file to another, as far as that one can keep it. 0 or errno. */
int files_copy_metadata(int from, int to);
/* Replaces all; `pairs` are key, value, ... . 0 or errno. */
int files_set_metadata(int fd, char *const *pairs, size_t count);

/* ---- the operations ---- */

void files_open_read(struct files_job *job);
void files_open_write(struct files_job *job);
void files_stat(struct files_job *job);
void files_make_dir(struct files_job *job);
void files_move(struct files_job *job);
void files_remove(struct files_job *job);
void files_list(struct files_job *job);
void files_compose(struct files_job *job);
void files_watch(struct files_job *job);
void files_take(struct files_job *job);

/* files_volume.c */
void files_volume_open_write(struct files_job *job);
void files_volume_make_dir(struct files_job *job);
void files_volume_change(struct files_job *job);
void files_volume_remove(struct files_job *job);

#endif
