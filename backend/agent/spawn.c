/* SPDX-License-Identifier: Apache-2.0
 *
 * From a fork of the agent to a program of the sandbox: session, streams, ids, directory,
 * environment. Until exec the memory is still the agent's, out of the sandbox's reach; what fails
 * before is told on the status pipe.
 */
#include "backend/agent/arguments.h"
#include "backend/agent/parts.h"
#include "backend/agent/users.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { MAX_GROUPS = 128, TERMINAL_GROUP = 5 };

static noreturn void give_up(const struct spawn *spawn, enum spawn_failure failure, int error) {
    const struct spawn_status status = {.failure = failure, .error = error};
    (void)!write(spawn->status, &status, sizeof(status));
    _exit(126);
}

static void reset_signals(void) {
    sigset_t none;
    for (int number = 1; number < _NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool is_terminal(const struct spawn *spawn) {
    return spawn->request->flags & SPAWN_PTY;
}

static bool attach_streams(const struct spawn *spawn, const struct user *user) {
    int in = is_terminal(spawn) ? spawn->far.out : spawn->far.in;
    int err = is_terminal(spawn) ? spawn->far.out : spawn->far.err;
    if (in < 0)
        in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (setsid() < 0 || dup2(in, 0) < 0 || dup2(spawn->far.out, 1) < 0 || dup2(err, 2) < 0)
        return false;
    if (is_terminal(spawn) && ioctl(0, TIOCSCTTY, 0) < 0)
        return false;
    if (!spawn->has_ids)
        return true;
    /* so that opening /dev/stdout again is allowed to whom it belongs */
    gid_t gid = is_terminal(spawn) ? TERMINAL_GROUP : user->gid;
    for (int fd = 0; fd <= 2; fd++)
        if ((fd != 0 || spawn->far.in >= 0) && fchown(fd, user->uid, gid) < 0)
            return false;
    return true;
}

static void set_limits(const struct spawn *spawn) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_max = MIN((rlim_t)spawn->max_files, files.rlim_max);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    /* the program, not its sandbox, is what the kernel should end when memory runs out */
    cleanup_close int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (oom >= 0)
        (void)!write(oom, "100", 3);
    umask(022);
}

/* Leaving id 0 clears the capabilities; root keeps what the bounding set left. */
static bool become(const struct spawn *spawn, const struct user *user) {
    uint32_t groups[MAX_GROUPS];
    if (!spawn->has_ids)
        return true;
    size_t count = users_groups(user, groups, MAX_GROUPS);
    /* a change of ids makes the memory, the agent's still, what the host's suid_dumpable says */
    return setgroups(count, groups) == 0 && setresgid(user->gid, user->gid, user->gid) == 0 &&
           setresuid(user->uid, user->uid, user->uid) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0;
}

static bool enter_directory(const char *cwd, const char *home) {
    char path[PATH_MAX];
    if (*cwd == '/')
        return chdir(cwd) == 0;
    if (*cwd == '~' && cwd[1] != '\0' && cwd[1] != '/') {
        errno = EINVAL; /* somebody else's home */
        return false;
    }
    if (*cwd == '~')
        cwd++;
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", home, cwd) >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    return chdir(path) == 0;
}

static bool same_key(const char *a, const char *b) {
    size_t len = strcspn(a, "=");
    return strncmp(a, b, len) == 0 && b[len] == '=';
}

static bool has_key(char *const *env, size_t count, const char *entry) {
    for (size_t i = 0; i < count; i++)
        if (same_key(entry, env[i]))
            return true;
    return false;
}

/* Programs differ in which of two entries they believe, so there is one of each. */
static void complete_environment(struct arguments *a, const struct user *user) {
    static char home[USERS_HOME + 8], name[USERS_NAME + 8], login[USERS_NAME + 8];
    static char path[] = "PATH=" DEFAULT_PATH;
    char *const defaults[] = {path, home, name, login};
    size_t kept = 0;
    snprintf(home, sizeof(home), "HOME=%s", user->home);
    snprintf(name, sizeof(name), "USER=%s", user->name);
    snprintf(login, sizeof(login), "LOGNAME=%s", user->name);
    for (size_t i = 0; i < a->env_count; i++)
        if (!has_key(a->env + i + 1, a->env_count - i - 1, a->env[i]))
            a->env[kept++] = a->env[i];
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        if (!has_key(a->env, kept, defaults[i]))
            a->env[kept++] = defaults[i];
    a->env[kept] = NULL;
}

static noreturn void tell_missing(const struct spawn *spawn, const char *program, int error) {
    char text[512];
    const bool missing = error == ENOENT || error == ENOTDIR;
    if (is_terminal(spawn))
        give_up(spawn, SPAWN_NO_PROGRAM, error);
    if (!missing && error != EACCES && error != ENOEXEC)
        give_up(spawn, SPAWN_SYSTEM, error);
    int len = snprintf(text, sizeof(text), "%.400s: %s\n", program,
                       missing ? "not found" : strerror(error));
    (void)!write(2, text, (size_t)len);
    _exit(missing ? 127 : 126);
}

noreturn void spawn_exec(const struct spawn *spawn) {
    struct arguments a;
    struct user user;
    reset_signals();
    if (!arguments_read(spawn->arguments, &a))
        give_up(spawn, SPAWN_SYSTEM, errno);
    if (!users_find(*a.user ? a.user : "root", &user))
        give_up(spawn, SPAWN_NO_USER, 0);
    if (!attach_streams(spawn, &user))
        give_up(spawn, SPAWN_SYSTEM, errno);
    set_limits(spawn);
    if (!become(spawn, &user))
        give_up(spawn, SPAWN_SYSTEM, errno);
    if (!enter_directory(a.cwd, user.home))
        give_up(spawn, SPAWN_NO_CWD, errno);
    complete_environment(&a, &user);
    environ = a.env;
    execvp(a.argv[0], a.argv);
    tell_missing(spawn, a.argv[0], errno);
}
