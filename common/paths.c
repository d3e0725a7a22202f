/* SPDX-License-Identifier: Apache-2.0 */
#include "common/paths.h"

#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool printf_like(3, 4)
    set(char path[static PATHS_MAX], struct error *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(path, PATHS_MAX, format, args);
    va_end(args);
    if (n < 0 || n >= PATHS_MAX)
        return error_set(err, ERR_INVALID, "path too long: %s", path);
    return true;
}

/* An environment variable that holds an absolute path; the XDG specification ignores others. */
static const char *absolute_env(const char *name) {
    const char *value = getenv(name);
    return value && value[0] == '/' ? value : NULL;
}

static bool is_directory(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool find_runtime(struct paths *paths, struct error *err) {
    const char *base = absolute_env("XDG_RUNTIME_DIR");
    unsigned uid = (unsigned)geteuid();
    char user[64];
    snprintf(user, sizeof(user), "/run/user/%u", uid);
    if (base)
        return set(paths->runtime, err, "%s/e2b", base);
    if (uid == 0 && is_directory("/run"))
        return set(paths->runtime, err, "/run/e2b");
    if (is_directory(user))
        return set(paths->runtime, err, "%s/e2b", user);
    return set(paths->runtime, err, "/tmp/e2b-%u", uid);
}

static bool find_state(struct paths *paths, struct error *err) {
    const char *base = absolute_env("XDG_DATA_HOME");
    if (base)
        return set(paths->state, err, "%s/e2b", base);
    const char *home = absolute_env("HOME");
    if (!home) {
        const struct passwd *me = getpwuid(geteuid());
        home = me ? me->pw_dir : NULL;
    }
    if (!home) {
        error_set(err, ERR_INVALID, "no home directory to keep state in");
        return error_hint(err, "set HOME, XDG_DATA_HOME or E2B_HOME to an absolute path");
    }
    return set(paths->state, err, "%s/.local/share/e2b", home);
}

bool paths_find(struct paths *paths, struct error *err) {
    const char *home = getenv("E2B_HOME");
    if (!home || !*home)
        return find_runtime(paths, err) && find_state(paths, err);
    if (home[0] != '/')
        return error_set(err, ERR_INVALID, "E2B_HOME must be an absolute path, not '%s'", home);
    return set(paths->runtime, err, "%s/run", home) && set(paths->state, err, "%s", home);
}

/* Somebody who could write there could put a socket of his own in our place. */
static bool check_private(const char *path, struct error *err) {
    struct stat st;
    if (lstat(path, &st) < 0)
        return error_errno(err, errno, "cannot examine %s", path);
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022)) {
        error_set(err, ERR_FORBIDDEN, "%s is not a directory that only you can write", path);
        return error_hint(err, "remove it, or set E2B_HOME to a directory of your own");
    }
    return true;
}

bool paths_create(const struct paths *paths, struct error *err) {
    if (io_mkdirs(paths->state, 0700, err) && io_mkdirs(paths->runtime, 0700, err))
        return check_private(paths->runtime, err);
    return !err->hint[0] && error_hint(err, "set E2B_HOME to a directory that you can write");
}

bool paths_elsewhere(const struct paths *paths, char runtime[static PATHS_MAX]) {
    char path[PATHS_MAX + sizeof(PATHS_OWNER) + 1];
    snprintf(path, sizeof(path), "%s/%s", paths->state, PATHS_OWNER);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : read(fd, runtime, PATHS_MAX - 1);
    if (n <= 0)
        return false;
    runtime[n] = '\0';
    return runtime[0] == '/' && strcmp(runtime, paths->runtime) != 0;
}

bool paths_program(const char *name, char path[static PATHS_MAX], struct error *err) {
    char self[PATHS_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n < 0)
        return error_errno(err, errno, "cannot find my own program file");
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    if (!set(path, err, "%s/%s", self, name))
        return false;
    if (access(path, F_OK) == 0)
        return true;
    return set(path, err, "%s/../libexec/e2b/%s", self, name);
}
