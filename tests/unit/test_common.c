/* SPDX-License-Identifier: Apache-2.0
 *
 * The smaller rooms of common/: errors, ids, JSON getters, files, sockets with descriptors, paths.
 */
#include "common/connect.h"
#include "common/ids.h"
#include "common/io.h"
#include "common/json.h"
#include "common/paths.h"
#include "common/within.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char home[64];
static struct error err;

static void setup(void) {
    err = (struct error)ERROR_INIT;
    strcpy(home, "/tmp/e2b-common-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    ck_assert_int_eq(chdir(home), 0);
}

static void teardown(void) {
    static const char *const made[] = {"file", "a/b/c", "a/b",      "a",    "b",
                                       "in",   "sock",  "home/run", "home", "."};
    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        remove(made[i]);
    rmdir(home);
}

START_TEST(errors_carry_kind_message_and_hint) {
    ck_assert(!error_set(&err, ERR_NOT_FOUND, "no %s", "thing"));
    error_hint(&err, "make one");
    error_wrap(&err, "looking in %d places", 3);
    ck_assert_str_eq(err.message, "looking in 3 places: no thing");
    ck_assert_str_eq(err.hint, "make one");
    ck_assert_str_eq(error_kind_name(err.kind), "not_found");
    error_errno(&err, ENOSPC, "cannot write");
    ck_assert_int_eq(err.kind, ERR_NO_SPACE);
    ck_assert_str_eq(err.message, "cannot write: No space left on device");
    ck_assert_ptr_nonnull(strstr(err.hint, "free some space"));
    ck_assert_str_eq(error_kind_name((enum error_kind)99), "internal");
}
END_TEST

START_TEST(errors_stay_within_their_bounds) {
    char text[4096];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    error_set(&err, ERR_INVALID, "%s", text);
    error_hint(&err, "%s", text);
    error_wrap(&err, "%s", text);
    error_errno(&err, EIO, "%s", text);
    ck_assert_uint_eq(strlen(err.message), sizeof(err.message) - 1);
}
END_TEST

START_TEST(ids_have_their_shape) {
    char sandbox[ID_SANDBOX], other[ID_SANDBOX], uuid[ID_UUID], key[ID_KEY], hex[5];
    ids_sandbox(sandbox);
    ids_sandbox(other);
    ck_assert_str_ne(sandbox, other);
    ck_assert_int_eq(sandbox[0], 'i');
    ck_assert_uint_eq(strspn(sandbox, "abcdefghijklmnopqrstuvwxyz0123456789"), ID_SANDBOX - 1);
    ids_uuid(uuid);
    ck_assert_uint_eq(strlen(uuid), 36);
    ck_assert_int_eq(uuid[14], '4');
    ck_assert_ptr_nonnull(strchr("89ab", uuid[19]));
    ids_key(key);
    ck_assert_int_eq(strncmp(key, "e2b_", 4), 0);
    ck_assert_uint_eq(strspn(key + 4, "0123456789abcdef"), 40);
    ids_hex("\x00\xff", 2, hex);
    ck_assert_str_eq(hex, "00ff");
}
END_TEST

START_TEST(secrets_are_compared_whole) {
    ck_assert(ids_equal_secret("abc", "abc"));
    ck_assert(ids_equal_secret("", ""));
    ck_assert(!ids_equal_secret("abc", "abd"));
    ck_assert(!ids_equal_secret("abc", "ab"));
    ck_assert(!ids_equal_secret("ab", "abc"));
    ck_assert(!ids_equal_secret("", "a"));
}
END_TEST

START_TEST(json_getters_name_the_field) {
    const char *text = "{\"s\":\"x\",\"n\":5,\"b\":true,\"z\":null,\"o\":{\"k\":\"v\"},\"a\":[]}";
    cleanup_json json_t *json = json_parse(text, strlen(text), &err);
    const char *string = "kept";
    int64_t number = 1;
    bool flag = false;
    json_t *object = NULL, *array = NULL;
    ck_assert(json_get_string(json, "s", &string, &err));
    ck_assert_str_eq(string, "x");
    ck_assert(json_get_string(json, "z", &string, &err));
    ck_assert(json_get_string(json, "absent", &string, &err));
    ck_assert_str_eq(string, "x");
    ck_assert(!json_get_string(json, "n", &string, &err));
    ck_assert_str_eq(err.message, "property \"n\" must be a string");
    ck_assert(json_get_int(json, "n", 0, 5, &number, &err));
    ck_assert_int_eq(number, 5);
    ck_assert(!json_get_int(json, "n", 6, 9, &number, &err));
    ck_assert(!json_get_int(json, "s", 0, 9, &number, &err));
    ck_assert(json_get_bool(json, "b", &flag, &err) && flag);
    ck_assert(!json_get_bool(json, "s", &flag, &err));
    ck_assert(json_get_object(json, "o", &object, &err) &&
              json_check_string_map(object, "o", &err));
    ck_assert(!json_check_string_map(json, "all", &err));
    ck_assert(json_get_array(json, "a", &array, &err) && array);
    ck_assert(!json_get_array(json, "o", &array, &err));
}
END_TEST

static const char *const no_json[] = {"",     "{",   "{\"a\":1}x",  "{\"a\":1,\"a\":2}",
                                      "[1,]", "'a'", "\"\\u0000\"", "\"\xff\""};

START_TEST(json_refuses_what_is_none) {
    ck_assert_ptr_null(json_parse(no_json[_i], strlen(no_json[_i]), &err));
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "line 1"));
    ck_assert_ptr_null(strstr(err.message, "JSON_")); /* a word of the parser's own users */
}
END_TEST

