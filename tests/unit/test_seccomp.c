/* SPDX-License-Identifier: Apache-2.0
 *
 * The seccomp program, loaded into children that then try calls: each has to answer as the table
 * says, and differently (or at all) without the program, so that a test cannot pass by accident.
 */
#include "backend/runtime/seccomp.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct sock_fprog program;

static void load_program(void) {
    struct error err = ERROR_INIT;
    int fd = seccomp_program(&err);
    ck_assert_msg(fd >= 0, "%s", err.message);
    struct stat st;
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_gt(st.st_size, 0);
    ck_assert_int_eq(st.st_size % (long)sizeof(struct sock_filter), 0);
    program.len = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter));
    program.filter = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(program.filter, MAP_FAILED);
    close(fd);
}

/* errno of the call (0: it succeeded) as a child sees it that loaded the program, or did not. */
static int answer(bool filtered, long number, long a, long b, long c) {
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (filtered && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0))
            _exit(255);
        long rc = syscall(number, a, b, c, 0, 0);
        if (rc == 0 && number == SYS_clone)
            _exit(0); /* both sides of it end here */
        _exit(rc < 0 ? errno : 0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "the child died of signal %d", WTERMSIG(status));
    ck_assert_int_ne(WEXITSTATUS(status), 255);
    return WEXITSTATUS(status);
}

#define HIGH_GARBAGE (1L << 32)

static const struct refusal {
    const char *name;
    long number, a, b, c;
    int with, without; /* errno; without -1: anything but `with` */
} refusals[] = {
    {"mount", SYS_mount, 0, 0, 0, EPERM, -1},
    {"setns of a wrong descriptor", SYS_setns, -1, 0, 0, EPERM, EBADF},
    {"open_by_handle_at of nothing", SYS_open_by_handle_at, -1, 0, 0, EPERM, -1},
    {"bpf", SYS_bpf, 9999, 0, 0, EPERM, -1},
    {"io_uring_setup of nothing", SYS_io_uring_setup, 0, 0, 0, EPERM, -1},
    {"keyctl", SYS_keyctl, 9999, 0, 0, EPERM, EOPNOTSUPP},
    {"clone3 with an impossible size", SYS_clone3, 0, 1, 0, ENOSYS, EINVAL},
    {"unshare of a mount namespace", SYS_unshare, CLONE_NEWNS | CLONE_FILES, 0, 0, EPERM, -1},
    {"clone with a user namespace", SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, EPERM, -1},
    {"clone with two namespaces", SYS_clone, CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD, 0, 0, EPERM,
     -1},
    {"TIOCSTI", SYS_ioctl, -1, TIOCSTI, 0, EPERM, EBADF},
    {"TIOCSTI behind garbage", SYS_ioctl, -1, TIOCSTI + HIGH_GARBAGE, 0, EPERM, EBADF},
    {"TIOCLINUX", SYS_ioctl, -1, TIOCLINUX, 0, EPERM, EBADF},
    {"a vsock", SYS_socket, AF_VSOCK, SOCK_STREAM, 9999, ENOSYS, -1},
    {"a crypto socket", SYS_socket, 38 /* AF_ALG */, SOCK_RAW, 9999, ENOSYS, -1},
    {"READ_IMPLIES_EXEC", SYS_personality, READ_IMPLIES_EXEC, 0, 0, ENOSYS, 0},
    {"a number that no kernel has", 4000, 0, 0, 0, ENOSYS, ENOSYS},
};

START_TEST(refuses) {
    const struct refusal *r = &refusals[_i];
    int with = answer(true, r->number, r->a, r->b, r->c);
    int without = answer(false, r->number, r->a, r->b, r->c);
    ck_assert_msg(with == r->with, "%s: %s", r->name, strerror(with));
    if (r->without >= 0)
        ck_assert_msg(without == r->without, "%s without filter: %s", r->name, strerror(without));
    else if (geteuid() == 0) /* an ordinary user gets EPERM for some of them anyway */
        ck_assert_msg(without != r->with, "%s without filter: %s", r->name, strerror(without));
}
END_TEST

static const struct {
    const char *name;
    long number, a, b;
} allowances[] = {
    {"getpid", SYS_getpid, 0, 0},
    {"fork by clone", SYS_clone, SIGCHLD, 0},
    {"unshare of descriptors", SYS_unshare, CLONE_FILES, 0},
    {"a Unix socket", SYS_socket, AF_UNIX, SOCK_STREAM},
    {"an internet socket", SYS_socket, AF_INET6, SOCK_DGRAM},
    {"asking for the personality", SYS_personality, 0xffffffff, 0},
    {"no address randomisation", SYS_personality, ADDR_NO_RANDOMIZE, 0},
    {"memfd_create", SYS_memfd_create, (long)"x", 0},
    {"sched_yield", SYS_sched_yield, 0, 0},
};

START_TEST(allows) {
    int number = answer(true, allowances[_i].number, allowances[_i].a, allowances[_i].b, 0);
    ck_assert_msg(number == 0, "%s: %s", allowances[_i].name, strerror(number));
}
END_TEST

START_TEST(runs_programs) {
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
            _exit(255);
        execl("/bin/sh", "sh", "-c", "test \"$(ls -d / | cat)\" = / && (exit 7)", (char *)NULL);
        _exit(254);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 7 << 8);
}
END_TEST

int main(void) {
    TCase *tcase = tcase_create("seccomp");
    tcase_add_unchecked_fixture(tcase, load_program, NULL);
    tcase_add_loop_test(tcase, refuses, 0, ARRAY_LEN(refusals));
    tcase_add_loop_test(tcase, allows, 0, ARRAY_LEN(allowances));
    tcase_add_test(tcase, runs_programs);
    return unit_run("seccomp", tcase);
}
