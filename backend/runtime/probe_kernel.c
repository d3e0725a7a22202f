/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel has to allow: the sandboxes' user namespace (a real one, with its zygote), the
 * other namespaces and an overlay inside it, the seccomp program.
 */
#include "backend/runtime/probe.h"

#include "backend/image/holder_run.h"
#include "backend/runtime/holder.h"
#include "backend/runtime/id_range.h"
#include "backend/runtime/seccomp.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

static const char no_sandbox[] = "no sandbox can run";

static bool read_word(const char *path, char *text, size_t size) {
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    text[MAX(n, 0)] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return n > 0;
}

static bool raise_holder(struct holder *holder, struct error *err) {
    char agent[PATHS_MAX];
    return paths_program("e2b-agent", agent, err) && holder_start(holder, agent, -1, err);
}

static bool is_restricted_by_apparmor(void) {
    char word[8];
    return read_word("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", word,
                     sizeof(word)) &&
           !strcmp(word, "1");
}

static void kernel(const struct paths *paths, struct probe_row *row) {
    (void)paths;
    struct utsname name;
    unsigned major = 0, minor = 0;
    uname(&name);
    probe_detail(row, "Linux %s, %s", name.release, name.machine);
    if (sscanf(name.release, "%u.%u", &major, &minor) == 2 && (major << 8 | minor) < (5 << 8 | 11))
        probe_say(row, PROBE_MISSING, no_sandbox,
                  "use Linux 5.11 or newer: older ones have no overlay for ordinary users");
}

static void user_namespace(const struct paths *paths, struct probe_row *row) {
    (void)paths;
    struct error err = ERROR_INIT;
    struct holder holder = HOLDER_INIT;
    if (raise_holder(&holder, &err)) {
        probe_detail(row, "made one with %u ids from %u on", holder.id_count, holder.id_base);
        holder_stop(&holder);
        return;
    }
    probe_detail(row, "%s", err.message);
    probe_say(row, PROBE_MISSING, no_sandbox, err.hint);
}

/* A range that somebody else has as well would make each of the two the master of the other's
 * sandboxes. */
static void lack_of_ids(struct probe_row *row, bool mapper, bool has_range) {
    const unsigned long long first = id_range_unused(), last = first + ID_COUNT - 1;
    char range[128] = "", fix[sizeof(row->fix)];
    if (!has_range)
        snprintf(range, sizeof(range),
                 "sudo usermod --add-subuids %llu-%llu --add-subgids %llu-%llu $USER", first, last,
                 first, last);
    snprintf(fix, sizeof(fix), "%s%s%s",
             mapper ? ""
                    : "sudo apt-get install uidmap (Fedora: shadow-utils, Alpine: shadow-subids)",
             mapper || has_range ? "" : ", then ", range);
    probe_detail(row, mapper ? "this user has no range of 65535 ids in /etc/subuid and /etc/subgid"
                             : "newuidmap is not installed");
    probe_say(row, PROBE_DEGRADED,
              "root and user are one and the same inside: no apt, chown or useradd", fix);
}

static void ids(const struct paths *paths, struct probe_row *row) {
    (void)paths;
    struct id_range range;
    id_range_find(&range);
    if (range.is_root) {
        probe_detail(row, "%u to %u", range.base, range.base + ID_COUNT - 1);
        return;
    }
    bool mapper =
        access("/usr/bin/newuidmap", X_OK) == 0 && access("/usr/bin/newgidmap", X_OK) == 0;
    if (range.uid_start && mapper) {
        probe_detail(row, "%u and 65535 more", range.uid_start);
        return;
    }
    lack_of_ids(row, mapper, range.uid_start);
}

static void apparmor(const struct paths *paths, struct probe_row *row) {
    (void)paths;
    struct error err = ERROR_INIT;
    struct holder holder = HOLDER_INIT;
    if (!is_restricted_by_apparmor()) {
        probe_detail(row, "user namespaces are not restricted by AppArmor");
    } else if (raise_holder(&holder, &err)) {
        probe_detail(row, "restricts user namespaces, and lets this program make them");
        holder_stop(&holder);
    } else {
        probe_detail(row, "user namespaces are restricted to programs with a profile");
        probe_say(row, PROBE_MISSING, no_sandbox,
                  "./bootstrap deps installs a profile for e2b; or, for every program: sudo sysctl "
                  "-w kernel.apparmor_restrict_unprivileged_userns=0");
    }
}

