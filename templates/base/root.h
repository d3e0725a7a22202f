/* SPDX-License-Identifier: Apache-2.0
 *
 * What `base` is, the template that sandboxes start from unless told otherwise: everything of it
 * outside of /usr, which is the host's. The lists of what is taken over from the host are
 * allow-lists: nothing of it is in a sandbox that they do not name, and no name in them is a place
 * for secrets or for what belongs to a server or a person of the host. Raise BASE_FORMAT of
 * backend/image/base.c with every change.
 */
#ifndef E2B_TEMPLATES_BASE_ROOT_H
#define E2B_TEMPLATES_BASE_ROOT_H

#include "common/util.h"

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

/* Of the host's /etc, with all that is below them. */
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

/* Of the host's /var. */
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

/* etc/sudoers, where the host's own sudo runs inside. */
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

static const char *const home_names[] = {".bashrc", ".profile", ".bash_logout", ".bash_profile"};

#endif
