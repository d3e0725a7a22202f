/* SPDX-License-Identifier: Apache-2.0
 *
 * What is mounted over a sandbox's root: the kernel's file systems, a small /dev, /run and /tmp in
 * memory (but a /tmp that the template has files in stays), and the masks over what the kernel
 * tells of the host. All paths resolve in the new root.
 */
#include "backend/agent/setup.h"
#include "backend/agent/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define EMPTY "/dev/empty"

static int fail(struct setup *s, const char *what) {
    s->what = what;
    return errno;
}

static int make_dir(const char *path, unsigned mode) {
    return mkdir(path, mode) < 0 && errno != EEXIST ? -1 : 0;
}

struct filesystem {
    const char *target, *type, *options;
    unsigned long flags;
    unsigned mode; /* of the directory, where it is missing */
};

static int mount_one(struct setup *s, const struct filesystem *f) {
    if (make_dir(f->target, f->mode) < 0 ||
        mount(f->type, f->target, f->type, f->flags, f->options) < 0)
        return fail(s, f->target);
    return 0;
}

int setup_kernel_mounts(struct setup *s) {
    static const struct filesystem mounts[] = {
        {"/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555},
        {"/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, 0555},
    };
    int error = mount_one(s, &mounts[0]);
    return error ? error : mount_one(s, &mounts[1]);
}

/* A part of the stage's file system, which was `name` there. */
static int mount_part(struct setup *s, const char *name, const char *target, unsigned mode) {
    char stage[32];
    snprintf(stage, sizeof(stage), SETUP_STAGE_NAME "/%s", name);
    if (mkdirat(s->old_root, stage, mode) < 0 || make_dir(target, mode) < 0)
        return fail(s, target);
    int tree = sys_open_tree(s->old_root, stage);
    int error = tree < 0 || sys_move_mount(tree, target) < 0 ? fail(s, target) : 0;
    if (tree >= 0)
        close(tree);
    return error;
}

static int bind_device(struct setup *s, const char *name) {
    char from[32], to[32];
    snprintf(from, sizeof(from), "dev/%s", name);
    snprintf(to, sizeof(to), "/dev/%s", name);
    int tree = sys_open_tree(s->old_root, from);
    if (tree < 0)
        return fail(s, name);
    int file = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int error = file < 0 || sys_move_mount(tree, to) < 0 ? fail(s, name) : 0;
    if (file >= 0)
        close(file);
    close(tree);
    return error;
}

int setup_devices(struct setup *s) {
    static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *const links[][2] = {
        {"/proc/self/fd", "/dev/fd"},       {"/proc/self/fd/0", "/dev/stdin"},
        {"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"},
        {"pts/ptmx", "/dev/ptmx"},
    };
    const struct filesystem pts = {"/dev/pts", "devpts",
                                   s->plan->id_count > 1
                                       ? "newinstance,ptmxmode=0666,mode=0620,gid=5"
                                       : "newinstance,ptmxmode=0666,mode=0620",
                                   MS_NOSUID | MS_NOEXEC, 0755};
    int error = mount_part(s, "dev", "/dev", 0755);
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]) && !error; i++)
        error = bind_device(s, devices[i]);
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]) && !error; i++)
        if (symlink(links[i][0], links[i][1]) < 0)
            error = fail(s, links[i][1]);
    if (!error)
        error = mount_one(s, &pts);
    return error ? error : mount_part(s, "shm", "/dev/shm", 01777);
}

static int write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -1;
    size_t len = strlen(text);
    bool ok = write(fd, text, len) == (ssize_t)len;
    close(fd);
    return ok ? 0 : -1;
}

/* Over the image's own file, if it has one: bound, not written, so the upper layer stays empty. */
static int bind_text(struct setup *s, const char *from, const char *over, const char *text) {
    if (write_file(from, text) < 0)
        return fail(s, from);
    if (mount(from, over, NULL, MS_BIND, NULL) < 0 && errno != ENOENT && errno != ENOTDIR)
        return fail(s, over);
    return 0;
}

