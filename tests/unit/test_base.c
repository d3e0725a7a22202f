/* SPDX-License-Identifier: Apache-2.0
 *
 * Building the base template from the host at hand, in a holder namespace of the test's own: with a
 * range of ids as root, with a single one as an ordinary user.
 */
#include "backend/image/base.h"

#include "common/buf.h"
#include "common/io.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { ID_BASE = 0x7E2B0000, ID_COUNT = 65536 };

static char state[256];
static struct base_config config;
static char last_line[256];
static int lines;

static void report(void *ctx, const char *line) {
    (void)ctx;
    lines++;
    snprintf(last_line, sizeof(last_line), "%s", line);
}

static bool put(pid_t pid, const char *file, const char *text) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && io_write_all(fd, text, strlen(text));
    if (fd >= 0)
        close(fd);
    return done;
}

static void map_ids(pid_t pid) {
    char uids[64], gids[64];
    config.id_base = geteuid() == 0 ? ID_BASE : geteuid();
    config.id_count = geteuid() == 0 ? ID_COUNT : 1;
    snprintf(uids, sizeof(uids), "0 %u %u", config.id_base, config.id_count);
    snprintf(gids, sizeof(gids), "0 %u %u", geteuid() == 0 ? config.id_base : getegid(),
             config.id_count);
    if (geteuid() != 0)
        ck_assert(put(pid, "setgroups", "deny"));
    ck_assert(put(pid, "uid_map", uids) && put(pid, "gid_map", gids));
}

/* A descriptor of a user namespace that nobody is in any more. */
static int make_holder(void) {
    int ready[2];
    char byte, path[64];
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWUSER) == 0 && write(ready[1], "r", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    map_ids(pid);
    snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return fd;
}

