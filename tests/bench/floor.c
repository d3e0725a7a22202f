/* SPDX-License-Identifier: Apache-2.0
 *
 * floor ROUNDS DIRECTORY: the least that a sandbox can cost on this kernel. Each round makes,
 * without any daemon, protocol or bookkeeping: two upper directories, seven namespaces, id maps,
 * the root DIRECTORY/base and the host's /usr as overlays, /proc, a small /dev, loopback, a seccomp
 * filter; runs /usr/bin/true in it, waits, removes the directories. Prints the microseconds of each
 * round.
 *
 * Needs root, as its peers in the bench do; ids inside are subordinate ones outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ID_BASE = 2116747264, ID_COUNT = 65536, DIRECTORIES = 5 };

static void need(int result, const char *what) {
    if (result >= 0)
        return;
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    _exit(1);
}

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    need(fd, path);
    need((int)write(fd, text, strlen(text)), path);
    close(fd);
}

static void overlay(const char *lower, const char *upper, const char *work, const char *target) {
    int fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
    need(fs, "fsopen");
    const char *options[][2] = {{"lowerdir", lower}, {"upperdir", upper}, {"workdir", work}};
    for (size_t i = 0; i < 3; i++)
        need((int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0),
             options[i][0]);
    need((int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0), "userxattr");
    need((int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0), "volatile");
    need((int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0), "overlay");
    int mount_fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
    need(mount_fd, "fsmount");
    need((int)syscall(SYS_move_mount, mount_fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH),
         target);
    close(mount_fd);
    close(fs);
}

static void devices(void) {
    static const char *const names[] = {"null", "zero", "full", "random", "urandom", "tty"};
    char from[32], to[32];
    need(mount("tmpfs", "root/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k"), "/dev");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(from, sizeof(from), "/dev/%s", names[i]);
        snprintf(to, sizeof(to), "root/dev/%s", names[i]);
        int fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        need(fd, to);
        close(fd);
        need(mount(from, to, NULL, MS_BIND, NULL), to);
    }
    need(mkdir("root/dev/pts", 0755), "/dev/pts");
    need(mount("devpts", "root/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance"), "devpts");
}

static void loopback_up(void) {
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    need(sock, "socket");
    need(ioctl(sock, SIOCSIFFLAGS, &lo), "lo");
    close(sock);
}

static void filter(void) {
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};
    need((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
}

/* Runs inside, in the round's directory. */
static void sandbox(int go) {
    char byte;
    need((int)read(go, &byte, 1), "go");
    need(setuid(0) | setgid(0), "setuid");
    need(sethostname("floor", 5), "sethostname");
    need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
    overlay("../base", "upper", "work", "root");
    overlay("/usr", "usr-upper", "usr-work", "root/usr");
    need(mount("proc", "root/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "/proc");
    devices();
    need(chdir("root"), "chdir");
    need((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
    need(umount2(".", MNT_DETACH), "umount");
    loopback_up();
    filter();
    execl("/usr/bin/true", "true", NULL);
    need(-1, "exec");
}

static pid_t clone_into_new(void) {
    struct clone_args args = {
        .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                 CLONE_NEWNET | CLONE_NEWCGROUP,
        .exit_signal = SIGCHLD,
    };
    return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static void map_ids(pid_t pid) {
    static const char *const maps[] = {"uid_map", "gid_map"};
    char path[64], map[64];
    snprintf(map, sizeof(map), "0 %d %d", ID_BASE, ID_COUNT);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", pid, maps[i]);
        write_file(path, map);
    }
}

static const char *const round_directories[DIRECTORIES] = {"root", "upper", "work", "usr-upper",
                                                           "usr-work"};

/* Also what a volatile overlay leaves in its work directory, innermost first. */
static void remove_round(void) {
    static const char *const left[] = {"incompat/volatile/dirty", "incompat/volatile", "incompat",
                                       ""};
    char path[128];
    for (size_t i = 0; i < 8; i++) {
        snprintf(path, sizeof(path), "%s/work/%s", i < 4 ? "work" : "usr-work", left[i % 4]);
        remove(path);
    }
    for (size_t i = 0; i < DIRECTORIES; i++)
        remove(round_directories[i]);
}

static void one_round(void) {
    int go[2], status;
    need(mkdir("round", 0711), "mkdir");
    need(chdir("round"), "chdir");
    for (size_t i = 0; i < DIRECTORIES; i++) {
        need(mkdir(round_directories[i], 0755), round_directories[i]);
        need(chown(round_directories[i], ID_BASE, ID_BASE), "chown");
    }
    need(pipe2(go, O_CLOEXEC), "pipe");
    pid_t pid = clone_into_new();
    need(pid, "clone3");
    if (pid == 0)
        sandbox(go[0]);
    map_ids(pid);
    need((int)write(go[1], "g", 1), "go");
    need(waitpid(pid, &status, 0), "wait");
    close(go[0]);
    close(go[1]);
    if (status != 0)
        _exit(1);
    remove_round();
    need(chdir(".."), "chdir");
    need(rmdir("round"), "rmdir round");
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: floor ROUNDS DIRECTORY\n");
        return 2;
    }
    need(chdir(argv[2]), argv[2]);
    for (int i = 0; i < atoi(argv[1]); i++) {
        int64_t began = now_us();
        one_round();
        printf("%lld\n", (long long)(now_us() - began));
    }
    return 0;
}
