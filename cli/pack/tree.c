/* SPDX-License-Identifier: Apache-2.0
 *
 * One walk from the part of the pattern that is no pattern. An ignored folder is entered only if
 * something in it may count again, and is itself taken in with the first thing that does.
 */
#include "cli/pack/tree.h"

#include "cli/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_LIMIT = 4096, DEPTH_LIMIT = 256 };

struct walk {
    struct tree *tree;
    const struct ignore *ignore;
    struct glob *pattern; /* NULL: there is no pattern in it */
    bool wants_folder;    /* it ended with a slash */
    size_t depth_max;     /* of names in what the pattern can match */
    bool whole;           /* the context itself was copied */
    char path[PATH_LIMIT];
    size_t len;
};

/* A folder on the way down. */
struct level {
    const struct level *up;
    int fd;
    bool *flags;  /* which rules match it */
    bool taken;   /* it is an entry, or need not be one */
    bool is_root; /* the pattern itself matches it */
    struct stat st;
    size_t len; /* of its path */
};

/* ---- entries ----------------------------------------------------------------------------------
 */

static void add(struct walk *w, size_t len, const struct stat *st, bool is_root) {
    struct tree *tree = w->tree;
    if (tree->count == tree->room) {
        tree->room = tree->room ? tree->room * 2 : 64;
        tree->entries = alloc_array(tree->entries, tree->room, sizeof(*tree->entries));
    }
    char *path = strndup(w->path, len);
    if (!path)
        abort();
    tree->entries[tree->count++] = (struct tree_entry){
        .path = path, .mode = st->st_mode, .size = (uint64_t)st->st_size, .is_root = is_root};
    tree->root_count += is_root;
    if (S_ISREG(st->st_mode)) {
        tree->files++;
        tree->bytes += (uint64_t)st->st_size;
    }
}

static bool push(struct walk *w, const char *name, struct error *err) {
    size_t len = strlen(name);
    if (w->len + len + 2 > sizeof(w->path))
        return error_set(err, ERR_INVALID, "%s/%s: the path is too long", w->path, name);
    if (w->len)
        w->path[w->len++] = '/';
    memcpy(w->path + w->len, name, len + 1);
    w->len += len;
    return true;
}

/* The official clients hash what is directly in a folder once more for each link to it below what
 * was copied, unless that is the whole context. In an archive it would be written through the link.
 */
static void add_doubles(struct walk *w, const bool *flags) {
    int fd = w->whole ? -1 : tree_open(w->tree->context, w->path, O_RDONLY | O_DIRECTORY);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    size_t before = w->len;
    const struct dirent *entry;
    bool *here = alloc_array(NULL, w->ignore->count + 1, sizeof(bool));
    while (dir && (entry = readdir(dir))) {
        struct stat st;
        struct error ignored = ERROR_INIT;
        bool is_name = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        if (is_name && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode)) &&
            push(w, entry->d_name, &ignored) && !ignore_path(w->ignore, w->path, flags, here)) {
            add(w, w->len, &st, false);
            w->tree->entries[w->tree->count - 1].is_double = true;
        }
        w->len = before;
        w->path[before] = '\0';
    }
    if (dir)
        closedir(dir);
    free(here);
}

static void take_folders(struct walk *w, struct level *level) {
    if (level->taken)
        return;
    if (level->up)
        take_folders(w, (struct level *)(uintptr_t)level->up);
    add(w, level->len, &level->st, level->is_root);
    level->taken = true;
}

