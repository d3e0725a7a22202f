/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of calls and their compilation with libseccomp. Decisions that depend on arguments
 * never follow a pointer, and compare no more bits than the kernel itself looks at.
 */
#include "backend/runtime/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/socket.h>

/* clang-format off */

/* Names that this libseccomp or this architecture does not know are left out: they answer ENOSYS,
 * as on a kernel that is too old for them. clone3 is absent on purpose: its flags are behind a
 * pointer, and with ENOSYS every C library uses clone, whose flags can be seen. */
static const char *const allowed[] = {
    /* files by path and by descriptor */
    "access", "chdir", "chmod", "chown", "chown32", "close", "close_range", "copy_file_range",
    "creat", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fadvise64_64",
    "fallocate", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchown32", "fchownat",
    "fcntl", "fcntl64", "fdatasync", "fgetxattr", "file_getattr", "file_setattr", "flistxattr",
    "flock", "fremovexattr", "fsetxattr", "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64",
    "fsync", "ftruncate", "ftruncate64", "futimesat", "getcwd", "getdents", "getdents64",
    "getxattr", "getxattrat", "inotify_add_watch", "inotify_init", "inotify_init1",
    "inotify_rm_watch", "lchown", "lchown32", "lgetxattr", "link", "linkat", "listxattr",
    "listxattrat", "llistxattr", "_llseek", "lremovexattr", "lseek", "lsetxattr", "lstat",
    "lstat64", "mkdir", "mkdirat", "mknod", "mknodat", "name_to_handle_at", "newfstatat", "open",
    "openat", "openat2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read",
    "readahead", "readlink", "readlinkat", "readv", "removexattr", "removexattrat", "rename",
    "renameat", "renameat2", "rmdir", "sendfile", "sendfile64", "setxattr", "setxattrat", "splice",
    "stat", "stat64", "statfs", "statfs64", "statx", "symlink", "symlinkat", "sync",
    "sync_file_range", "sync_file_range2", "syncfs", "tee", "truncate", "truncate64", "umask",
    "unlink", "unlinkat", "utime", "utimensat", "utimensat_time64", "utimes", "vmsplice", "write",
    "writev",
    /* chroot confines further and needs a capability that only root inside has; dpkg uses it */
    "chroot",
    /* waiting, pipes, timers, native asynchronous I/O */
    "alarm", "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64",
    "clock_nanosleep", "clock_nanosleep_time64", "epoll_create", "epoll_create1", "epoll_ctl",
    "epoll_ctl_old", "epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd",
    "eventfd2", "getitimer", "gettimeofday", "io_cancel", "io_destroy", "io_getevents",
    "io_pgetevents", "io_pgetevents_time64", "io_setup", "io_submit", "nanosleep", "_newselect",
    "pause", "pipe", "pipe2", "poll", "ppoll", "ppoll_time64", "pselect6", "pselect6_time64",
    "select", "setitimer", "signalfd", "signalfd4", "time", "timer_create", "timer_delete",
    "timer_getoverrun", "timer_gettime", "timer_gettime64", "timer_settime", "timer_settime64",
    "timerfd_create", "timerfd_gettime", "timerfd_gettime64", "timerfd_settime",
    "timerfd_settime64", "times",
    /* reading the clock's state; the kernel refuses to change it for whoever is not the host's */
    "adjtimex", "clock_adjtime", "clock_adjtime64",
    /* memory, and its placement on nodes (databases and Java use it) */
    "brk", "cachestat", "get_mempolicy", "madvise", "map_shadow_stack", "mbind", "membarrier",
    "memfd_create", "memfd_secret", "mincore", "mlock", "mlock2", "mlockall", "mmap", "mmap2",
    "move_pages", "mprotect", "mremap", "mseal", "msync", "munlock", "munlockall", "munmap",
    "pkey_alloc", "pkey_free", "pkey_mprotect", "process_madvise", "process_mrelease",
    "remap_file_pages", "set_mempolicy", "set_mempolicy_home_node",
    /* processes, threads, signals, scheduling */
    "arch_prctl", "capget", "capset", "execve", "execveat", "exit", "exit_group", "fork", "futex",
    "futex_requeue", "futex_time64", "futex_wait", "futex_waitv", "futex_wake", "get_robust_list",
    "get_thread_area", "getcpu", "getpgid", "getpgrp", "getpid", "getppid", "getpriority",
    "getrandom", "getrlimit", "getrusage", "getsid", "gettid", "ioprio_get", "ioprio_set", "kill",
    "nice", "pidfd_open", "pidfd_send_signal", "prctl", "prlimit64", "restart_syscall",
    "riscv_flush_icache", "riscv_hwprobe", "rseq", "rt_sigaction", "rt_sigpending",
    "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "rt_sigtimedwait_time64", "rt_tgsigqueueinfo", "sched_get_priority_max",
    "sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam",
    "sched_getscheduler", "sched_rr_get_interval", "sched_rr_get_interval_time64",
    "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield",
    "set_robust_list", "set_thread_area", "set_tid_address", "setpgid", "setpriority", "setrlimit",
    "setsid", "sigaction", "sigaltstack", "signal", "sigpending", "sigprocmask", "sigreturn",
    "sigsuspend", "swapcontext", "sysinfo", "tgkill", "tkill", "ugetrlimit", "uname", "vfork",
    "wait4", "waitid", "waitpid",
    /* debuggers: they reach what the ids inside may reach, and PID 1 is not dumpable */
    "kcmp", "pidfd_getfd", "process_vm_readv", "process_vm_writev", "ptrace",
    /* ids */
    "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups",
    "getgroups32", "getresgid", "getresgid32", "getresuid", "getresuid32", "getuid", "getuid32",
    "setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups",
    "setgroups32", "setregid", "setregid32", "setresgid", "setresgid32", "setresuid", "setresuid32",
    "setreuid", "setreuid32", "setuid", "setuid32",
    /* sockets; socket() itself is below, by family */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
    "recv", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "send", "sendmmsg", "sendmsg",
    "sendto", "setsockopt", "shutdown", "socketcall", "socketpair",
    /* System V and POSIX queues: of the sandbox's own ipc namespace */
    "ipc", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedreceive_time64",
    "mq_timedsend", "mq_timedsend_time64", "mq_unlink", "msgctl", "msgget", "msgrcv", "msgsnd",
    "semctl", "semget", "semop", "semtimedop", "semtimedop_time64", "shmat", "shmctl", "shmdt",
    "shmget",
    /* of its own uts namespace */
    "setdomainname", "sethostname",
    /* programs that confine themselves further */
    "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "seccomp",
    /* the arguments that matter are checked ahead of this table */
    "ioctl",
};

