/* SPDX-License-Identifier: Apache-2.0
 *
 * A layer above the host's /usr. Where that shows as owned by nobody (no idmapped mount: an
 * ordinary user), root inside may neither create nor remove in a directory that only the host has,
 * and the host's setuid bits count for nothing. So this layer brings every directory, empty and
 * owned by root, and copies of the few programs that live by their bit.
 */
#include "backend/image/base_parts.h"

#include "templates/base/usr.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static bool copy_setuid(const struct maker *m, const char *name, struct error *err) {
    char from[64], to[32];
    struct stat st;
    snprintf(from, sizeof(from), "/usr/bin/%s", name);
    snprintf(to, sizeof(to), "bin/%s", name);
    cleanup_close int fd = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & S_ISUID))
        return true;
    return maker_copy_fd(m, fd, to, 04755, err);
}

static bool make_directories(const struct maker *m, bool skeleton, struct error *err) {
    if (skeleton)
        return maker_copy(m, "/usr", ".", MAKER_DIRECTORIES, NULL, err);
    return maker_dir(m, ".", 0755, err) && maker_dir(m, "bin", 0755, err);
}

bool base_make_usr(const struct maker *m, const struct base_usr *usr, struct error *err) {
    bool done = make_directories(m, usr->skeleton, err);
    for (size_t i = 0; i < ARRAY_LEN(setuid_programs) && done && usr->skeleton; i++)
        done = copy_setuid(m, setuid_programs[i], err);
    if (done && usr->sudo >= 0)
        done = maker_copy_fd(m, usr->sudo, "bin/sudo", 04755, err);
    if (done && usr->python)
        done = maker_link(m, "bin/python", "python3", err);
    return done;
}
