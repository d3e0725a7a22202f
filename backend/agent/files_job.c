/* SPDX-License-Identifier: Apache-2.0
 *
 * The answer to a file operation: records are packed until a message is full.
 */
#include "backend/agent/files_job.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void send_message(struct files_job *job, struct helper_reply head, int fd) {
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    head.version = AGENT_PROTOCOL;
    memcpy(job->message, &head, sizeof(head));
    struct iovec iov = {job->message, job->len ? job->len : sizeof(head)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(job->sock, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    job->len = 0;
    if (n < 0)
        _exit(0); /* whoever asked has left */
}

/* Names of the last owner seen: a listing asks for the same one again and again. */
static const char *cached_name(uint32_t id, bool is_group) {
    static struct {
        char name[USERS_NAME];
        uint32_t id;
        bool known;
    } cache[2];
    if (!cache[is_group].known || cache[is_group].id != id) {
        if (is_group)
            users_group_name_of(id, cache[is_group].name);
        else
            users_name_of(id, cache[is_group].name);
        cache[is_group].id = id;
        cache[is_group].known = true;
    }
    return cache[is_group].name;
}

/* What a symlink leads to: its own path if it leads nowhere. */
static const char *link_target(const char *path, char target[static PATH_MAX]) {
    return realpath(path, target) ? target : path;
}

struct strings {
    const char *at[5];
    size_t len[5];
};

static void fill(struct files_record *record, const char *path, const struct stat *st) {
    struct stat target;
    record->mode = record->target_mode = st->st_mode;
    if (S_ISLNK(st->st_mode))
        record->target_mode = stat(path, &target) == 0 ? target.st_mode : 0;
    record->mtime_sec = st->st_mtim.tv_sec;
    record->mtime_nsec = (uint32_t)st->st_mtim.tv_nsec;
    record->atime_sec = st->st_atim.tv_sec;
    record->atime_nsec = (uint32_t)st->st_atim.tv_nsec;
    record->ctime_sec = st->st_ctim.tv_sec;
    record->ctime_nsec = (uint32_t)st->st_ctim.tv_nsec;
    record->uid = st->st_uid;
    record->gid = st->st_gid;
    record->size = st->st_size;
}

static void append(struct files_job *job, struct files_record *record, const struct strings *s) {
    size_t bytes = sizeof(*record);
    for (size_t i = 0; i < 5; i++)
        bytes += s->len[i];
    bytes = (bytes + 7) & ~(size_t)7;
    record->bytes = (uint32_t)bytes;
    if (job->len + bytes > sizeof(job->message))
        files_flush(job);
    if (!job->len)
        job->len = sizeof(struct helper_reply);
    char *to = job->message + job->len;
    memset(to, 0, bytes);
    memcpy(to, record, sizeof(*record));
    to += sizeof(*record);
    for (size_t i = 0; i < 5; i++) {
        if (s->len[i])
            memcpy(to, s->at[i], s->len[i]);
        to += s->len[i];
    }
    job->len += bytes;
}

void files_add(struct files_job *job, const char *path, const struct stat *st,
               const struct files_label *label) {
    static char target[PATH_MAX], metadata[FILES_METADATA];
    struct files_record record = {0};
    const char *shown = path;
    if (label) {
        record.watch = label->watch;
        record.event = label->event;
        if (label->shown)
            shown = label->shown;
    }
    struct strings s = {.at = {shown}, .len = {strlen(shown)}};
    if (s.len[0] >= FILES_PATH)
        return; /* no request could name it */
    if (st) {
        fill(&record, path, st);
        if (S_ISLNK(st->st_mode))
            s.at[1] = link_target(path, target);
        s.at[2] = cached_name(st->st_uid, false);
        s.at[3] = cached_name(st->st_gid, true);
        for (size_t i = 1; i < 4; i++)
            s.len[i] = s.at[i] ? strlen(s.at[i]) : 0;
        s.at[4] = metadata;
        s.len[4] = files_get_metadata(path, metadata);
    }
    record.path_len = (uint16_t)s.len[0];
    record.target_len = (uint16_t)s.len[1];
    record.owner_len = (uint16_t)s.len[2];
    record.group_len = (uint16_t)s.len[3];
    record.metadata_len = (uint16_t)s.len[4];
    append(job, &record, &s);
}

void files_flush(struct files_job *job) {
    if (job->len)
        send_message(job, (struct helper_reply){0}, -1);
}

void files_done(struct files_job *job, int fd) {
    send_message(job, (struct helper_reply){.flags = HELPER_LAST}, fd);
}

void files_fail(struct files_job *job, enum files_failure failure, int error, const char *path) {
    files_flush(job);
    if (path)
        files_add(job, path, NULL, NULL);
    send_message(job, (struct helper_reply){.flags = HELPER_LAST, .error = error, .value = failure},
                 -1);
}

void files_fail_errno(struct files_job *job, int error, const char *path) {
    static const struct {
        int error;
        enum files_failure failure;
    } known[] = {
        {ENOENT, FILES_MISSING},
        {ENOTDIR, FILES_MISSING},
        {ELOOP, FILES_LOOP},
        {EISDIR, FILES_DIRECTORY},
    };
    enum files_failure failure = FILES_SYSTEM;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].error == error)
            failure = known[i].failure;
    files_fail(job, failure, error, path);
}

void files_done_path(struct files_job *job, const char *path) {
    struct stat st;
    if (lstat(path, &st) < 0) {
        files_fail_errno(job, errno, path);
        return;
    }
    files_add(job, path, &st, NULL);
    files_done(job, -1);
}

void files_tell(struct files_job *job, enum files_failure failure, int error, uint32_t watch,
                const char *path) {
    files_flush(job);
    if (watch)
        files_add(job, path, NULL, &(struct files_label){.watch = watch});
    send_message(job, (struct helper_reply){.error = error, .value = failure}, -1);
}