START_TEST(files_are_written_whole) {
    struct stat st;
    cleanup_buf struct buf text = BUF_INIT(64);
    ck_assert(io_write_file("file", "first", 5, 0600, &err));
    ck_assert(io_read_file("file", &text, &err));
    ck_assert_str_eq(text.data, "first");
    ck_assert_int_eq(stat("file", &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert(io_write_file("file", "longer", 6, 0600, &err));
    cleanup_buf struct buf small = BUF_INIT(5);
    ck_assert(!io_read_file("file", &small, &err));
    ck_assert(!io_write_file("absent/file", "x", 1, 0600, &err));
    ck_assert(!io_read_file("absent", &small, &err));
}
END_TEST

START_TEST(directories_are_made_down_to_the_last) {
    struct stat st;
    ck_assert(io_mkdirs("a/b/c", 0700, &err));
    ck_assert(io_mkdirs("a/b/c", 0700, &err));
    ck_assert_int_eq(stat("a/b/c", &st), 0);
    ck_assert(S_ISDIR(st.st_mode));
    ck_assert(io_write_file("file", "x", 1, 0600, &err));
    ck_assert(!io_mkdirs("file/below", 0700, &err));
}
END_TEST

static bool renaming;

static void *rename_on(void *ctx) {
    const int *dir = ctx;
    for (unsigned i = 0; __atomic_load_n(&renaming, __ATOMIC_RELAXED); i++)
        renameat(*dir, i % 2 ? "b" : "a", *dir, i % 2 ? "a" : "b");
    return NULL;
}

START_TEST(a_rename_elsewhere_keeps_nobody_from_opening) {
    enum { TRIES = 1000000, RACES = 20 };
    const struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    pthread_t thread;
    int races = 0, dir = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert(mkdirat(dir, "a", 0700) == 0 && mkdirat(dir, "in", 0700) == 0);
    renaming = true;
    ck_assert_int_eq(pthread_create(&thread, NULL, rename_on, &dir), 0);
    for (int i = 0; i < TRIES && races < RACES; i++) {
        int once = (int)syscall(SYS_openat2, dir, "in/../in/../in", &how, sizeof(how));
        races += once < 0 && errno == EAGAIN;
        int fd = open_within(dir, "in/../in/../in", O_PATH, RESOLVE_IN_ROOT);
        ck_assert_int_ge(fd, 0);
        close(fd);
        if (once >= 0)
            close(once);
    }
    __atomic_store_n(&renaming, false, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    close(dir);
    ck_assert_int_eq(races, RACES); /* without another try */
}
END_TEST

START_TEST(descriptors_travel) {
    int pair[2], pipes[2], got[IO_MAX_FDS];
    size_t count = IO_MAX_FDS;
    char text[8];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
    ck_assert_int_eq(io_send_fds(pair[0], "hello", 5, pipes, 2, 0), 5);
    ck_assert_int_eq(io_recv_fds(pair[1], text, sizeof(text), got, &count, 0), 5);
    ck_assert_uint_eq(count, 2);
    ck_assert(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
    ck_assert(io_write_all(got[1], "x", 1));
    ck_assert_int_eq(read(pipes[0], text, 1), 1);
    int spare = dup(0);
    close(spare);
    /* What has no room is closed, not leaked: the next descriptor takes the place that was free. */
    ck_assert_int_eq(io_send_fds(pair[0], "hello", 5, pipes, 2, 0), 5);
    count = 0;
    ck_assert_int_eq(io_recv_fds(pair[1], text, sizeof(text), got, &count, 0), 5);
    ck_assert_uint_eq(count, 0);
    int next = dup(0);
    ck_assert_int_eq(next, spare);
    close(next);
    ck_assert_int_eq(io_send_fds(pair[0], "", 0, pipes, 2, 0), 0);
    count = IO_MAX_FDS;
    ck_assert_int_eq(io_recv_fds(pair[1], text, sizeof(text), got, &count, 0), 0);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(next = dup(0), spare);
    close(next);
    /* A message that is cut is no message. */
    ck_assert_int_eq(io_send_fds(pair[0], "too long for it", 15, NULL, 0, 0), 15);
    count = IO_MAX_FDS;
    ck_assert_int_eq(io_recv_fds(pair[1], text, sizeof(text), got, &count, 0), -1);
    ck_assert_int_eq(errno, EMSGSIZE);
}
END_TEST

START_TEST(sockets_live_at_paths_of_any_length) {
    int dir = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    ck_assert_int_eq(io_unix_connect(dir, "sock", SOCK_STREAM, &err), -1);
    ck_assert_int_eq(err.kind, ERR_UNAVAILABLE);
    int server = io_unix_listen(dir, "sock", SOCK_STREAM, &err);
    ck_assert_msg(server >= 0, "%s", err.message);
    ck_assert_int_eq(stat("sock", &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    int client = io_unix_connect(dir, "sock", SOCK_STREAM, &err);
    ck_assert_msg(client >= 0, "%s", err.message);
    close(client);
    close(server);
    ck_assert_int_eq(io_unix_connect(dir, "sock", SOCK_STREAM, &err), -1);
    ck_assert_int_eq(err.kind, ERR_UNAVAILABLE);
    close(dir);
}
END_TEST

START_TEST(paths_follow_the_environment) {
    struct paths paths;
    unsetenv("E2B_HOME");
    setenv("XDG_RUNTIME_DIR", "/run/x", 1);
    setenv("XDG_DATA_HOME", "/data", 1);
    ck_assert(paths_find(&paths, &err));
    ck_assert_str_eq(paths.runtime, "/run/x/e2b");
    ck_assert_str_eq(paths.state, "/data/e2b");
    unsetenv("XDG_DATA_HOME");
    setenv("HOME", "/home/x", 1);
    ck_assert(paths_find(&paths, &err));
    ck_assert_str_eq(paths.state, "/home/x/.local/share/e2b");
    setenv("E2B_HOME", "relative", 1);
    ck_assert(!paths_find(&paths, &err));
    setenv("E2B_HOME", "/own", 1);
    ck_assert(paths_find(&paths, &err));
    ck_assert_str_eq(paths.runtime, "/own/run");
}
END_TEST

START_TEST(a_runtime_directory_of_others_is_refused) {
    struct paths paths;
    char own[128];
    snprintf(own, sizeof(own), "%s/home", home);
    setenv("E2B_HOME", own, 1);
    ck_assert(paths_find(&paths, &err));
    ck_assert_msg(paths_create(&paths, &err), "%s", err.message);
    ck_assert_int_eq(chmod(paths.runtime, 0777), 0);
    ck_assert(!paths_create(&paths, &err));
    ck_assert_int_eq(err.kind, ERR_FORBIDDEN);
    ck_assert_str_ne(err.hint, "");
}
END_TEST

START_TEST(envelopes_keep_their_length) {
    static const uint32_t lengths[] = {0, 1, 255, 256, 65536, 0x7fffffff, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        uint8_t bytes[CONNECT_HEAD];
        connect_put_head(bytes, (struct connect_head){.flags = CONNECT_END, .len = lengths[i]});
        struct connect_head head = connect_get_head(bytes);
        ck_assert_uint_eq(head.len, lengths[i]);
        ck_assert_uint_eq(head.flags, CONNECT_END);
    }
}
END_TEST

int main(void) {
    TCase *all = tcase_create("common");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, errors_carry_kind_message_and_hint);
    tcase_add_test(all, errors_stay_within_their_bounds);
    tcase_add_test(all, ids_have_their_shape);
    tcase_add_test(all, secrets_are_compared_whole);
    tcase_add_test(all, json_getters_name_the_field);
    tcase_add_loop_test(all, json_refuses_what_is_none, 0, (int)ARRAY_LEN(no_json));
    tcase_add_test(all, files_are_written_whole);
    tcase_add_test(all, directories_are_made_down_to_the_last);
    tcase_add_test(all, a_rename_elsewhere_keeps_nobody_from_opening);
    tcase_add_test(all, descriptors_travel);
    tcase_add_test(all, sockets_live_at_paths_of_any_length);
    tcase_add_test(all, paths_follow_the_environment);
    tcase_add_test(all, a_runtime_directory_of_others_is_refused);
    tcase_add_test(all, envelopes_keep_their_length);
    return unit_run("common", all);
}
