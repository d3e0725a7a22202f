/* SPDX-License-Identifier: Apache-2.0
 *
 * Root maps a whole range. A user maps himself as 0 and his subordinate range behind it, which
 * takes newuidmap and newgidmap, setuid programs of the system; without them himself alone.
 */
#include "backend/runtime/id_range.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
    ROOT_BASE = 0x7E2B0000, /* where no distribution gives ranges */
    SUBORDINATE_MAX = 1 << 20,
    LEAST_SUBORDINATE = 100000, /* as in login.defs */
    MAPPER_TIMEOUT_MS = 5000,
};

/* A line of /etc/subuid or /etc/subgid. */
struct subordinate {
    const char *owner;
    uint32_t start, count;
};

static char *read_ranges(const char *path, struct buf *text) {
    struct error ignored = ERROR_INIT;
    return io_read_file(path, text, &ignored) ? text->data : NULL;
}

/* False at the end; lines that make no sense are passed over. */
static bool next_range(char **rest, struct subordinate *range) {
    for (char *line; (line = strsep(rest, "\n"));) {
        range->owner = strsep(&line, ":");
        if (line && sscanf(line, "%" SCNu32 ":%" SCNu32, &range->start, &range->count) == 2)
            return true;
    }
    return false;
}

/* The first range in `path` for the user with at least `least` ids; 0: none. */
static uint32_t subordinate(const char *path, const char *name, uid_t uid, uint32_t least) {
    cleanup_buf struct buf text = BUF_INIT(SUBORDINATE_MAX);
    struct subordinate range;
    char number[16];
    snprintf(number, sizeof(number), "%u", uid);
    for (char *rest = read_ranges(path, &text); next_range(&rest, &range);)
        if ((strcmp(range.owner, name) == 0 || strcmp(range.owner, number) == 0) &&
            range.count >= least)
            return range.start;
    return 0;
}

uint64_t id_range_unused(void) {
    static const char *const paths[] = {"/etc/subuid", "/etc/subgid"};
    uint64_t unused = LEAST_SUBORDINATE;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        cleanup_buf struct buf text = BUF_INIT(SUBORDINATE_MAX);
        struct subordinate range;
        for (char *rest = read_ranges(paths[i], &text); next_range(&rest, &range);)
            unused = MAX(unused, (uint64_t)range.start + range.count);
    }
    return unused;
}

void id_range_find(struct id_range *range) {
    const uid_t uid = geteuid();
    const struct passwd *user = getpwuid(uid);
    const char *name = user ? user->pw_name : "";
    const uint32_t least = uid == 0 ? ID_COUNT : ID_COUNT - 1;
    *range = (struct id_range){.is_root = uid == 0};
    range->uid_start = subordinate("/etc/subuid", name, uid, least);
    range->gid_start = subordinate("/etc/subgid", name, uid, least);
    if (uid == 0)
        range->base =
            range->uid_start && range->uid_start == range->gid_start ? range->uid_start : ROOT_BASE;
    else
        range->base = uid;
    if (!range->uid_start || !range->gid_start)
        range->uid_start = range->gid_start = 0;
}

static bool write_proc(pid_t pid, const char *name, const char *text, struct error *err) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || !io_write_all(fd, text, strlen(text)))
        return error_errno(err, errno, "cannot write %s of the sandboxes' user namespace", name);
    return true;
}

/* The setuid program may wait for a name service; we do not wait for ever. */
static bool wait_for(pid_t pid, const char *program, struct error *err) {
    cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    int status = 0;
    if (pidfd >= 0 && poll(&ended, 1, MAPPER_TIMEOUT_MS) == 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status == 0)
        return true;
    error_set(err, ERR_UNSUPPORTED, "%s could not map the subordinate ids", program);
    return error_hint(err, "check that %s is setuid root and /etc/subuid and /etc/subgid agree",
                      program);
}

static bool run_mapper(char *program, pid_t pid, uint32_t own, uint32_t start, struct error *err) {
    char target[16], self[16], first[16], count[16], zero[] = "0", one[] = "1";
    char *argv[] = {program, target, zero, self, one, one, first, count, NULL};
    pid_t child;
    snprintf(target, sizeof(target), "%d", pid);
    snprintf(self, sizeof(self), "%u", own);
    snprintf(first, sizeof(first), "%u", start);
    snprintf(count, sizeof(count), "%d", ID_COUNT - 1);
    int error = posix_spawnp(&child, program, NULL, NULL, argv, environ);
    return error ? error_errno(err, error, "cannot run %s", program)
                 : wait_for(child, program, err);
}

bool id_range_write(const struct id_range *range, pid_t pid, struct error *err) {
    static char newuidmap[] = "newuidmap", newgidmap[] = "newgidmap";
    char map[64];
    if (range->is_root) {
        snprintf(map, sizeof(map), "0 %u %d", range->base, ID_COUNT);
        return write_proc(pid, "uid_map", map, err) && write_proc(pid, "gid_map", map, err);
    }
    if (range->uid_start)
        return run_mapper(newuidmap, pid, geteuid(), range->uid_start, err) &&
               run_mapper(newgidmap, pid, getegid(), range->gid_start, err);
    snprintf(map, sizeof(map), "0 %u 1", geteuid());
    if (!write_proc(pid, "setgroups", "deny", err) || !write_proc(pid, "uid_map", map, err))
        return false;
    snprintf(map, sizeof(map), "0 %u 1", getegid());
    return write_proc(pid, "gid_map", map, err);
}
