/* SPDX-License-Identifier: Apache-2.0
 *
 * What uploads say of a file, kept as extended attributes user.e2b.<key>.
 */
#include "backend/agent/files_job.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#define PREFIX "user.e2b."
enum { PREFIX_LEN = sizeof(PREFIX) - 1 };

static char names[XATTR_LIST_MAX];

size_t files_get_metadata(const char *path, char out[static FILES_METADATA]) {
    size_t len = 0;
    ssize_t total = llistxattr(path, names, sizeof(names));
    for (const char *name = names; total > 0 && name < names + total; name += strlen(name) + 1) {
        if (strncmp(name, PREFIX, PREFIX_LEN) != 0)
            continue;
        size_t key_len = strlen(name + PREFIX_LEN) + 1, room = FILES_METADATA - len;
        if (key_len + 1 > room)
            continue;
        memcpy(out + len, name + PREFIX_LEN, key_len);
        char *value = out + len + key_len;
        ssize_t n = lgetxattr(path, name, value, room - key_len - 1);
        if (n < 0 || memchr(value, '\0', (size_t)n))
            continue; /* not one of ours: values are text */
        value[n] = '\0';
        len += key_len + (size_t)n + 1;
    }
    return len;
}

int files_copy_metadata(int from, int to) {
    char value[FILES_METADATA];
    ssize_t total = flistxattr(from, names, sizeof(names));
    for (const char *name = names; total > 0 && name < names + total; name += strlen(name) + 1) {
        if (strncmp(name, PREFIX, PREFIX_LEN) != 0)
            continue;
        ssize_t n = fgetxattr(from, name, value, sizeof(value));
        if (n >= 0 && fsetxattr(to, name, value, (size_t)n, 0) < 0)
            return errno == ENOTSUP ? 0 : errno;
    }
    return 0;
}

static int drop_all(int fd) {
    ssize_t total = flistxattr(fd, names, sizeof(names));
    if (total < 0)
        return errno == ENOTSUP ? 0 : errno;
    for (const char *name = names; name < names + total; name += strlen(name) + 1)
        if (strncmp(name, PREFIX, PREFIX_LEN) == 0 && fremovexattr(fd, name) < 0 &&
            errno != ENODATA)
            return errno;
    return 0;
}

int files_set_metadata(int fd, char *const *pairs, size_t count) {
    char name[XATTR_NAME_MAX + 1];
    int error = drop_all(fd);
    for (size_t i = 0; !error && i + 1 < count; i += 2) {
        int len = snprintf(name, sizeof(name), PREFIX "%s", pairs[i]);
        if (len < 0 || (size_t)len >= sizeof(name))
            return ENAMETOOLONG;
        if (fsetxattr(fd, name, pairs[i + 1], strlen(pairs[i + 1]), 0) < 0)
            error = errno;
    }
    return error;
}
