/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths as the API means them, and files made for a user.
 */
#include "backend/agent/files_job.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

void files_clean(char *path) {
    char *to = path; /* behind what is done; path[0] is '/' */
    for (const char *at = path; *at;) {
        while (*at == '/')
            at++;
        size_t len = strcspn(at, "/");
        if (len == 2 && memcmp(at, "..", 2) == 0) {
            while (to > path && *--to != '/')
                ;
        } else if (len && !(len == 1 && *at == '.')) {
            *to++ = '/';
            memmove(to, at, len);
            to += len;
        }
        at += len;
    }
    if (to == path)
        *to++ = '/';
    *to = '\0';
}

enum files_failure files_resolve(const struct user *user, const char *text,
                                 char path[static FILES_PATH]) {
    int len;
    if (text[0] == '/')
        len = snprintf(path, FILES_PATH, "%s", text);
    else if (text[0] == '~' && text[1] && text[1] != '/')
        return FILES_BAD_PATH;
    else
        len = snprintf(path, FILES_PATH, "%s/%s", user->home, text + (text[0] == '~'));
    if (len < 0 || len >= FILES_PATH)
        return FILES_SYSTEM;
    if (text[0] != '/')
        files_clean(path);
    return FILES_OK;
}

bool files_argument(struct files_job *job, size_t index, char path[static FILES_PATH]) {
    enum files_failure failure = files_resolve(&job->user, job->args[index], path);
    if (failure)
        files_fail(job, failure, failure == FILES_SYSTEM ? ENAMETOOLONG : EINVAL, NULL);
    else if (job->cleans_paths)
        files_clean(path);
    return !failure;
}

/* mkdir and chown; the descriptor keeps a symlink put there meanwhile from being followed. */
static bool make_dir(const char *path, const struct user *user) {
    struct stat st;
    if (mkdir(path, 0755) < 0) {
        int error = errno;
        bool is_there = error == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
        errno = error;
        return is_there; /* somebody else was faster */
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    /* EINVAL: the user's id does not exist here, where there is a single one. */
    bool ok = fchown(fd, user->uid, user->gid) == 0 || errno == EINVAL;
    close(fd);
    return ok;
}

bool files_make_dirs(struct files_job *job, const char *path) {
    char part[FILES_PATH];
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    for (const char *at = path; *at;) {
        at += strspn(at, "/");
        at += strcspn(at, "/");
        snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
        if (stat(part, &st) == 0 && !S_ISDIR(st.st_mode)) {
            files_fail(job, FILES_PARENT, ENOTDIR, part);
            return false;
        }
        if (stat(part, &st) < 0 && !(errno == ENOENT && make_dir(part, &job->user))) {
            files_fail(job, errno == ELOOP ? FILES_LOOP : FILES_SYSTEM, errno, part);
            return false;
        }
        at += strspn(at, "/");
    }
    return true;
}

bool files_make_parents(struct files_job *job, const char *path) {
    char parent[FILES_PATH];
    snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (!slash || slash == parent)
        return true;
    *slash = '\0';
    return files_make_dirs(job, parent);
}

int files_open_output(struct files_job *job, const char *path, bool *made) {
    struct stat st;
    *made = false;
    if (!files_make_parents(job, path))
        return -1;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        files_fail(job, S_ISDIR(st.st_mode) ? FILES_DIRECTORY : FILES_NOT_REGULAR, EINVAL, path);
        return -1;
    }
    /* O_NONBLOCK: should it have become a FIFO meanwhile. */
    int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = open(path, flags | O_CREAT | O_EXCL, 0666);
    *made = fd >= 0;
    if (fd < 0) /* EINTR: it was frozen while somebody else had the overlay copy the file up */
        do
            fd = open(path, flags | O_CREAT, 0666);
        while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        files_fail_errno(job, errno, path);
        return -1;
    }
    if (files_is_plain(fd)) {
        if (fchown(fd, job->user.uid, job->user.gid) == 0 || errno == EINVAL)
            return fd;
        files_fail(job, FILES_SYSTEM, errno, path);
    } else {
        files_fail(job, FILES_NOT_REGULAR, EINVAL, path);
    }
    close(fd);
    return -1;
}

bool files_copy(int from, int to) {
    for (;;) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, 1 << 30, 0);
        if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
            n = sendfile(to, from, NULL, 1 << 30);
        if (n == 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
}
