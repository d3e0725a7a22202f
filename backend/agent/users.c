/* SPDX-License-Identifier: Apache-2.0
 *
 * See users.h. One pass over a file a question: the files are small, and a copy kept here would go
 * stale whenever the sandbox adds a user.
 */
#include "backend/agent/users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FIELDS = 7 };

struct lines {
    int fd;
    size_t start, end;
    bool skipping; /* inside a line that is too long */
    char bytes[USERS_LINE];
};

/* O_NONBLOCK: a FIFO in its place must not hang us. */
static bool lines_open(struct lines *l, const char *path) {
    struct stat st;
    *l = (struct lines){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (l->fd >= 0 && fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode))
        return true;
    if (l->fd >= 0)
        close(l->fd);
    return false;
}

static bool lines_fill(struct lines *l) {
    if (l->start) {
        memmove(l->bytes, l->bytes + l->start, l->end - l->start);
        l->end -= l->start;
        l->start = 0;
    }
    if (l->end == sizeof(l->bytes)) {
        l->skipping = true;
        l->end = 0;
    }
    ssize_t n;
    do
        n = read(l->fd, l->bytes + l->end, sizeof(l->bytes) - l->end);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        l->end += (size_t)n;
    return n > 0;
}

/* The next line, NUL-terminated in place, or NULL at the end. */
static char *lines_next(struct lines *l) {
    for (;;) {
        char *newline = memchr(l->bytes + l->start, '\n', l->end - l->start);
        if (!newline) {
            if (lines_fill(l))
                continue;
            if (l->end == l->start || l->end == sizeof(l->bytes))
                return NULL;
            l->bytes[l->end++] = '\n'; /* a last line without its newline is one too */
            continue;
        }
        char *line = l->bytes + l->start;
        *newline = '\0';
        l->start = (size_t)(newline + 1 - l->bytes);
        if (!l->skipping)
            return line;
        l->skipping = false;
    }
}

static size_t split(char *line, char *fields[MAX_FIELDS]) {
    size_t count = 0;
    while (line && count < MAX_FIELDS)
        fields[count++] = strsep(&line, ":");
    return count;
}

bool users_number(const char *text, uint32_t *value) {
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (*end || errno || n >= UINT32_MAX) /* -1 means "leave it" to chown(2) */
        return false;
    *value = (uint32_t)n;
    return true;
}

static bool copy(char *to, size_t room, const char *from) {
    size_t len = strlen(from);
    if (len >= room)
        return false;
    memcpy(to, from, len + 1);
    return true;
}

static bool user_of_line(char *line, struct user *user) {
    char *f[MAX_FIELDS];
    return split(line, f) == MAX_FIELDS && *f[0] && users_number(f[2], &user->uid) &&
           users_number(f[3], &user->gid) && copy(user->name, sizeof(user->name), f[0]) &&
           copy(user->home, sizeof(user->home), *f[5] ? f[5] : "/");
}

bool users_find(const char *name, struct user *user) {
    struct lines l;
    struct user here;
    uint32_t wanted;
    bool is_number = users_number(name, &wanted), found = false;
    if (!lines_open(&l, "/etc/passwd"))
        return false;
    for (char *line; (line = lines_next(&l));) {
        if (!user_of_line(line, &here))
            continue;
        bool same_name = strcmp(here.name, name) == 0;
        if (same_name || (is_number && !found && here.uid == wanted)) {
            *user = here;
            found = true;
        }
        if (same_name)
            break;
    }
    close(l.fd);
    return found;
}

bool users_find_group(const char *name, uint32_t *gid) {
    struct lines l;
    bool found = false;
    if (users_number(name, gid))
        return true;
    if (!lines_open(&l, "/etc/group"))
        return false;
    for (char *line; !found && (line = lines_next(&l));) {
        char *f[MAX_FIELDS];
        found = split(line, f) >= 3 && strcmp(f[0], name) == 0 && users_number(f[2], gid);
    }
    close(l.fd);
    return found;
}

static bool lists_member(char *members, const char *name) {
    for (char *one; (one = strsep(&members, ","));)
        if (strcmp(one, name) == 0)
            return true;
    return false;
}

size_t users_groups(const struct user *user, uint32_t *gids, size_t room) {
    struct lines l;
    size_t count = 0;
    if (room)
        gids[count++] = user->gid;
    if (!lines_open(&l, "/etc/group"))
        return count;
    for (char *line; count < room && (line = lines_next(&l));) {
        char *f[MAX_FIELDS];
        uint32_t gid;
        if (split(line, f) == 4 && users_number(f[2], &gid) && gid != user->gid &&
            lists_member(f[3], user->name))
            gids[count++] = gid;
    }
    close(l.fd);
    return count;
}

static void name_of(const char *path, uint32_t id, char name[static USERS_NAME]) {
    struct lines l;
    snprintf(name, USERS_NAME, "%u", id);
    if (!lines_open(&l, path))
        return;
    for (char *line; (line = lines_next(&l));) {
        char *f[MAX_FIELDS];
        uint32_t here;
        if (split(line, f) >= 4 && *f[0] && users_number(f[2], &here) && here == id &&
            copy(name, USERS_NAME, f[0]))
            break;
    }
    close(l.fd);
}

void users_name_of(uint32_t uid, char name[static USERS_NAME]) {
    name_of("/etc/passwd", uid, name);
}

void users_group_name_of(uint32_t gid, char name[static USERS_NAME]) {
    name_of("/etc/group", gid, name);
}