/* Known, and withheld: EPERM says so where ENOSYS would look like an old kernel. */
static const char *const denied[] = {
    /* Mounts are made before the workload starts. Each of these has been a way out for a root
     * inside, and with user namespaces refused too nobody else could call them. */
    "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount", "open_tree",
    "open_tree_attr", "pivot_root", "umount", "umount2",
    /* opens any inode of a file system by number, past every directory (the "shocker" escape) */
    "open_by_handle_at",
    /* namespaces of others; unshare and clone are below, by flag */
    "setns",
    /* large interfaces with a long history of holes that nothing ordinary needs */
    "bpf", "fanotify_init", "fanotify_mark", "io_uring_enter", "io_uring_register",
    "io_uring_setup", "lookup_dcookie", "perf_event_open", "userfaultfd",
    /* keys are not bound to a namespace */
    "add_key", "keyctl", "request_key",
    /* the host's kernel, clock, disks, log and hardware */
    "acct", "clock_settime", "clock_settime64", "delete_module", "finit_module", "init_module",
    "ioperm", "iopl", "kexec_file_load", "kexec_load", "migrate_pages", "quotactl", "quotactl_fd",
    "reboot", "settimeofday", "stime", "swapoff", "swapon", "syslog", "vhangup",
};

/* clang-format on */

/* The kernel takes these arguments as 32 bits, so only those are compared: with 64, garbage in the
 * upper half would walk past the rule. */
static const uint64_t INT_BITS = UINT32_MAX;

/* Everything that is reached outside the network namespace (AF_VSOCK: the hypervisor) or only
 * enlarges what of the kernel can be attacked (AF_ALG, AF_RDS, AF_TIPC ...) is left out. */
static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};

/* Debuggers and sanitizers turn address randomisation off for themselves. Not READ_IMPLIES_EXEC or
 * MMAP_PAGE_ZERO, which weaken a setuid program that is started next. */
static const unsigned long personalities[] = {
    PER_LINUX,         PER_LINUX32,  UNAME26, UNAME26 | PER_LINUX32,
    ADDR_NO_RANDOMIZE, 0xffffffffUL, /* asks only */
};