static bool check_kind(const struct walk *w, const struct stat *st, struct error *err) {
    static const struct {
        mode_t type;
        const char *name;
    } kinds[] = {{S_IFSOCK, "a socket"},
                 {S_IFIFO, "a named pipe"},
                 {S_IFCHR, "a device"},
                 {S_IFBLK, "a device"}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if ((st->st_mode & S_IFMT) == kinds[i].type) {
            error_set(err, ERR_INVALID, "%s is %s: it cannot be part of a template", w->path,
                      kinds[i].name);
            return error_hint(err, "name it in .dockerignore, or remove it");
        }
    return true;
}

/* ---- the walk ---------------------------------------------------------------------------------
 */

static bool walk_folder(struct walk *w, struct level *level, bool inside, size_t depth,
                        struct error *err);

/* One name in a folder. `inside`: something above it matched the pattern. */
static bool visit(struct walk *w, struct level *in, const char *name, bool inside, size_t depth,
                  struct error *err) {
    struct level here = {.up = in, .fd = -1};
    size_t before = w->len;
    if (!push(w, name, err))
        return false;
    if (fstatat(in->fd, name, &here.st, AT_SYMLINK_NOFOLLOW) < 0)
        return error_errno(err, errno, "cannot look at %s", w->path);
    bool is_folder = S_ISDIR(here.st.st_mode), ok = true;
    bool matches = !inside && (is_folder || !w->wants_folder) &&
                   (!w->pattern || glob_match(w->pattern, w->path));
    here.len = w->len;
    here.flags = alloc_array(NULL, w->ignore->count + 1, sizeof(bool));
    bool ignored = ignore_path(w->ignore, w->path, in->flags, here.flags);
    bool counts = !ignored && (inside || matches);
    if (counts) {
        ok = check_kind(w, &here.st, err);
        take_folders(w, in);
        add(w, w->len, &here.st, matches);
    }
    if (counts && inside && S_ISLNK(here.st.st_mode))
        add_doubles(w, here.flags);
    /* The official clients do not look into what they matched and ignored. */
    bool below = inside || (matches && !(ignored && w->ignore->is_compat));
    bool may_enter = !ignored || ignore_reopens(w->ignore, w->path);
    if (ok && is_folder && may_enter && (below || depth < w->depth_max)) {
        here.taken = counts || !below || w->ignore->is_compat;
        here.is_root = matches;
        here.fd = openat(in->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        ok = here.fd >= 0 ? walk_folder(w, &here, below, depth + 1, err)
                          : error_errno(err, errno, "cannot open %s", w->path);
    }
    free(here.flags);
    w->len = before;
    w->path[before] = '\0';
    return ok;
}

/* Closes the folder. */
static bool walk_folder(struct walk *w, struct level *level, bool inside, size_t depth,
                        struct error *err) {
    const char *name = *w->path ? w->path : "the build context";
    DIR *dir = depth < DEPTH_LIMIT ? fdopendir(level->fd) : NULL;
    const struct dirent *entry;
    if (!dir) {
        error_errno(err, depth < DEPTH_LIMIT ? errno : ELOOP, "cannot read %s", name);
        close_fd(&level->fd);
        return false;
    }
    bool ok = true;
    errno = 0;
    while (ok && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = visit(w, level, entry->d_name, inside, depth, err);
        errno = 0;
    }
    if (ok && errno)
        ok = error_errno(err, errno, "cannot read %s", name);
    closedir(dir);
    level->fd = -1;
    return ok;
}

/* ---- where it starts --------------------------------------------------------------------------
 */

/* What the rules say of a folder that the walk starts in: they are asked from the top down. */
static void flags_of(const struct ignore *ignore, const char *path, bool *flags) {
    cleanup_free char *part = strdup(path);
    bool *here = alloc_array(NULL, ignore->count + 1, sizeof(bool));
    if (!part)
        abort();
    memset(flags, 0, ignore->count * sizeof(bool));
    for (char *at = part; *part && at;) {
        at = strchr(at, '/');
        if (at)
            *at = '\0';
        ignore_path(ignore, part, flags, here);
        if (!ignore->is_compat)
            memcpy(flags, here, ignore->count * sizeof(bool));
        if (at)
            *at++ = '/';
    }
    free(here);
}

static bool open_folder(struct walk *w, struct level *level, const char *path, struct error *err) {
    level->fd = tree_open(w->tree->context, path, O_RDONLY | O_DIRECTORY);
    if (level->fd < 0 && errno == EXDEV)
        return error_set(err, ERR_INVALID, "%s leads out of the build context", path);
    if (level->fd < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? true
                   : error_errno(err, errno, "cannot open %s", *path ? path : "the build context");
    snprintf(w->path, sizeof(w->path), "%s", path);
    w->len = level->len = strlen(w->path);
    level->flags = alloc_array(NULL, w->ignore->count + 1, sizeof(bool));
    flags_of(w->ignore, path, level->flags);
    level->taken = true;
    return fstat(level->fd, &level->st) == 0 || error_errno(err, errno, "cannot look at %s", path);
}

static bool walk_pattern(struct walk *w, const char *pattern, struct error *err) {
    char folder[PATH_LIMIT];
    size_t plain = strcspn(pattern, "*?[\\");
    while (plain && pattern[plain - 1] != '/')
        plain--;
    snprintf(folder, sizeof(folder), "%.*s", (int)(plain ? plain - 1 : 0), pattern);
    w->pattern = glob_compile(pattern, GLOB_DOCKER, err);
    if (!w->pattern)
        return false;
    for (const char *at = pattern + plain; *at; at++)
        w->depth_max += *at == '/';
    if (strstr(pattern, "**"))
        w->depth_max = DEPTH_LIMIT;
    struct level level = {.fd = -1};
    bool ok = open_folder(w, &level, folder, err) &&
              (level.fd < 0 || walk_folder(w, &level, false, 0, err));
    close_fd(&level.fd);
    free(level.flags);
    return ok;
}

/* No pattern: the path is the only match. */
static bool walk_path(struct walk *w, const char *path, struct error *err) {
    struct level level = {.fd = -1};
    char folder[PATH_LIMIT];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash ? slash - path : 0), path);
    bool ok = open_folder(w, &level, folder, err);
    const char *name = slash ? slash + 1 : path;
    if (ok && level.fd >= 0 && !*name) {
        add(w, 0, &level.st, true);
        w->whole = true;
        ok = walk_folder(w, &level, true, 0, err);
    } else if (ok && level.fd >= 0 && faccessat(level.fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        ok = visit(w, &level, name, false, 0, err);
    }
    close_fd(&level.fd);
    free(level.flags);
    return ok;
}

/* ---- order ------------------------------------------------------------------------------------
 */

/* By UTF-16 units, as JavaScript compares: of UTF-8 only characters beyond the first plane stand
 * elsewhere, before U+E000 to U+FFFF. */
static int by_path(const void *a, const void *b) {
    const unsigned char *x = (const unsigned char *)((const struct tree_entry *)a)->path;
    const unsigned char *y = (const unsigned char *)((const struct tree_entry *)b)->path;
    while (*x && *x == *y)
        x++, y++;
    if (*x >= 0xee && *y >= 0xee && (*x >= 0xf0) != (*y >= 0xf0))
        return *x >= 0xf0 ? -1 : 1;
    return *x - *y;
}

static bool finish(struct tree *tree, const char *pattern, struct error *err) {
    if (!tree->count)
        return error_set(err, ERR_NOT_FOUND, "No files found: %s", pattern);
    qsort(tree->entries, tree->count, sizeof(*tree->entries), by_path);
    return true;
}

/* "./a//b/" as "a/b"; the parser has seen that it stays inside, so only names are left. */
static void normalize(const char *pattern, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    while (*pattern && used + 1 < size) {
        size_t len = strcspn(pattern, "/");
        if (len == 2 && strncmp(pattern, "..", 2) == 0) {
            char *slash = strrchr(out, '/');
            used = slash ? (size_t)(slash - out) : 0;
            out[used] = '\0';
        } else if (len && !(len == 1 && *pattern == '.')) {
            used += (size_t)snprintf(out + used, size - used, "%s%.*s", used ? "/" : "", (int)len,
                                     pattern);
        }
        pattern += len;
        pattern += strspn(pattern, "/");
    }
}

bool tree_select(struct tree *tree, int context, enum tree_kind kind, const char *source,
                 const struct ignore *ignore, struct error *err) {
    struct walk w = {.tree = tree, .ignore = ignore};
    char plain[PATH_LIMIT];
    size_t len = strlen(source);
    *tree = (struct tree){.context = context};
    if (len >= sizeof(plain))
        return error_set(err, ERR_INVALID, "the path is too long: %.200s", source);
    normalize(source, plain, sizeof(plain));
    w.wants_folder = len > 1 && source[len - 1] == '/';
    bool ok = (kind == TREE_PATTERN ? walk_pattern(&w, plain, err) : walk_path(&w, plain, err)) &&
              finish(tree, source, err);
    glob_free(w.pattern);
    if (!ok)
        tree_free(tree);
    return ok;
}

void tree_free(struct tree *tree) {
    for (size_t i = 0; i < tree->count; i++)
        free(tree->entries[i].path);
    free(tree->entries);
    *tree = (struct tree){0};
}