static int write_identity(struct setup *s) {
    const struct zygote_create *plan = s->plan;
    char text[512];
    if (write_file("/run/e2b/.E2B_SANDBOX", "true") < 0 ||
        write_file("/run/e2b/.E2B_SANDBOX_ID", plan->hostname) < 0 ||
        write_file("/run/e2b/.E2B_TEMPLATE_ID", plan->template_id) < 0)
        return fail(s, "/run/e2b");
    snprintf(text, sizeof(text), "%s\n", plan->hostname);
    int error = bind_text(s, "/run/e2b/hostname", "/etc/hostname", text);
    snprintf(text, sizeof(text),
             "127.0.0.1\tlocalhost\n127.0.1.1\t%s\n"
             "::1\tlocalhost ip6-localhost ip6-loopback\n",
             plan->hostname);
    if (!error)
        error = bind_text(s, "/run/e2b/hosts", "/etc/hosts", text);
    snprintf(text, sizeof(text), "nameserver %s\n", plan->nameserver);
    if (!error && *plan->nameserver)
        error = bind_text(s, "/run/e2b/resolv.conf", "/etc/resolv.conf", text);
    return error;
}

/* Without readdir, whose buffer every sandbox would keep. */
static bool has_files(const char *path) {
    _Alignas(struct dirent64) char names[512]; /* the directory itself, its parent, and one more */
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const ssize_t len = fd < 0 ? 0 : getdents64(fd, names, sizeof(names));
    int count = 0;
    for (ssize_t at = 0; at < len; count++)
        at += ((const struct dirent64 *)(const void *)(names + at))->d_reclen;
    if (fd >= 0)
        close(fd);
    return count > 2;
}

int setup_run_and_tmp(struct setup *s) {
    int error = mount_part(s, "run", "/run", 0755);
    if (!error && (s->plan->flags & ZYGOTE_KEEPS_TMP || has_files("/tmp")))
        error = make_dir("/tmp", 01777) < 0 ? fail(s, "/tmp") : 0;
    else if (!error)
        error = mount_part(s, "tmp", "/tmp", 01777);
    if (!error && (mkdir("/run/lock", 01777) < 0 || mkdir("/run/e2b", 0755) < 0))
        error = fail(s, "/run");
    return error ? error : write_identity(s);
}

/* None of these gives anything to a root whose ids and capabilities are not the host's; a second
 * wall for the day when the kernel forgets to ask. A kernel may lack any of them. */
static int mask_file(const char *path) {
    return mount("/dev/null", path, NULL, MS_BIND, NULL) < 0 && errno != ENOENT ? errno : 0;
}

/* A directory that is removed already: nothing can be made in it, and it costs no file system. */
static int mask_directory(const char *path) {
    return mount(EMPTY, path, NULL, MS_BIND, NULL) < 0 && errno != ENOENT && errno != ENOTDIR
               ? errno
               : 0;
}

static int make_read_only(const char *path) {
    if (mount(path, path, NULL, MS_BIND, NULL) < 0)
        return errno == ENOENT ? 0 : errno;
    return mount(NULL, path, NULL,
                 MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0
               ? errno
               : 0;
}

/* Every start of a sandbox is a boot of its own; the host's tells who else runs beside it. */
static int make_boot_id(struct setup *s) {
    static const char from[] = "/run/e2b/boot_id", over[] = "/proc/sys/kernel/random/boot_id";
    unsigned char b[16];
    char text[64];
    if (getrandom(b, sizeof(b), 0) != sizeof(b))
        return fail(s, from);
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    snprintf(text, sizeof(text),
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    int error = bind_text(s, from, over, text);
    unlink(from); /* what is bound stays */
    if (error || access(over, F_OK) < 0)
        return error;
    return mount(NULL, over, NULL,
                 MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0
               ? fail(s, over)
               : 0;
}

int setup_masks(struct setup *s) {
    static const struct {
        const char *path;
        int (*mask)(const char *path);
    } masks[] = {
        {"/proc/sys", make_read_only},
        {"/proc/sysrq-trigger", make_read_only},
        {"/proc/irq", make_read_only},
        {"/proc/bus", make_read_only},
        {"/proc/fs", make_read_only},
        {"/proc/kcore", mask_file},
        {"/proc/keys", mask_file},
        {"/proc/timer_list", mask_file},
        {"/proc/latency_stats", mask_file},
        {"/proc/acpi", mask_directory},
        {"/proc/scsi", mask_directory},
        {"/sys/firmware", mask_directory},
        {"/sys/devices/virtual/powercap", mask_directory},
    };
    if (mkdir(EMPTY, 0555) < 0)
        return fail(s, EMPTY);
    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        s->what = masks[i].path;
        int error = masks[i].mask(masks[i].path);
        if (error)
            return error;
    }
    return rmdir(EMPTY) < 0 ? fail(s, EMPTY) : make_boot_id(s);
}
