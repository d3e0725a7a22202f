/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host has or lacks around the kernel: groups to limit with, a way to the network, room on
 * disk, a place for the socket, a /usr to build the base template from.
 */
#include "backend/runtime/probe.h"

#include "backend/runtime/cgroup.h"
#include "backend/runtime/network.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static const uint64_t GIB = (uint64_t)1 << 30;
enum { ROOMY_GIB = 10 };

/* ---- control groups -------------------------------------------------------------------------- */

static const char *fix_groups(void) {
    if (geteuid() == 0)
        return "mount cgroup v2, or give this container a writable one (docker: --cgroupns=private "
               "with a writable /sys/fs/cgroup)";
    if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) < 0)
        return "boot with systemd.unified_cgroup_hierarchy=1: only pure cgroup v2 can be delegated "
               "to an ordinary user";
    return "start the backend from a login with a systemd user manager (loginctl enable-linger "
           "$USER, then log in anew); for all controllers: printf '[Service]\\nDelegate=cpu memory "
           "pids\\n' | sudo tee /etc/systemd/system/user@.service.d/delegate.conf";
}

static void group(struct probe_row *row, size_t member, const char *lost) {
    struct error err = ERROR_INIT;
    char name[64];
    snprintf(name, sizeof(name), "probe-%d", (int)getpid());
    struct cgroups *cgs = cgroups_start(name, &err);
    if (!cgs) {
        probe_detail(row, "%s", err.message);
        probe_say(row, PROBE_DEGRADED, lost, "");
        return;
    }
    const void *at = (const char *)cgroups_facts(cgs) + member;
    const struct runtime_mechanism *found = at;
    probe_detail(row, "%s", found->mechanism ? found->mechanism : found->why);
    if (!found->mechanism)
        probe_say(row, PROBE_DEGRADED, lost, fix_groups());
    cgroups_stop(cgs);
}

static void memory(const struct paths *paths, struct probe_row *row) {
    (void)paths;
    group(row, offsetof(struct cgroup_facts, memory),
          "memory is limited for each process, not for a sandbox as a whole, and not accounted");
}

static void processes(const struct paths *paths, struct probe_row *row) {
    (void)paths;
    group(row, offsetof(struct cgroup_facts, processes),
          "processes are limited for all sandboxes of this user together");
}

static void cpu(const struct paths *paths, struct probe_row *row) {
    (void)paths;
    group(row, offsetof(struct cgroup_facts, cpu),
          "a sandbox may use every processor of the machine");
}

static void freezer(const struct paths *paths, struct probe_row *row) {
    (void)paths;
    group(row, offsetof(struct cgroup_facts, freeze),
          "pausing stops processes with SIGSTOP, which they can see");
    const size_t len = strlen(row->detail);
    snprintf(row->detail + len, sizeof(row->detail) - len,
             "; what is paused with its memory starts anew from its files after a restart of the "
             "machine");
}

/* ---- network --------------------------------------------------------------------------------- */

static void network_out(const struct paths *paths, struct probe_row *row) {
    (void)paths;
    const char *why = NULL;
    struct network *network = network_start(uv_default_loop(), NULL);
    const char *mechanism = network ? network_mechanism(network, &why) : NULL;
    if (mechanism)
        return probe_detail(row, "%s", mechanism);
    probe_detail(row, "%s", why ? why : "out of memory");
    probe_say(row, PROBE_MISSING,
              "programs in sandboxes cannot reach the network; their ports can be reached all the "
              "same",
              access("/dev/net/tun", R_OK | W_OK) == 0
                  ? "sudo apt-get install slirp4netns"
                  : "sudo apt-get install slirp4netns; sudo modprobe tun; sudo chmod 0666 "
                    "/dev/net/tun; to keep that: echo 'KERNEL==\"tun\", MODE=\"0666\"' | sudo tee "
                    "/etc/udev/rules.d/50-tun.rules");
}

/* ---- places ---------------------------------------------------------------------------------- */

static void disk(const struct paths *paths, struct probe_row *row) {
    struct error err = ERROR_INIT;
    struct statvfs fs;
    if (!io_mkdirs(paths->state, 0700, &err) || statvfs(paths->state, &fs) < 0) {
        probe_detail(row, "cannot use %.200s: %s", paths->state, strerror(errno));
        probe_say(row, PROBE_MISSING, "no sandbox can run",
                  "make it writable, or set E2B_HOME to a directory of your own");
        return;
    }
    uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    probe_detail(row, "%" PRIu64 " GiB free at %.200s", free_bytes / GIB, paths->state);
    if (free_bytes < ROOMY_GIB * GIB)
        probe_say(row, PROBE_DEGRADED,
                  "sandboxes that write much are frozen when the reserve is reached",
                  "free some space, or set E2B_HOME to a larger file system");
}

static void socket_place(const struct paths *paths, struct probe_row *row) {
    struct error err = ERROR_INIT;
    probe_detail(row, "%.240s", paths->runtime);
    if (paths_create(paths, &err))
        return;
    probe_detail(row, "%.240s", err.message);
    probe_say(row, PROBE_MISSING, "the backend cannot be reached", err.hint);
}

static void base_template(const struct paths *paths, struct probe_row *row) {
    (void)paths;
    static const char *const merged[] = {"/bin", "/sbin", "/lib"};
    struct stat st;
    probe_detail(row, "can be made from this machine's /usr");
    for (size_t i = 0; i < ARRAY_LEN(merged); i++) {
        if (lstat(merged[i], &st) < 0 || S_ISLNK(st.st_mode))
            continue;
        probe_detail(row, "this machine keeps %s apart from /usr", merged[i]);
        probe_say(row, PROBE_MISSING, "the template base cannot be made from it",
                  "sudo apt-get install usrmerge, or use a template of your own");
    }
}

static void daemon_running(const struct paths *paths, struct probe_row *row) {
    struct error err = ERROR_INIT;
    char runtime[PATHS_MAX];
    const char *where = paths_elsewhere(paths, runtime) ? runtime : paths->runtime;
    cleanup_close int dir = open(where, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int sock = dir < 0 ? -1 : io_unix_connect(dir, PATHS_SOCKET, SOCK_STREAM, &err);
    probe_detail(row, sock >= 0 ? "it runs" : "it does not run; the first command starts it");
}

const struct probe probe_host[] = {
    {"memory limit", false, memory},    {"process limit", false, processes},
    {"cpu limit", false, cpu},          {"freezer", false, freezer},
    {"network", false, network_out},    {"disk", true, disk},
    {"socket", true, socket_place},     {"base template", false, base_template},
    {"backend", false, daemon_running}, {NULL, false, NULL},
};
