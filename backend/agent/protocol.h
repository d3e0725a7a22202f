/* SPDX-License-Identifier: Apache-2.0
 *
 * What runtime/ says to the zygote and to the agents. One static binary, e2b-agent, plays three
 * parts:
 *
 *   zygote  lives in the holder user namespace, started once by the daemon (descriptor 3 is a
 *           SOCK_SEQPACKET to it). Makes sandboxes on request: clone3, id maps, and the child sets
 *           itself up by the plan and becomes
 *   agent   PID 1 of a sandbox: forks, reaps, passes descriptors, nothing else. Never exec()ed
 * after the zygote, so its memory belongs to the holder namespace and no capability inside the
 *           sandbox reaches it.
 *   helper  a short-lived child of either that may block: walk, remove, watch, copy, connect.
 *
 * Messages are fixed-size structs over SOCK_SEQPACKET with descriptors in SCM_RIGHTS; what has no
 * bound (arguments, paths, environment) travels in a memfd. Both ends check size, version and every
 * enum. Same machine, same build: native byte order. Bump AGENT_PROTOCOL on any change.
 */
#ifndef E2B_AGENT_PROTOCOL_H
#define E2B_AGENT_PROTOCOL_H

#include <stdint.h>

enum {
    AGENT_PROTOCOL = 2,
    AGENT_MAX_PROCESSES = 1024,    /* alive or with an unacknowledged end, per sandbox */
    AGENT_MAX_ARGUMENTS = 2 << 20, /* bytes of one argument memfd, as ARG_MAX */
    AGENT_CONNECTION = 3,          /* of the agent: to the daemon; of the zygote likewise */
    AGENT_LISTEN = 4,              /* of the agent: where the next daemon connects */
};

/* ---- daemon -> zygote ------------------------------------------------------------------------ */

enum zygote_type {
    ZYGOTE_CREATE = 1,
    ZYGOTE_PING,   /* are you there */
    ZYGOTE_HELPER, /* helper in the holder namespace: fds {socket, arguments, objects...} */
};

enum {
    ZYGOTE_MAX_OVERLAYS = 2,
    ZYGOTE_MAX_LAYERS = 48, /* lowers of all overlays together; bounded by IO_MAX_FDS */
    ZYGOTE_MAX_CGROUPS = 6,
    AGENT_HOSTNAME = 64,
    AGENT_TARGET = 64,
    AGENT_TEMPLATE = 32,
    AGENT_NAMESERVER = 48,
    ZYGOTE_MAX_MOUNTS = 8,
    AGENT_MOUNT = 256,
};

struct zygote_overlay {
    char target[AGENT_TARGET]; /* "/" first, then "/usr" */
    uint32_t lower_count;      /* descriptors, topmost layer first */
};

enum zygote_flags {
    /* rw and lowers are detached mounts (open_tree) to be moved into place: what root sends, since
     * no path of its own is open to the mapped root. Else plain O_PATH descriptors, which the child
     * opens again by their paths, as overlayfs takes nothing of another mount namespace. */
    ZYGOTE_DETACHED = 1,
    ZYGOTE_INTO_CGROUP =
        2,                /* born in a group of cgroup v2, whose directory is the last descriptor */
    ZYGOTE_KEEPS_TMP = 4, /* /tmp is on the disk, also when nothing is in it yet */
};

/* Descriptors, in this order: bound socket to listen on, first connection, seccomp program, the
 * directory rw (owned by the mapped root; uppers and works are made in it), then the lowers of each
 * overlay, the directories of the volumes, the tasks of each v1 cgroup to enter, and a v2 one. */
struct zygote_create {
    uint32_t version;
    uint32_t type;
    uint32_t id;       /* echoed in the reply */
    uint32_t id_count; /* how many ids to map into the sandbox: 65536, or 1 */
    char hostname[AGENT_HOSTNAME];
    /* With the hostname for the files /run/e2b/.E2B_SANDBOX ("true"), .E2B_SANDBOX_ID and
     * .E2B_TEMPLATE_ID, which the child writes when it makes /run. */
    char template_id[AGENT_TEMPLATE];
    struct zygote_overlay overlays[ZYGOTE_MAX_OVERLAYS];
    uint32_t overlay_count;
    uint32_t cgroup_count;
    uint64_t bounding; /* capability bounding set */
    uint64_t max_files;
    uint64_t max_processes; /* RLIMIT_NPROC where no cgroup counts them; 0: none */
    uint64_t max_memory;    /* RLIMIT_DATA likewise; 0: none */
    uint64_t tmpfs_bytes;   /* size= of /tmp, /run and /dev together */
    uint32_t flags;         /* enum zygote_flags */
    uint32_t mount_count;
    char mounts[ZYGOTE_MAX_MOUNTS][AGENT_MOUNT]; /* where the volumes appear, outer ones first */
    char nameserver[AGENT_NAMESERVER]; /* address for /etc/resolv.conf; "": leave the image's */
};

struct zygote_helper {
    uint32_t version;
    uint32_t type;
    uint32_t id;
    uint32_t op; /* enum helper_op */
};

union zygote_request {
    struct {
        uint32_t version, type, id;
    } any;
    struct zygote_create create;
    struct zygote_helper helper;
};

/* zygote -> daemon: one for each request. Descriptor: a pidfd (CREATE, on success). */
struct zygote_reply {
    uint32_t version;
    uint32_t id;
    int32_t pid;
    int32_t error; /* errno; 0: fine so far, the new agent tells the rest itself */
};

/* ---- daemon -> agent ------------------------------------------------------------------------- */

