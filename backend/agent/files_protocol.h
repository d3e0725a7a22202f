/* SPDX-License-Identifier: Apache-2.0
 *
 * What the file helpers (HELPER_FILE_* of protocol.h) are asked and answer. Every message is a
 * struct helper_reply whose `value` is an enum files_failure, `error` the errno behind it, then any
 * number of struct files_record with their strings. The last message has HELPER_LAST.
 *
 * Paths are as the API got them: "" and "~" are the user's home, relative ones start there.
 */
#ifndef E2B_AGENT_FILES_PROTOCOL_H
#define E2B_AGENT_FILES_PROTOCOL_H

#include "backend/agent/protocol.h"

#include <linux/magic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum {
    FILES_PATH = 4096,
    FILES_MESSAGE = 60 << 10,  /* the largest message, either way */
    FILES_METADATA = 4096,     /* "key\0value\0"... of one file */
    FILES_SNAPSHOT = 16 << 20, /* the most that is copied of a file the daemon must not read */
    FILES_MAX_DEPTH = 1024,    /* of a listing */
};

/* Arguments of the operations, and what they answer besides a failure:
 *
 *   OPEN_READ   path                         descriptor and record of a regular file
 *   OPEN_WRITE  path [key value]...          likewise, open for writing, empty
 *   STAT        path                         record
 *   MAKE_DIR    path                         record
 *   MOVE        source destination           record of the destination
 *   REMOVE      path                         nothing
 *   LIST        path depth                   records, in many messages
 *   COMPOSE     destination source...        record of the destination
 *   TAKE        source destination owner mode
 *                                            nothing. Copies out of another sandbox: it is sent a
 *               message with the socket of that one's HELPER_ROOT. The source is a pattern; of a
 *               directory the content is taken. owner "user[:group]" and mode (as chmod takes
 *               it) are of what comes, "": as it is. The record of a failure: what is missing, or
 *               in the way
 *   WATCH       (none: see struct watch_request)
 *
 * On a volume, where paths begin at its directory; a number may be "" for what is usual, force is
 * "1" or "0":
 *
 *   OPEN_WRITE  path uid gid mode force      as above; replaces a file only by force
 *   MAKE_DIR    path uid gid mode force      record; makes what is above it only by force
 *   CHANGE      path uid gid mode            record
 *   REMOVE      path                         nothing; it has to be there
 */

enum files_failure {
    FILES_OK = 0,
    FILES_NO_USER,
    FILES_BAD_PATH,     /* ~other */
    FILES_MISSING,      /* what the path names is not there */
    FILES_DIRECTORY,    /* it is a directory, and must not be */
    FILES_NO_DIRECTORY, /* it must be a directory, and is not */
    FILES_PARENT,       /* the record's path is no directory, but is needed as one */
    FILES_EXISTS,       /* MAKE_DIR: the directory is there already */
    FILES_NOT_REGULAR,  /* a device, FIFO or socket */
    FILES_LOOP,         /* too many symlinks */
    FILES_NETWORK,      /* WATCH: a file system that tells nothing of other hosts' changes */
    FILES_NO_METADATA,  /* the file system keeps no extended attributes of users */
    FILES_TOO_LARGE,    /* a file that must be copied to be read, and is too large for it */
    FILES_SAME_PATH,    /* COMPOSE: the destination is one of the sources */
    FILES_OVERFLOW,     /* WATCH: events were lost */
    FILES_SYSTEM,       /* anything else: see errno */
    FILES_FAILURES,
};

enum files_event {
    FILES_EVENT_NONE = 0, /* the answer to an operation */
    FILES_EVENT_CREATE,
    FILES_EVENT_WRITE,
    FILES_EVENT_REMOVE,
    FILES_EVENT_RENAME,
    FILES_EVENT_CHMOD,
    FILES_EVENTS,
};

/* A regular file that can be read and written without being blocked at somebody's will: on a file
 * system that is the kernel's own, and no FUSE or network. Both sides ask. */
static inline bool files_is_plain(int fd) {
    static const uint32_t local[] = {
        OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,
        BTRFS_SUPER_MAGIC,     RAMFS_MAGIC, F2FS_SUPER_MAGIC,
    };
    struct stat st;
    struct statfs fs;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fstatfs(fd, &fs) < 0)
        return false;
    for (unsigned i = 0; i < sizeof(local) / sizeof(local[0]); i++)
        if ((uint32_t)fs.f_type == local[i])
            return true;
    return false;
}

/* Followed by path, target, owner, group and metadata, without NULs between them, padded to a
 * multiple of 8. */
struct files_record {
    uint32_t bytes; /* of all of it, a multiple of 8 */
    uint32_t watch; /* WATCH: whose answer or event this is */
    uint32_t event;
    uint32_t mode;        /* st_mode of lstat; 0: nothing known but the path */
    uint32_t target_mode; /* st_mode of stat; 0: a broken symlink */
    uint32_t uid, gid;
    uint32_t mtime_nsec, atime_nsec, ctime_nsec;
    int64_t mtime_sec, atime_sec, ctime_sec;
    int64_t size;
    uint16_t path_len;   /* an event: of the name below the watched directory */
    uint16_t target_len; /* of a symlink, fully resolved */
    uint16_t owner_len;
    uint16_t group_len;
    uint16_t metadata_len;
    uint16_t unused[3];
};

/* The watch helper serves all watches of a sandbox (the kernel grants few inotify instances). It
 * is told on its socket; for an ADD it answers one message with a record of that `watch`, and
 * events follow. A failure with a record later ends that watch, one without ends them all. */
enum watch_request_type {
    WATCH_ADD = 1, /* followed by "user\0path\0" */
    WATCH_REMOVE,
};

enum watch_flags {
    WATCH_RECURSIVE = 1,
    WATCH_ENTRIES = 2, /* records of events tell of the file, too */
    WATCH_NETWORK = 4, /* network file systems are fine */
};

struct watch_request {
    uint32_t version;
    uint32_t type;
    uint32_t watch;
    uint32_t flags;
};

#endif