/* Runs `work` as root of a holder namespace. */
static void in_holder(struct probe_row *row, bool (*work)(void *ctx, struct error *err), void *ctx,
                      const char *fix) {
    struct error err = ERROR_INIT;
    struct holder holder = HOLDER_INIT;
    if (!raise_holder(&holder, &err)) {
        probe_detail(row, "not tried: there is no user namespace to try it in");
        probe_say(row, PROBE_MISSING, no_sandbox, err.hint);
        return;
    }
    if (!holder_run(holder.userns, work, ctx, &err)) {
        probe_detail(row, "%s", err.message);
        probe_say(row, PROBE_MISSING, no_sandbox, fix);
    }
    holder_stop(&holder);
}

static bool try_namespaces(void *ctx, struct error *err) {
    (void)ctx;
    static const struct {
        const char *name;
        int flag;
    } all[] = {
        {"mount", CLONE_NEWNS}, {"ipc", CLONE_NEWIPC},       {"uts", CLONE_NEWUTS},
        {"net", CLONE_NEWNET},  {"cgroup", CLONE_NEWCGROUP}, {"pid", CLONE_NEWPID},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (unshare(all[i].flag) < 0)
            return error_errno(err, errno, "cannot make a %s namespace", all[i].name);
    return true;
}

static void namespaces(const struct paths *paths, struct probe_row *row) {
    (void)paths;
    probe_detail(row, "mount, ipc, uts, net, cgroup, pid");
    in_holder(row, try_namespaces, NULL,
              "sysctl user.max_net_namespaces and its like above 0; a container may forbid them");
}

/* In the directory ctx: writes through an overlay of /usr, and removes what it made. */
static bool try_overlay(void *ctx, struct error *err) {
    const char options[] = "lowerdir=/usr,upperdir=upper,workdir=work,userxattr";
    if (fchdir(*(int *)ctx) < 0 || unshare(CLONE_NEWNS) < 0 || mkdir("upper", 0700) < 0 ||
        mkdir("work", 0700) < 0 || mkdir("merged", 0700) < 0)
        return error_errno(err, errno, "cannot prepare an overlay");
    int saved = 0;
    if (mount("overlay", "merged", "overlay", 0, options) < 0) {
        saved = errno;
    } else {
        cleanup_close int fd = open("merged/probe", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        saved = fd < 0 || access("upper/probe", F_OK) < 0 ? errno : 0;
        unlink("merged/probe");
        umount2("merged", MNT_DETACH);
    }
    rmdir("work/work");
    rmdir("upper");
    rmdir("work");
    rmdir("merged");
    return !saved || error_errno(err, saved, "cannot mount an overlay of /usr");
}

static void overlay(const struct paths *paths, struct probe_row *row) {
    char name[PATHS_MAX + 16];
    struct error err = ERROR_INIT;
    struct id_range range;
    id_range_find(&range);
    snprintf(name, sizeof(name), "%s/probe-XXXXXX", paths->state);
    if (!io_mkdirs(paths->state, 0700, &err) || !mkdtemp(name)) {
        probe_detail(row, "cannot make a directory in %.200s", paths->state);
        probe_say(row, PROBE_MISSING, no_sandbox, "make it writable, or set E2B_HOME");
        return;
    }
    cleanup_close int dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (range.is_root && fchown(dir, range.base, range.base) < 0)
        probe_detail(row, "cannot give a directory away: %s", strerror(errno));
    probe_detail(row, "of /usr, with its upper layer in %.200s", paths->state);
    in_holder(row, try_overlay, &dir,
              "keep the state on ext4, xfs, btrfs or tmpfs (set E2B_HOME): network file systems "
              "cannot carry an overlay; and Linux has to be 5.11 or newer");
    rmdir(name);
}

static bool load(int fd) {
    struct stat st;
    if (fstat(fd, &st) < 0)
        return false;
    void *filter = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    struct sock_fprog program = {
        .len = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter)),
        .filter = filter,
    };
    return filter != MAP_FAILED && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

static void seccomp_filter(const struct paths *paths, struct probe_row *row) {
    (void)paths;
    struct error err = ERROR_INIT;
    int fd = seccomp_program(&err);
    if (fd < 0)
        probe_detail(row, "%s", err.message);
    else if (!load(fd))
        probe_detail(row, "cannot load the program: %s", strerror(errno));
    else if (ioctl(-1, TIOCSTI, "") == 0 || errno != EPERM)
        probe_detail(row, "the program was loaded and does not act");
    else
        return probe_detail(row, "the program loads and acts");
    probe_say(row, PROBE_MISSING, no_sandbox,
              "the kernel needs CONFIG_SECCOMP_FILTER; a container may forbid nested filters");
}

const struct probe probe_kernel[] = {
    {"kernel", true, kernel},
    {"user namespace", true, user_namespace},
    {"ids", false, ids},
    {"AppArmor", true, apparmor},
    {"namespaces", true, namespaces},
    {"overlay", true, overlay},
    {"seccomp", true, seccomp_filter},
    {NULL, false, NULL},
};