static const uint64_t namespaces[] = {CLONE_NEWNS,  CLONE_NEWUTS, CLONE_NEWIPC,   CLONE_NEWUSER,
                                      CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP};

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#if defined(__s390__)
enum { CLONE_FLAGS = 1 }; /* stack and flags are swapped there */
#else
enum { CLONE_FLAGS = 0 };
#endif

static int add_names(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        if (number < 0) /* unknown, or a pseudo number of another architecture */
            continue;
        int rc = seccomp_rule_add(ctx, action, number, 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int add_masked(scmp_filter_ctx ctx, uint32_t action, const char *name, unsigned arg,
                      uint64_t mask, uint64_t value) {
    int number = seccomp_syscall_resolve_name(name);
    if (number < 0)
        return 0;
    struct scmp_arg_cmp cmp = {arg, SCMP_CMP_MASKED_EQ, mask, value};
    return seccomp_rule_add_array(ctx, action, number, 1, &cmp);
}

/* Without a flag of a new namespace: allowed; with any: EPERM. */
static int add_namespace_rules(scmp_filter_ctx ctx, const char *name, unsigned arg,
                               uint64_t extra_flag) {
    uint64_t all = extra_flag;
    int rc = 0;
    for (size_t i = 0; i < ARRAY_LEN(namespaces) && rc == 0; i++) {
        all |= namespaces[i];
        rc = add_masked(ctx, SCMP_ACT_ERRNO(EPERM), name, arg, namespaces[i], namespaces[i]);
    }
    if (rc == 0 && extra_flag)
        rc = add_masked(ctx, SCMP_ACT_ERRNO(EPERM), name, arg, extra_flag, extra_flag);
    return rc < 0 ? rc : add_masked(ctx, SCMP_ACT_ALLOW, name, arg, all, 0);
}

static int add_rules(scmp_filter_ctx ctx) {
    int rc = add_names(ctx, SCMP_ACT_ALLOW, allowed, ARRAY_LEN(allowed));
    if (rc == 0)
        rc = add_names(ctx, SCMP_ACT_ERRNO(EPERM), denied, ARRAY_LEN(denied));
    for (size_t i = 0; i < ARRAY_LEN(families) && rc == 0; i++)
        rc = add_masked(ctx, SCMP_ACT_ALLOW, "socket", 0, INT_BITS, (uint64_t)families[i]);
    for (size_t i = 0; i < ARRAY_LEN(personalities) && rc == 0; i++)
        rc = add_masked(ctx, SCMP_ACT_ALLOW, "personality", 0, INT_BITS, personalities[i]);
    if (rc == 0)
        rc = add_namespace_rules(ctx, "clone", CLONE_FLAGS, 0);
    if (rc == 0)
        rc = add_namespace_rules(ctx, "unshare", 0, CLONE_NEWTIME);
    return rc;
}

/* "Any ioctl but two" cannot be said as a list of masked comparisons, so it goes ahead of what
 * libseccomp makes. TIOCSTI types into the terminal, TIOCLINUX pastes into a console: with a pty
 * that somebody outside reads, both are ways out. */
static bool write_ioctl_rule(int fd) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    enum { LOW_HALF = sizeof(uint32_t) };
#else
    enum { LOW_HALF = 0 };
#endif
    const struct sock_filter rule[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native(), 0, 6),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SCMP_SYS(ioctl), 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + LOW_HALF),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCLINUX, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    return write(fd, rule, sizeof(rule)) == (ssize_t)sizeof(rule);
}

static int compile(scmp_filter_ctx ctx, int fd) {
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
    /* a balanced tree by number instead of a list in the order of the tables */
    if (rc == 0)
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc == 0)
        rc = add_rules(ctx);
    return rc < 0 ? rc : seccomp_export_bpf(ctx, fd);
}

int seccomp_program(struct error *err) {
    cleanup_close int fd = memfd_create("e2b-seccomp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || !write_ioctl_rule(fd)) {
        error_errno(err, errno, "cannot make a place for the seccomp program");
        return -1;
    }
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int rc = ctx ? compile(ctx, fd) : -ENOMEM;
    if (ctx)
        seccomp_release(ctx);
    if (rc < 0) {
        error_errno(err, -rc, "cannot compile the seccomp program");
        return -1;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
        error_errno(err, errno, "cannot seal the seccomp program");
        return -1;
    }
    return steal_fd(&fd);
}
