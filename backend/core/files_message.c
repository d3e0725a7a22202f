/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/files_message.h"
#include "common/io.h"

#include <errno.h>
#include <string.h>

enum { STRINGS = 5 };

/* All messages are read on the loop's thread, one after the other. */
static _Alignas(8) char received[FILES_MESSAGE];

static bool record_at(const struct files_message *m, size_t at, struct files_record *record) {
    if (m->len - at < sizeof(*record))
        return false;
    memcpy(record, m->bytes + at, sizeof(*record));
    size_t text = (size_t)record->path_len + record->target_len + record->owner_len +
                  record->group_len + record->metadata_len;
    return record->bytes % 8 == 0 && record->bytes <= m->len - at &&
           record->bytes >= sizeof(*record) + text && record->event < FILES_EVENTS &&
           record->path_len < FILES_PATH && record->target_len <= FILES_PATH &&
           record->metadata_len <= FILES_METADATA && record->mtime_nsec < 1000000000;
}

bool files_message_parse(struct files_message *m, const char *bytes, size_t len, int fd) {
    *m = (struct files_message){.fd = fd};
    struct files_record record;
    bool ok = len >= sizeof(m->head);
    if (ok) {
        memcpy(&m->head, bytes, sizeof(m->head));
        m->bytes = bytes + sizeof(m->head);
        m->len = len - sizeof(m->head);
        ok = m->head.version == AGENT_PROTOCOL && m->head.value >= 0 &&
             m->head.value < FILES_FAILURES;
    }
    for (size_t at = 0; ok && at < m->len; at += record.bytes)
        ok = record_at(m, at, &record);
    if (ok && m->fd >= 0)
        ok = files_is_plain(m->fd);
    if (!ok)
        close_fd(&m->fd);
    return ok;
}

enum files_received files_message_receive(int sock, struct files_message *m) {
    int fd = -1;
    size_t fds = 1;
    ssize_t n = io_recv_fds(sock, received, sizeof(received), &fd, &fds, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return FILES_LATER;
    if (n <= 0 || !files_message_parse(m, received, (size_t)n, fds ? fd : -1))
        return FILES_ENDED;
    return FILES_RECEIVED;
}

bool files_message_next(struct files_message *m, struct file_info *info) {
    static char text[FILES_MESSAGE + STRINGS];
    struct files_record r;
    if (m->at == m->len)
        return false;
    memcpy(&r, m->bytes + m->at, sizeof(r));
    const char *from = m->bytes + m->at + sizeof(r);
    const size_t lengths[STRINGS] = {r.path_len, r.target_len, r.owner_len, r.group_len,
                                     r.metadata_len};
    char *to = text;
    const char *strings[STRINGS];
    for (size_t i = 0; i < STRINGS; i++) {
        strings[i] = to;
        memcpy(to, from, lengths[i]);
        to[lengths[i]] = '\0';
        to += lengths[i] + 1;
        from += lengths[i];
    }
    m->at += r.bytes;
    *info = (struct file_info){
        .watch = r.watch,
        .event = r.event,
        .mode = r.mode,
        .target_mode = r.target_mode,
        .size = r.size,
        .mtime_sec = r.mtime_sec,
        .mtime_nsec = r.mtime_nsec,
        .atime_sec = r.atime_sec,
        .atime_nsec = r.atime_nsec,
        .ctime_sec = r.ctime_sec,
        .ctime_nsec = r.ctime_nsec,
        .uid = r.uid,
        .gid = r.gid,
        .path = strings[0],
        .target = r.target_len ? strings[1] : NULL,
        .owner = strings[2],
        .group = strings[3],
        .metadata = strings[4],
        .metadata_len = r.metadata_len,
    };
    return true;
}