enum agent_request_type {
    AGENT_SPAWN = 1, /* fds: {arguments memfd, status pipe} -> AGENT_SPAWNED */
    AGENT_HELPER, /* value = enum helper_op, fds: {socket, arguments memfd}; answers only there */
    AGENT_SIGNAL, /* pid, value = signal number -> AGENT_DONE */
    AGENT_CLOSE_STDIN, /* drop the agent's own duplicate -> AGENT_DONE */
    AGENT_ADOPT,       /* -> AGENT_PROCESS for each, then AGENT_DONE */
    AGENT_FORGET,      /* the end of `pid` was dealt with: drop what is kept of it; no reply */
    AGENT_KEEP,        /* fd: held until the sandbox ends, and by that tells somebody; no reply */
    AGENT_DEADLINE, /* value = seconds of CLOCK_BOOTTIME at which to end when no daemon is there; 0:
                       never. Until one is told, the loss of the daemon is the end */
};

enum agent_spawn_flags {
    SPAWN_PTY = 1,
    SPAWN_STDIN = 2, /* a pipe; else /dev/null */
};

struct agent_request {
    uint32_t version;
    uint32_t type;
    uint32_t id; /* echoed */
    uint32_t flags;
    int32_t pid;
    uint16_t cols, rows;
    int64_t value;
};

/* ---- agent -> daemon ------------------------------------------------------------------------- */

enum agent_reply_type {
    AGENT_HELLO = 1, /* first on every connection */
    AGENT_FAILED,    /* instead of HELLO: set-up broke; error = errno, text says at what */
    AGENT_SPAWNED,   /* pid, fds: pty {master} or {stdout, stderr[, stdin]} */
    AGENT_DONE,      /* error = errno or 0 */
    AGENT_PROCESS,   /* pid, flags, status; fds {arguments memfd, then as SPAWNED} */
    AGENT_EXITED,    /* pid, status as of wait(2); unsolicited; repeated by ADOPT until FORGET */
};

enum agent_process_flags {
    PROCESS_PTY = 1,
    PROCESS_STDIN = 2,
    PROCESS_EXITED = 4,
};

struct agent_reply {
    uint32_t version;
    uint32_t type;
    uint32_t id;
    uint32_t flags;
    int32_t pid; /* as seen inside */
    int32_t status;
    int32_t error;
    int32_t unused;
    int64_t value;
    char text[128];
};

/* ---- arguments of SPAWN ---------------------------------------------------------------------- */

/* The memfd: this head, then `bytes` of NUL-terminated strings: user, cwd, tag, cmd, args..., then
 * KEY=VALUE... . An empty user or cwd means the default given with them; an empty tag is none.
 * Order of the environment: PATH HOME USER LOGNAME by the user's entry, then these, last one wins.
 */
struct spawn_arguments {
    uint32_t version;
    uint32_t bytes;
    uint32_t arg_count; /* without cmd */
    uint32_t env_count;
    int64_t deadline_ms; /* a note of the daemon to its successor: when to kill it; 0: never */
};

/* Written to the status pipe when the program could not be started; end of file means it runs. A
 * program that is not there is no such failure: it is told on stderr and exits 127, as a shell
 * does. */
enum spawn_failure {
    SPAWN_NO_USER = 1,
    SPAWN_NO_CWD,
    SPAWN_SYSTEM,
    SPAWN_NO_PROGRAM, /* only with a pty */
};

struct spawn_status {
    uint32_t failure;
    int32_t error;
};

/* ---- helpers --------------------------------------------------------------------------------- */

/* A helper gets one end of a SOCK_SEQPACKET pair and an arguments memfd laid out as for SPAWN
 * (user,
 * "", "", then the strings named here as args). It answers with struct helper_reply messages, the
 * last of which has HELPER_LAST, and exits; closing the other end ends it. */
enum helper_op {
    HELPER_EMPTY = 1, /* zygote; object: a directory. Removes all in it, slowly until it is sent a
                         message (of any one byte). */
    HELPER_MEASURE,   /* zygote; object: a directory. value = bytes allocated below it. */
    HELPER_NETWORK,   /* zygote; object: a pidfd, args: commands of network.h. Sets routes. */
    HELPER_CONNECT,   /* agent; args: port. fd: a stream socket connected to it on loopback. */
    HELPER_COPY, /* zygote; objects: rw of a sandbox that stands still, an empty directory. Puts
                    what the uppers hold into root and usr there. */
    HELPER_ROOT, /* agent. fd: the root directory, for the HELPER_FILE_TAKE of another one. */
    /* agent; backend/agent/files_protocol.h tells their arguments and answers */
    HELPER_FILE_OPEN_READ,
    HELPER_FILE_OPEN_WRITE,
    HELPER_FILE_STAT,
    HELPER_FILE_MAKE_DIR,
    HELPER_FILE_MOVE,
    HELPER_FILE_REMOVE,
    HELPER_FILE_LIST,
    HELPER_FILE_COMPOSE,
    HELPER_FILE_WATCH,
    HELPER_FILE_TAKE,
    /* zygote; object: the directory of a volume, which OPEN_READ, STAT and LIST take there, too */
    HELPER_VOLUME_OPEN_WRITE,
    HELPER_VOLUME_MAKE_DIR,
    HELPER_VOLUME_CHANGE,
    HELPER_VOLUME_REMOVE,
    HELPER_OPS,
};

enum { HELPER_LAST = 1 };

struct helper_reply {
    uint32_t version;
    uint32_t flags;
    int32_t error; /* errno */
    uint32_t unused;
    int64_t value;
};

#endif