static void start(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(state, sizeof(state), "%s/e2b-test-base-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(state));
    config = (struct base_config){.state = state, .sudo = "/proc/self/exe", .report = report};
    config.holder = make_holder();
}

static void stop(void) {
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", state, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
    close(config.holder);
}

static struct base prepare(void) {
    struct error err = ERROR_INIT;
    struct base base;
    ck_assert_msg(base_prepare(&config, &base, &err), "%s", err.message);
    return base;
}

static void in_layer(char path[512], const char *layer, const char *name) {
    snprintf(path, 512, "%s/%s/%s", state, layer, name);
}

static struct stat stat_of(const char *layer, const char *name) {
    char path[512];
    struct stat st;
    in_layer(path, layer, name);
    ck_assert_msg(lstat(path, &st) == 0, "%s: %s", name, strerror(errno));
    return st;
}

static char *text_of(const char *layer, const char *name) {
    char path[512];
    struct error err = ERROR_INIT;
    struct buf text = BUF_INIT(1 << 20);
    in_layer(path, layer, name);
    ck_assert_msg(io_read_file(path, &text, &err), "%s", err.message);
    return buf_steal(&text);
}

static bool is_there(const char *layer, const char *name) {
    char path[512];
    struct stat st;
    in_layer(path, layer, name);
    return lstat(path, &st) == 0;
}

static void check_accounts(const char *root) {
    cleanup_free char *passwd = text_of(root, "etc/passwd");
    cleanup_free char *shadow = text_of(root, "etc/shadow");
    cleanup_free char *group = text_of(root, "etc/group");
    ck_assert_ptr_nonnull(strstr(passwd, "root:x:0:0:"));
    ck_assert_ptr_nonnull(strstr(passwd, config.id_count > 1 ? "\nuser:x:1000:1000::/home/user:"
                                                             : "\nuser:x:0:0::/home/user:"));
    ck_assert_ptr_null(strchr(shadow, '$')); /* not one password */
    ck_assert_ptr_nonnull(strstr(group, ":user\n"));
    int people = 0;
    for (const char *at = passwd; (at = strstr(at, ":/home/")); at++)
        people++;
    ck_assert_int_eq(people, 1);
}

static void check_ownership(const char *root) {
    ck_assert_int_eq(stat_of(root, "etc").st_uid, config.id_base);
    ck_assert_int_eq(stat_of(root, "tmp").st_mode & 07777, 01777);
    ck_assert_int_eq(stat_of(root, "etc/sudoers.d/user").st_mode & 07777, 0440);
    uid_t user = config.id_base + (config.id_count > 1 ? 1000 : 0);
    ck_assert_int_eq(stat_of(root, "home/user").st_uid, user);
    if (stat_of(root, "home/user/.bashrc").st_uid != user)
        ck_abort_msg("home/user/.bashrc belongs to somebody else");
}

static void check_secrets(const char *root) {
    static const char *const absent[] = {
        "etc/ssh",         "etc/ssl/private",  "etc/apt/auth.conf.d", "etc/gitconfig",
        "home/user/.ssh",  "etc/postgresql",   "var/lib/postgresql",  "etc/krb5.conf",
        "etc/pki/private", "var/lib/dpkg/lock"};
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        ck_assert_msg(!is_there(root, absent[i]), "%s is there", absent[i]);
}

static void check_usr(const char *usr, bool skeleton) {
    struct stat sudo = stat_of(usr, "bin/sudo");
    ck_assert_int_eq(sudo.st_mode & 07777, 04755);
    ck_assert_int_eq(sudo.st_uid, config.id_base);
    ck_assert_int_gt(sudo.st_size, 1000);
    ck_assert_int_eq(is_there(usr, "share/doc"), skeleton);
    if (skeleton)
        ck_assert_int_eq(stat_of(usr, "lib").st_uid, config.id_base);
}

START_TEST(above_a_foreign_usr) {
    struct base base = prepare();
    check_accounts(base.root);
    check_ownership(base.root);
    check_secrets(base.root);
    check_usr(base.usr, true);
    ck_assert_int_eq(lines, 2);
    printf("# %s\n", last_line);
    struct stat before = stat_of(base.root, "etc/machine-id");
    struct base again = prepare(); /* it is there: nothing is done */
    ck_assert_str_eq(again.root, base.root);
    ck_assert_int_eq(stat_of(again.root, "etc/machine-id").st_ino, before.st_ino);
    ck_assert_int_eq(lines, 2);
}
END_TEST

START_TEST(above_an_own_usr) {
    config.usr_is_idmapped = true;
    struct base base = prepare();
    check_accounts(base.root);
    if (access("/usr/bin/sudo", F_OK) == 0)
        ck_assert(base.usr[0] == '\0' && is_there(base.root, "etc/sudoers"));
    else
        check_usr(base.usr, false);
    printf("# %s\n", last_line);
}
END_TEST

START_TEST(half_made_is_thrown_away) {
    char path[512], file[600];
    snprintf(path, sizeof(path), "%s/base", state);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/base/.new-dead", state);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(file, sizeof(file), "%s/root", path);
    ck_assert_int_eq(mkdir(file, 0700), 0);
    config.usr_is_idmapped = true;
    prepare();
    ck_assert(!is_there("base", ".new-dead"));
    ck_assert(is_there("trash", "basenew-dead"));
}
END_TEST

START_TEST(removed_in_part_is_made_anew) {
    char mark[512];
    config.usr_is_idmapped = true;
    struct base base = prepare();
    struct stat before = stat_of(base.root, "etc");
    in_layer(mark, base.root, "../whole");
    ck_assert_int_eq(unlink(mark), 0);
    ck_assert_int_eq(base_find(&config, &base), BASE_NONE);
    ck_assert_int_ne(stat_of(prepare().root, "etc").st_ino, before.st_ino);
}
END_TEST

START_TEST(failure_leaves_nothing_with_its_name) {
    struct error err = ERROR_INIT;
    struct base base;
    config.sudo = "/nonexistent";
    ck_assert(!base_prepare(&config, &base, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "/nonexistent"));
    ck_assert(!is_there(base.root, "."));
}
END_TEST

int main(void) {
    TCase *tcase = tcase_create("base");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, above_a_foreign_usr);
    tcase_add_test(tcase, above_an_own_usr);
    tcase_add_test(tcase, half_made_is_thrown_away);
    tcase_add_test(tcase, removed_in_part_is_made_anew);
    tcase_add_test(tcase, failure_leaves_nothing_with_its_name);
    return unit_run("base", tcase);
}
