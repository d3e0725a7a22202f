/* SPDX-License-Identifier: Apache-2.0
 *
 * The root directory of the base template, as templates/base/root.h has it.
 */
#include "backend/image/base_parts.h"

#include "backend/image/base_accounts.h"
#include "common/ids.h"
#include "templates/base/root.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* bin, lib ... as the host links them into /usr. */
static bool mirror_links(const struct maker *m, struct error *err) {
    static const char *const names[] = {"bin", "sbin", "lib", "lib32", "lib64", "libx32"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[16], target[PATH_MAX];
        snprintf(path, sizeof(path), "/%s", names[i]);
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        if (n < 0 && errno == ENOENT)
            continue;
        if (n < 0) {
            error_set(err, ERR_UNSUPPORTED, "this host keeps %s apart from /usr", path);
            return error_hint(err, "install the usrmerge package, or import an image and use that "
                                   "as the template");
        }
        target[n] = '\0';
        if (!maker_link(m, names[i], target, err))
            return false;
    }
    return true;
}

static bool copy_etc_entry(const struct maker *m, const char *name, struct error *err) {
    char from[PATH_MAX];
    for (size_t i = 0; i < ARRAY_LEN(etc_names); i++) {
        if (fnmatch(etc_names[i], name, 0) != 0)
            continue;
        snprintf(from, sizeof(from), "/etc/%s", name);
        return maker_copy(m, from, from + 1, MAKER_ALL, etc_except, err);
    }
    return true;
}

static bool copy_etc(const struct maker *m, struct error *err) {
    DIR *etc = opendir("/etc");
    if (!etc)
        return error_errno(err, errno, "cannot read /etc");
    const struct dirent *entry;
    bool done = true;
    while (done && (entry = readdir(etc)))
        if (entry->d_name[0] != '.')
            done = copy_etc_entry(m, entry->d_name, err);
    closedir(etc);
    return done;
}

static bool copy_var(const struct maker *m, struct error *err) {
    bool done = true;
    for (size_t i = 0; i < ARRAY_LEN(var_names) && done; i++) {
        char from[64];
        snprintf(from, sizeof(from), "/var/%s", var_names[i]);
        done = maker_copy(m, from, from + 1, MAKER_ALL, var_except, err);
    }
    return done;
}

static bool make_homes(const struct maker *m, struct error *err) {
    if (!maker_dir(m, "home/user", 0755, err) ||
        !maker_own(m, "home/user", BASE_USER_ID, BASE_USER_ID, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(home_names); i++) {
        char from[64], user[64], root[64];
        struct stat st;
        snprintf(from, sizeof(from), "/etc/skel/%s", home_names[i]);
        snprintf(user, sizeof(user), "home/user/%s", home_names[i]);
        snprintf(root, sizeof(root), "root/%s", home_names[i]);
        if (lstat(from, &st) < 0 || !(st.st_mode & S_IROTH))
            continue;
        if (!maker_copy(m, from, user, MAKER_ALL, NULL, err) ||
            !maker_own(m, user, BASE_USER_ID, BASE_USER_ID, err) ||
            !maker_copy(m, from, root, MAKER_ALL, NULL, err))
            return false;
    }
    return true;
}

static bool make_machine_id(const struct maker *m, struct error *err) {
    unsigned char bytes[16];
    char text[34];
    ids_random(bytes, sizeof(bytes));
    ids_hex(bytes, sizeof(bytes), text);
    strcat(text, "\n");
    return maker_file(m, "etc/machine-id", 0444, text, err);
}

static bool make_own(const struct maker *m, bool host_sudo, struct error *err) {
    bool done = true;
    for (size_t i = 0; i < ARRAY_LEN(files) && done; i++)
        done = maker_file(m, files[i].path, files[i].mode, files[i].text, err);
    for (size_t i = 0; i < ARRAY_LEN(links) && done; i++)
        done = maker_link(m, links[i].path, links[i].target, err);
    if (done && host_sudo)
        done = maker_file(m, "etc/sudoers", 0440, host_sudoers, err);
    return done && make_machine_id(m, err);
}

bool base_make_root(const struct maker *m, bool host_sudo, struct error *err) {
    bool done = true;
    for (size_t i = 0; i < ARRAY_LEN(directories) && done; i++)
        done = maker_dir(m, directories[i].path, directories[i].mode, err);
    return done && mirror_links(m, err) && base_make_accounts(m, err) && copy_etc(m, err) &&
           copy_var(m, err) && make_own(m, host_sudo, err) && make_homes(m, err);
}
