/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the host's files themselves, not through the C library: that could ask a directory service
 * for every employee of a company.
 */
#include "backend/image/base_accounts.h"

#include "common/io.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FILE = 4 << 20, NOBODY = 65534, SUDO_GID = 27, LINE_FIELDS = 7, SHADOW_DAY = 19000 };

struct accounts {
    struct buf passwd, shadow, group, gshadow;
    uint32_t id_count;
    bool has_sudo, has_gid_27;
    gid_t shadow_gid;
    bool whole; /* nothing failed for want of memory */
};

static void add(struct accounts *a, struct buf *to, const char *line) {
    if (!buf_puts(to, line))
        a->whole = false;
}

/* Cuts `line` at its colons; fields that are not there are "". */
static void split(char *line, char *field[LINE_FIELDS]) {
    for (size_t i = 0; i < LINE_FIELDS; i++) {
        char *colon = strchr(line, ':');
        field[i] = line;
        line = colon ? colon + 1 : line + strlen(line);
        if (colon)
            *colon = '\0';
    }
}

/* A system account of the host, with an id that exists inside. */
static bool is_kept(const struct accounts *a, const char *name, const char *id_text) {
    char *end;
    unsigned long id = strtoul(id_text, &end, 10);
    if (!*name || !*id_text || *end || strchr("+-", *name) || !strcmp(name, "user"))
        return false;
    return (id < BASE_USER_ID || id == NOBODY) && (id < a->id_count || a->id_count == 1);
}

static void add_user(struct accounts *a, char *field[LINE_FIELDS]) {
    char line[1024];
    if (!is_kept(a, field[0], field[2]) || !strncmp(field[5], "/home/", 6))
        return; /* a person may have a system id */
    snprintf(line, sizeof(line), "%.64s:x:%.10s:%.10s:%.128s:%.256s:%.256s\n", field[0], field[2],
             field[3], field[4], field[5], field[6]);
    add(a, &a->passwd, line);
    snprintf(line, sizeof(line), "%.64s:*:%d:0:99999:7:::\n", field[0], SHADOW_DAY);
    add(a, &a->shadow, line);
}

static void add_group_lines(struct accounts *a, const char *name, const char *gid,
                            const char *members) {
    char line[256];
    snprintf(line, sizeof(line), "%.64s:x:%.10s:%s\n", name, gid, members);
    add(a, &a->group, line);
    snprintf(line, sizeof(line), "%.64s:*::%s\n", name, members);
    add(a, &a->gshadow, line);
}

/* The host's members are its people: only `user` is put into a group. */
static void add_group(struct accounts *a, char *field[LINE_FIELDS]) {
    if (!is_kept(a, field[0], field[2]))
        return;
    gid_t gid = (gid_t)strtoul(field[2], NULL, 10);
    bool admits = !strcmp(field[0], "sudo") || !strcmp(field[0], "wheel");
    a->has_sudo |= !strcmp(field[0], "sudo");
    a->has_gid_27 |= gid == SUDO_GID;
    if (!strcmp(field[0], "shadow"))
        a->shadow_gid = gid;
    add_group_lines(a, field[0], field[2], admits ? "user" : "");
}

static bool each_line(struct accounts *a, const char *path,
                      void (*take)(struct accounts *a, char *field[LINE_FIELDS]),
                      struct error *err) {
    cleanup_buf struct buf text = BUF_INIT(MAX_FILE);
    char *field[LINE_FIELDS], *rest;
    if (!io_read_file(path, &text, err))
        return false;
    char *line = text.data ? strtok_r(text.data, "\n", &rest) : NULL;
    for (; line; line = strtok_r(NULL, "\n", &rest)) {
        split(line, field);
        take(a, field);
    }
    return true;
}

/* Where there is one id, `user` is root by another name. */
static void add_ourselves(struct accounts *a) {
    char line[256];
    int id = a->id_count > 1 ? BASE_USER_ID : 0;
    snprintf(line, sizeof(line), "user:x:%d:%d::/home/user:%s\n", id, id,
             access("/usr/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh");
    add(a, &a->passwd, line);
    snprintf(line, sizeof(line), "user:*:%d:0:99999:7:::\n", SHADOW_DAY);
    add(a, &a->shadow, line);
    if (!a->has_sudo)
        add_group_lines(a, "sudo", a->has_gid_27 ? "999" : "27", "user");
    add_group_lines(a, "user", id ? "1000" : "0", "");
}

static bool write_all(const struct maker *m, const struct accounts *a, struct error *err) {
    return maker_file(m, "etc/passwd", 0644, a->passwd.data, err) &&
           maker_file(m, "etc/group", 0644, a->group.data, err) &&
           maker_file(m, "etc/shadow", 0640, a->shadow.data, err) &&
           maker_file(m, "etc/gshadow", 0640, a->gshadow.data, err) &&
           maker_own(m, "etc/shadow", 0, a->shadow_gid, err) &&
           maker_own(m, "etc/gshadow", 0, a->shadow_gid, err) &&
           maker_file(m, "etc/subuid", 0644, "", err) && maker_file(m, "etc/subgid", 0644, "", err);
}

bool base_make_accounts(const struct maker *m, struct error *err) {
    struct accounts a = {
        .passwd = BUF_INIT(MAX_FILE),
        .shadow = BUF_INIT(MAX_FILE),
        .group = BUF_INIT(MAX_FILE),
        .gshadow = BUF_INIT(MAX_FILE),
        .id_count = m->id_count,
        .whole = true,
    };
    bool done =
        each_line(&a, "/etc/passwd", add_user, err) && each_line(&a, "/etc/group", add_group, err);
    if (done) {
        add_ourselves(&a);
        done = (a.whole || error_set(err, ERR_LIMIT, "the host has too many accounts")) &&
               write_all(m, &a, err);
    }
    buf_free(&a.passwd);
    buf_free(&a.shadow);
    buf_free(&a.group);
    buf_free(&a.gshadow);
    return done;
}
