/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding or making the base template: what names it, the temporary directory it grows in, and the
 * rename that makes it one.
 */
#include "backend/image/base.h"

#include "backend/image/base_parts.h"
#include "backend/image/holder_run.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/io.h"
#include "common/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { BASE_FORMAT = 2 }; /* raise when what is made changes */
enum { KEY_USE = 8, KEY_TEXT = KEY_USE + 1 + 16 + 1 };

#define TEMPORARY ".new-"
/* The last that is made of it. The sandboxes' ids own what is in it, so that an ordinary user's
 * `rm -rf` removes this and not the rest. */
#define MARK "whole"

/* Whether one of these changed says whether the host's packages did: names and times, no scan. */
static const char *const made_of[] = {
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/sbin",
    "/usr/share",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/bin/sudo",
    "/usr/bin/python",
    "/usr/bin/python3",
    "/etc/passwd",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d",
    "/etc/ssl/certs",
    "/etc/localtime",
    "/etc/default",
    "/var/lib/dpkg/status",
    "/var/lib/rpm",
    "/usr/lib/sysimage/rpm",
    "/var/lib/pacman/local",
};

struct build {
    const struct base_config *config;
    const char *sudo_path; /* NULL when the host's sudo is used */
    int dir, sudo;
    bool skeleton, python, layer;
    struct maker_counts *counts; /* shared with the child */
};

static void say(const struct base_config *config, const char *line) {
    if (config->report)
        config->report(config->ctx, line);
}

/* ---- what it is made of ---------------------------------------------------------------------- */

static void mix(uint64_t *hash, const void *bytes, size_t len) {
    for (const unsigned char *at = bytes; len--; at++)
        *hash = (*hash ^ *at) * 0x100000001b3; /* FNV-1a */
}

