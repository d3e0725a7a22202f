/* SPDX-License-Identifier: Apache-2.0
 *
 * The root directory of the base template. The lists below are allow-lists: nothing of the host is
 * in a sandbox that they do not name, and no name in them is a place for secrets or for what
 * belongs to a server or a person of the host.
 */
#include "backend/image/base_parts.h"

#include "backend/image/base_accounts.h"
#include "common/ids.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *path;
    mode_t mode;
} directories[] = {
    {".", 0755},
    {"dev", 0755},
    {"etc", 0755},
    {"etc/opt", 0755},
    {"etc/sudoers.d", 0750},
    {"home", 0755},
    {"media", 0755},
    {"mnt", 0755},
    {"opt", 0755},
    {"proc", 0555},
    {"root", 0700},
    {"run", 0755},
    {"srv", 0755},
    {"sys", 0555},
    {"tmp", 01777},
    {"usr", 0755},
    {"var", 0755},
    {"var/backups", 0755},
    {"var/cache", 0755},
    {"var/cache/apt", 0755},
    {"var/cache/apt/archives", 0755},
    {"var/cache/apt/archives/partial", 0700},
    {"var/cache/debconf", 0755},
    {"var/cache/ldconfig", 0700},
    {"var/lib", 0755},
    {"var/lib/apt", 0755},
    {"var/lib/apt/lists", 0755},
    {"var/lib/apt/lists/partial", 0700},
    {"var/lib/apt/mirrors", 0755},
    {"var/lib/apt/mirrors/partial", 0755},
    {"var/lib/misc", 0755},
    {"var/local", 02775},
    {"var/log", 0755},
    {"var/log/apt", 0755},
    {"var/mail", 02775},
    {"var/opt", 0755},
    {"var/spool", 0755},
    {"var/tmp", 01777},
};

static const char *const etc_names[] = {
    "adduser.conf",
    "alternatives",
    "apk",
    "apt",
    "bash.bashrc",
    "bash_completion.d",
    "bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "csh.cshrc",
    "csh.login",
    "debconf.conf",
    "debian_version",
    "default",
    "deluser.conf",
    "dnf",
    "dpkg",
    "ethertypes",
    "fedora-release",
    "fonts",
    "gai.conf",
    "host.conf",
    "init.d",
    "inputrc",
    "issue",
    "java-*",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "libaudit.conf",
    "locale.alias",
    "locale.conf",
    "locale.gen",
    "localtime",
    "login.defs",
    "lsb-release",
    "magic",
    "magic.mime",
    "mime.types",
    "nanorc",
    "netconfig",
    "networks",
    "nsswitch.conf",
    "os-release",
    "pacman.conf",
    "pacman.d",
    "pam.conf",
    "pam.d",
    "perl",
    "pki",
    "profile",
    "profile.d",
    "protocols",
    "python3*",
    "rc*.d",
    "redhat-release",
    "rpc",
    "rpm",
    "security",
    "services",
    "shells",
    "skel",
    "ssl",
    "system-release",
    "terminfo",
    "timezone",
    "ucf.conf",
    "vim",
    "xattr.conf",
    "xdg",
    "yum.repos.d",
};

/* Keys and passwords have a place in some of those directories. */
static const char *const etc_except[] = {"private", "auth.conf", "auth.conf.d", "entitlement",
                                         "*.key",   "*.pem.key", "opasswd",     NULL};

static const char *const var_names[] = {
    "cache/debconf/config.dat",
    "cache/debconf/templates.dat",
    "lib/apt/extended_states",
    "lib/dpkg",
    "lib/pacman",
    "lib/pam",
    "lib/python",
    "lib/rpm",
    "lib/systemd",
    "lib/ucf",
};
static const char *const var_except[] = {"lock*", "*-old", "random-seed", NULL};

static const struct {
    const char *path, *text;
    mode_t mode;
} files[] = {
    {"etc/environment", "PATH=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n",
     0644},
    {"etc/fstab", "", 0644},
    {"etc/hostname", "sandbox\n", 0644},
    {"etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n", 0644},
    {"etc/resolv.conf", "", 0644},
    {"etc/sudoers.d/user", "user ALL=(ALL:ALL) NOPASSWD: ALL\n", 0440},
};

static const char host_sudoers[] =
    "Defaults env_reset\n"
    "Defaults secure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n"
    "root ALL=(ALL:ALL) ALL\n"
    "%sudo ALL=(ALL:ALL) ALL\n"
    "@includedir /etc/sudoers.d\n";

static const struct {
    const char *path, *target;
} links[] = {
    {"etc/mtab", "../proc/self/mounts"},
    {"var/lock", "/run/lock"},
    {"var/run", "/run"},
};

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
    static const char *const names[] = {".bashrc", ".profile", ".bash_logout", ".bash_profile"};
    if (!maker_dir(m, "home/user", 0755, err) ||
        !maker_own(m, "home/user", BASE_USER_ID, BASE_USER_ID, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char from[64], user[64], root[64];
        struct stat st;
        snprintf(from, sizeof(from), "/etc/skel/%s", names[i]);
        snprintf(user, sizeof(user), "home/user/%s", names[i]);
        snprintf(root, sizeof(root), "root/%s", names[i]);
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
