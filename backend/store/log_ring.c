/* SPDX-License-Identifier: Apache-2.0
 *
 * See log_ring.h. A line is a head with a check sum over the rest of it, and its text; a reader
 * that meets anything else looks for the next head that is right.
 */
#include "backend/store/log_ring.h"

#include "common/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const uint32_t magic = 0x31473245;

/* As in the file. */
struct head {
    uint32_t magic, check;
    int64_t at_ms;
    int32_t pid;
    uint16_t len;
    uint8_t level, source;
};
_Static_assert(sizeof(struct head) == LOG_RING_HEAD, "no padding");

enum { NAME = 64, SEGMENTS = 2 };
static const char *const suffixes[SEGMENTS] = {".old", ".log"};

static bool file_name(char name[static NAME], const char *log, size_t segment) {
    return snprintf(name, NAME, "%s%s", log, suffixes[segment]) < NAME;
}

static uint32_t check_sum(const struct head *head, const char *text) {
    uint32_t hash = 2166136261U; /* FNV-1a */
    const unsigned char *at = (const unsigned char *)&head->at_ms;
    for (size_t i = 0; i < sizeof(*head) - offsetof(struct head, at_ms); i++)
        hash = (hash ^ at[i]) * 16777619U;
    for (size_t i = 0; i < head->len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619U;
    return hash;
}

/* ---- writing ---- */

bool log_ring_encode(struct buf *batch, const struct log_record *record) {
    struct head head = {
        .magic = magic,
        .at_ms = record->at_ms,
        .pid = record->pid,
        .len = (uint16_t)MIN(record->len, LOG_RING_LINE),
        .level = (uint8_t)record->level,
        .source = (uint8_t)record->source,
    };
    head.check = check_sum(&head, record->text);
    if (!buf_reserve(batch, sizeof(head) + head.len))
        return false;
    return buf_add(batch, &head, sizeof(head)) && buf_add(batch, record->text, head.len);
}

static int open_segment(int dir, const char *name) {
    return openat(dir, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

bool log_ring_append(int dir, const char *log, const struct buf *batch, struct error *err) {
    char name[NAME], older[NAME];
    struct stat st;
    if (!file_name(name, log, 1) || !file_name(older, log, 0))
        return error_set(err, ERR_INVALID, "the name of a log is too long");
    cleanup_close int fd = open_segment(dir, name);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(err, errno, "cannot open a log");
    if ((size_t)st.st_size + batch->len > LOG_RING_SEGMENT) {
        close_fd(&fd);
        if (renameat(dir, name, dir, older) < 0 || (fd = open_segment(dir, name)) < 0)
            return error_errno(err, errno, "cannot begin a new segment of a log");
    }
    return io_write_all(fd, batch->data, batch->len) ||
           error_errno(err, errno, "cannot write to a log");
}

/* ---- reading ---- */

static bool read_segment(int dir, const char *name, struct buf *into, struct error *err) {
    cleanup_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT || error_errno(err, errno, "cannot open a log");
    return io_read_all(fd, into) || error_errno(err, errno, "cannot read a log");
}

/* The line that begins at `at`; 0, or its length in the file. */
static size_t decode(const char *at, size_t len, struct log_record *record) {
    struct head head;
    if (len < sizeof(head))
        return 0;
    memcpy(&head, at, sizeof(head));
    const char *text = at + sizeof(head);
    if (head.magic != magic || head.len > LOG_RING_LINE || head.len > len - sizeof(head) ||
        head.level > LOG_ERROR || head.source >= LOG_SOURCES ||
        check_sum(&head, text) != head.check)
        return 0;
    *record = (struct log_record){
        .at_ms = head.at_ms,
        .level = head.level,
        .source = head.source,
        .pid = head.pid,
        .text = text,
        .len = head.len,
    };
    return sizeof(head) + head.len;
}

/* Where the next head may begin, behind `at`. */
static size_t next_head(const struct buf *bytes, size_t at) {
    const char *found = memmem(bytes->data + at + 1, bytes->len - at - 1, &magic, sizeof(magic));
    return found ? (size_t)(found - bytes->data) : bytes->len;
}

static bool decode_all(struct log_content *content) {
    const struct buf *bytes = &content->bytes;
    content->records = calloc(bytes->len / LOG_RING_HEAD + 1, sizeof(*content->records));
    if (!content->records)
        return false;
    for (size_t at = 0; at < bytes->len;) {
        size_t len = decode(bytes->data + at, bytes->len - at, &content->records[content->count]);
        if (len)
            content->count++;
        at = len ? at + len : next_head(bytes, at);
    }
    return true;
}

bool log_ring_read(int dir, const char *log, struct log_content *content, struct error *err) {
    *content = (struct log_content){.bytes = BUF_INIT(2 * SEGMENTS * LOG_RING_SEGMENT)};
    for (size_t i = 0; i < SEGMENTS; i++) {
        char name[NAME];
        if (file_name(name, log, i) && !read_segment(dir, name, &content->bytes, err))
            return false;
    }
    return decode_all(content) || error_errno(err, ENOMEM, "cannot read a log");
}

void log_content_free(struct log_content *content) {
    buf_free(&content->bytes);
    free(content->records);
}

/* ---- what is too old or too much ---- */

struct segment {
    int64_t written_s, bytes;
    char name[NAME];
};

struct segments {
    struct segment *at;
    size_t count, cap;
    int64_t bytes;
};

static bool add_segment(struct segments *all, const char *name, const struct stat *st) {
    if (all->count == all->cap) {
        size_t cap = MAX(all->cap * 2, (size_t)64);
        struct segment *at = reallocarray(all->at, cap, sizeof(*at));
        if (!at)
            return false;
        all->at = at;
        all->cap = cap;
    }
    struct segment *segment = &all->at[all->count++];
    segment->written_s = st->st_mtime;
    segment->bytes = (int64_t)st->st_blocks * 512;
    snprintf(segment->name, sizeof(segment->name), "%s", name);
    all->bytes += segment->bytes;
    return true;
}

static bool is_segment(const char *name) {
    size_t len = strlen(name);
    return len > 4 && len < NAME &&
           (strcmp(name + len - 4, suffixes[0]) == 0 || strcmp(name + len - 4, suffixes[1]) == 0);
}

static void find_segments(int dir, struct segments *all) {
    struct stat st;
    const struct dirent *entry;
    int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = own < 0 ? NULL : fdopendir(own);
    if (!stream) {
        close_fd(&own);
        return;
    }
    while ((entry = readdir(stream)))
        if (is_segment(entry->d_name) &&
            fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            !add_segment(all, entry->d_name, &st))
            break; /* the next collection has another try */
    closedir(stream);
}

static int oldest_first(const void *a, const void *b) {
    const struct segment *x = a, *y = b;
    return (x->written_s > y->written_s) - (x->written_s < y->written_s);
}

void log_ring_collect(int dir, int64_t before_s, int64_t most_bytes) {
    struct segments all = {0};
    find_segments(dir, &all);
    if (all.count)
        qsort(all.at, all.count, sizeof(*all.at), oldest_first);
    for (size_t i = 0; i < all.count; i++) {
        if (all.at[i].written_s >= before_s && all.bytes <= most_bytes)
            break;
        if (unlinkat(dir, all.at[i].name, 0) == 0)
            all.bytes -= all.at[i].bytes;
    }
    free(all.at);
}