static void mix_file(uint64_t *hash, const char *path) {
    struct stat st;
    int64_t facts[4] = {0};
    if (stat(path, &st) == 0) {
        facts[0] = (int64_t)st.st_ino;
        facts[1] = st.st_mtim.tv_sec;
        facts[2] = st.st_mtim.tv_nsec;
        facts[3] = S_ISDIR(st.st_mode) ? 0 : st.st_size;
    }
    mix(hash, facts, sizeof(facts));
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* What is needed of it for it to be of use, then what the host had to give, with a dash between. */
static void find_key(const struct build *b, char key[static KEY_TEXT]) {
    const struct base_config *config = b->config;
    const uint32_t own[] = {BASE_FORMAT, config->id_base, config->id_count, b->skeleton, b->layer};
    uint64_t use = HASH_START, host = HASH_START;
    mix(&use, own, sizeof(own));
    for (size_t i = 0; i < ARRAY_LEN(made_of); i++)
        mix_file(&host, made_of[i]);
    if (b->sudo_path)
        mix_file(&host, b->sudo_path);
    snprintf(key, KEY_TEXT, "%0*" PRIx32 "-%016" PRIx64, KEY_USE, (uint32_t)(use ^ use >> 32),
             host);
}

/* The host's sudo works inside only where its owner shows as root. `python` is there in the hosted
 * service's base, and what is written for that says so. */
static void decide(struct build *b) {
    struct stat st;
    b->skeleton = !b->config->usr_is_idmapped;
    bool host_sudo = !b->skeleton && stat("/usr/bin/sudo", &st) == 0 && (st.st_mode & S_ISUID);
    b->python = access("/usr/bin/python", F_OK) < 0 && access("/usr/bin/python3", X_OK) == 0;
    b->layer = b->skeleton || !host_sudo || b->python;
    b->sudo_path = host_sudo ? NULL : b->config->sudo;
}

/* ---- making it ------------------------------------------------------------------------------- */

static bool make_part(const struct build *b, const char *name, bool is_root, struct error *err) {
    const struct base_usr usr = {.skeleton = b->skeleton, .python = b->python, .sudo = b->sudo};
    if (mkdirat(b->dir, name, 0755) < 0)
        return error_errno(err, errno, "cannot make the base template");
    cleanup_close int dir = openat(b->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return error_errno(err, errno, "cannot open the base template");
    struct maker m = {.dir = dir, .id_count = b->config->id_count, .counts = b->counts};
    return is_root ? base_make_root(&m, b->sudo < 0, err) : base_make_usr(&m, &usr, err);
}

static bool make_parts(void *ctx, struct error *err) {
    const struct build *b = ctx;
    if (!make_part(b, "root", true, err) || (b->layer && !make_part(b, "usr", false, err)))
        return false;
    cleanup_close int mark = openat(b->dir, MARK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (mark < 0)
        return error_errno(err, errno, "cannot make the base template");
    /* a name that survives a crash of the machine has to stand for files that do */
    return syncfs(b->dir) == 0 || error_errno(err, errno, "cannot write the base template to disk");
}

static bool make_in(struct build *b, const char *temporary, struct error *err) {
    const struct base_config *config = b->config;
    b->dir = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (b->dir < 0)
        return error_errno(err, errno, "cannot open %s", temporary);
    if (geteuid() == 0 && fchown(b->dir, config->id_base, config->id_base) < 0)
        return error_errno(err, errno, "cannot give %s to the sandboxes' root", temporary);
    if (b->sudo_path && (b->sudo = open(b->sudo_path, O_RDONLY | O_CLOEXEC)) < 0)
        return error_errno(err, errno, "cannot open %s", b->sudo_path);
    return holder_run(config->holder, make_parts, b, err);
}

static bool make_temporary(struct build *b, const char *parent, const char *whole,
                           struct error *err) {
    char temporary[PATHS_MAX + 32], tag[ID_UUID];
    ids_uuid(tag);
    snprintf(temporary, sizeof(temporary), "%s/" TEMPORARY "%.8s", parent, tag);
    if (mkdir(temporary, 0700) < 0)
        return error_errno(err, errno, "cannot create %s", temporary);
    if (!make_in(b, temporary, err))
        return false;
    return rename(temporary, whole) == 0 || error_errno(err, errno, "cannot create %s", whole);
}

static bool is_whole(int parent, const char *key) {
    char mark[KEY_TEXT + sizeof(MARK) + 1];
    snprintf(mark, sizeof(mark), "%.*s/" MARK, KEY_TEXT - 1, key);
    return faccessat(parent, mark, F_OK, 0) == 0;
}

/* One that somebody removed in part. */
static void discard_remains(const char *state, const char *whole) {
    char to[PATHS_MAX + 64], tag[ID_UUID];
    ids_uuid(tag);
    snprintf(to, sizeof(to), "%s/trash/base-%.8s", state, tag);
    rename(whole, to);
}

/* What a killed daemon left half-made; the owner of the trash removes it in his own time. */
static void discard_temporaries(const char *state, const char *parent) {
    DIR *dir = opendir(parent);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char from[PATHS_MAX + 300], to[PATHS_MAX + 300];
        if (strncmp(entry->d_name, TEMPORARY, strlen(TEMPORARY)) != 0)
            continue;
        snprintf(from, sizeof(from), "%s/%s", parent, entry->d_name);
        snprintf(to, sizeof(to), "%s/trash/base%s", state, entry->d_name + 1);
        rename(from, to);
    }
    if (dir)
        closedir(dir);
}

static bool build(struct build *b, const char *parent, const char *whole, struct error *err) {
    char line[128];
    int64_t start = clock_mono_ms();
    b->counts =
        mmap(NULL, sizeof(*b->counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b->counts == MAP_FAILED)
        return error_errno(err, errno, "cannot build the base template");
    say(b->config, "building the base template from this machine, once");
    bool done = make_temporary(b, parent, whole, err);
    if (done) {
        snprintf(line, sizeof(line),
                 "base template ready: %" PRIu64 " entries, %" PRIu64 " MB in %.1f s",
                 b->counts->entries, b->counts->bytes / 1000000,
                 (double)(clock_mono_ms() - start) / 1000);
        say(b->config, line);
    }
    munmap(b->counts, sizeof(*b->counts));
    close_fd(&b->dir);
    close_fd(&b->sudo);
    discard_temporaries(b->config->state, parent); /* ours too, if it failed */
    return done;
}

static bool is_later(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

static void name_layers(const struct build *b, const char *key, struct base *base) {
    *base = (struct base){"", ""};
    snprintf(base->root, sizeof(base->root), "base/%s/root", key);
    if (b->layer)
        snprintf(base->usr, sizeof(base->usr), "base/%s/usr", key);
}

/* The one made last that is of the same use; false: there is none. */
static bool find_older(const char *parent, char key[static KEY_TEXT]) {
    DIR *dir = opendir(parent);
    const struct dirent *entry;
    struct timespec last = {0};
    bool found = false;
    char name[KEY_TEXT];
    snprintf(name, sizeof(name), "%s", key);
    while (dir && (entry = readdir(dir))) {
        struct stat st;
        if (strlen(entry->d_name) != KEY_TEXT - 1 || memcmp(entry->d_name, name, KEY_USE + 1) ||
            !is_whole(dirfd(dir), entry->d_name) ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            (found && !is_later(&st.st_ctim, &last)))
            continue;
        found = true;
        last = st.st_ctim;
        memcpy(key, entry->d_name, KEY_TEXT);
    }
    if (dir)
        closedir(dir);
    return found;
}

enum base_found base_find(const struct base_config *config, struct base *base) {
    struct build b = {.config = config, .dir = -1, .sudo = -1};
    char parent[PATHS_MAX], key[KEY_TEXT];
    if (snprintf(parent, sizeof(parent), "%s/base", config->state) >= PATHS_MAX)
        return BASE_NONE;
    decide(&b);
    find_key(&b, key);
    cleanup_close int dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const bool is_current = is_whole(dir, key);
    if (!is_current && !find_older(parent, key))
        return BASE_NONE;
    name_layers(&b, key, base);
    return is_current ? BASE_CURRENT : BASE_OLDER;
}

bool base_prepare(const struct base_config *config, struct base *base, struct error *err) {
    struct build b = {.config = config, .dir = -1, .sudo = -1};
    char parent[PATHS_MAX], trash[PATHS_MAX], key[KEY_TEXT], whole[PATHS_MAX + KEY_TEXT];
    if (snprintf(parent, sizeof(parent), "%s/base", config->state) >= PATHS_MAX ||
        snprintf(trash, sizeof(trash), "%s/trash", config->state) >= PATHS_MAX)
        return error_set(err, ERR_INVALID, "path too long: %s", config->state);
    decide(&b);
    if (!io_mkdirs(parent, 0700, err) || !io_mkdirs(trash, 0700, err))
        return false;
    find_key(&b, key);
    snprintf(whole, sizeof(whole), "%s/%s", parent, key);
    name_layers(&b, key, base);
    cleanup_close int dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (is_whole(dir, key)) {
        discard_temporaries(config->state, parent);
        return true;
    }
    discard_remains(config->state, whole);
    return build(&b, parent, whole, err) || error_wrap(err, "cannot build the base template");
}
