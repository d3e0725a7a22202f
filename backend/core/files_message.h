/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of the file helpers as they arrive in the daemon. They come out of a sandbox, so every
 * length, enum and descriptor is checked here and nowhere else.
 */
#ifndef E2B_CORE_FILES_MESSAGE_H
#define E2B_CORE_FILES_MESSAGE_H

#include "backend/agent/files_protocol.h"
#include "common/util.h"

/* What a record says; text is NUL-terminated and valid until the next one is read. */
struct file_info {
    uint32_t watch, event; /* enum files_event */
    uint32_t mode;         /* of the file itself; 0: nothing is known but the path */
    uint32_t target_mode;  /* of what it leads to; 0: nowhere */
    uint32_t uid, gid;
    int64_t size, mtime_sec, atime_sec, ctime_sec;
    uint32_t mtime_nsec, atime_nsec, ctime_nsec;
    const char *path;
    const char *target; /* NULL unless it is a symlink */
    const char *owner, *group;
    const char *metadata; /* "key\0value\0"... */
    size_t metadata_len;
};

struct files_message {
    struct helper_reply head;
    const char *bytes; /* the records */
    size_t len, at;
    int fd; /* owned; -1: none came */
};

enum files_received {
    FILES_RECEIVED,
    FILES_LATER, /* nothing there yet */
    FILES_ENDED, /* the helper is gone, or spoke nonsense */
};

/* Reads one message without waiting. The bytes are valid until the next call. */
enum files_received files_message_receive(int sock, struct files_message *message);
/* The same of bytes that are there already; takes fd. False: nonsense. */
bool files_message_parse(struct files_message *message, const char *bytes, size_t len, int fd);
/* False at the end. */
bool files_message_next(struct files_message *message, struct file_info *info);

#endif
