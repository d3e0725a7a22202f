/* SPDX-License-Identifier: Apache-2.0
 *
 * Watching directories: a child that lives as long as somebody watches.
 */
#include "common/io.h"
#include "tests/unit/agent_files_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int watch_sock;
static pid_t watch_pid;

static void request(uint32_t type, uint32_t id, uint32_t flags, const char *path) {
    char message[sizeof(struct watch_request) + 2 * FILES_PATH];
    struct watch_request r = {AGENT_PROTOCOL, type, id, flags};
    memcpy(message, &r, sizeof(r));
    int n = snprintf(message + sizeof(r), sizeof(message) - sizeof(r), "%s%c%s", user, 0, path);
    ck_assert_int_gt(send(watch_sock, message, sizeof(r) + (size_t)n + 1, 0), 0);
}

static enum files_failure watch(uint32_t id, uint32_t flags, const char *path) {
    if (watch_sock <= 0)
        watch_sock = start(HELPER_FILE_WATCH, "", NULL, 0, &watch_pid);
    request(WATCH_ADD, id, flags, path);
    answer.count = 0;
    ck_assert(receive(watch_sock));
    ck_assert_uint_eq(answer.count, 1);
    ck_assert_uint_eq(answer.seen->record.watch, id);
    answer.count = 0;
    return (enum files_failure)answer.last.value;
}

static void stop_watching(void) {
    int status;
    close(watch_sock);
    watch_sock = -1;
    ck_assert_int_eq(waitpid(watch_pid, &status, 0), watch_pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static size_t count_of(uint32_t id, uint32_t event, const char *path) {
    size_t count = 0;
    for (size_t i = 0; i < answer.count; i++)
        count += answer.seen[i].record.watch == id && answer.seen[i].record.event == event &&
                 strcmp(answer.seen[i].path, path) == 0;
    return count;
}

static void wait_for(uint32_t id, uint32_t event, const char *path) {
    while (!count_of(id, event, path))
        ck_assert(receive(watch_sock));
}

START_TEST(watching_one_directory) {
    ck_assert_int_eq(watch(1, 0, top), FILES_OK);
    put("f", "text"); /* written aside and renamed */
    wait_for(1, FILES_EVENT_CREATE, "f");
    ck_assert_int_eq(chmod(in("f"), 0600), 0);
    wait_for(1, FILES_EVENT_CHMOD, "f");
    ck_assert_int_eq(rename(in("f"), in("g")), 0);
    wait_for(1, FILES_EVENT_CREATE, "g");
    ck_assert_uint_eq(count_of(1, FILES_EVENT_RENAME, "f"), 1);
    cleanup_close int fd = open(in("g"), O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    wait_for(1, FILES_EVENT_WRITE, "g");
    ck_assert_int_eq(unlink(in("g")), 0);
    wait_for(1, FILES_EVENT_REMOVE, "g");
    ck_assert_int_eq(mkdir(in("sub"), 0755), 0);
    put("sub/quiet", "");
    put("last", "");
    wait_for(1, FILES_EVENT_CREATE, "last");
    ck_assert_uint_eq(count_of(1, FILES_EVENT_CREATE, "sub/quiet"), 0);
    stop_watching();
}
END_TEST

START_TEST(watching_fails_clearly) {
    put("f", "");
    ck_assert_int_eq(watch(1, 0, in("none")), FILES_MISSING);
    ck_assert_int_eq(watch(2, 0, in("f")), FILES_NO_DIRECTORY);
    ck_assert_int_eq(watch(3, 0, "~root/"), FILES_BAD_PATH);
    ck_assert_int_eq(watch(4, 0, top), FILES_OK);
    stop_watching();
}
END_TEST

/* Trees appear while inotify is told of their tops; each of their entries must be told once. */
START_TEST(nothing_is_lost_in_new_directories) {
    enum { TREES = 60, DEPTH = 8 };
    char name[256];
    ck_assert_int_eq(watch(7, WATCH_RECURSIVE, top), FILES_OK);
    pid_t maker = fork();
    ck_assert_int_ge(maker, 0);
    if (maker == 0) {
        for (int i = 0; i < TREES; i++) {
            int n = snprintf(name, sizeof(name), "%s/t%d", top, i);
            mkdir(name, 0755);
            for (int d = 0; d < DEPTH; d++) {
                n += snprintf(name + n, sizeof(name) - (size_t)n, "/d%d", d);
                mkdir(name, 0755);
            }
            snprintf(name + n, sizeof(name) - (size_t)n, "/file");
            int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
            ssize_t written = write(fd, "x", 1);
            close(fd);
            if (written != 1)
                _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < TREES; i++) {
        int n = snprintf(name, sizeof(name), "t%d", i);
        wait_for(7, FILES_EVENT_CREATE, name);
        for (int d = 0; d < DEPTH; d++) {
            n += snprintf(name + n, sizeof(name) - (size_t)n, "/d%d", d);
            wait_for(7, FILES_EVENT_CREATE, name);
        }
        snprintf(name + n, sizeof(name) - (size_t)n, "/file");
        wait_for(7, FILES_EVENT_CREATE, name);
        wait_for(7, FILES_EVENT_WRITE, name);
    }
    int status;
    ck_assert_int_eq(waitpid(maker, &status, 0), maker);
    ck_assert_int_eq(status, 0);
    put("end", "");
    wait_for(7, FILES_EVENT_CREATE, "end");
    for (size_t i = 0; i < answer.count; i++)
        if (answer.seen[i].record.event == FILES_EVENT_CREATE)
            ck_assert_uint_eq(count_of(7, FILES_EVENT_CREATE, answer.seen[i].path), 1);
    stop_watching();
}
END_TEST

START_TEST(watches_share_directories) {
    ck_assert_int_eq(mkdir(in("sub"), 0755), 0);
    ck_assert_int_eq(watch(1, WATCH_RECURSIVE | WATCH_ENTRIES, top), FILES_OK);
    ck_assert_int_eq(watch(2, 0, in("sub")), FILES_OK);
    ck_assert_int_eq(watch(3, 0, in("sub")), FILES_OK);
    request(WATCH_REMOVE, 3, 0, "");
    put("sub/f", "abc");
    wait_for(1, FILES_EVENT_CREATE, "sub/f");
    wait_for(2, FILES_EVENT_CREATE, "f");
    ck_assert_uint_eq(count_of(3, FILES_EVENT_CREATE, "f"), 0);
    for (size_t i = 0; i < answer.count; i++) {
        const struct seen *seen = &answer.seen[i]; /* the name it was written under is gone early */
        if (seen->record.event == FILES_EVENT_CREATE && seen->path[strlen(seen->path) - 1] == 'f')
            ck_assert_int_eq(seen->record.mode != 0, seen->record.watch == 1);
    }
    stop_watching();
}
END_TEST

START_TEST(moved_directories_are_known_by_their_new_name) {
    ck_assert_int_eq(mkdir(in("old"), 0755), 0);
    ck_assert_int_eq(watch(1, WATCH_RECURSIVE, top), FILES_OK);
    ck_assert_int_eq(rename(in("old"), in("new")), 0);
    wait_for(1, FILES_EVENT_CREATE, "new");
    put("new/f", "");
    wait_for(1, FILES_EVENT_CREATE, "new/f");
    ck_assert_uint_eq(count_of(1, FILES_EVENT_CREATE, "old/f"), 0);
    ck_assert_uint_eq(count_of(1, FILES_EVENT_RENAME, "old"), 1);
    stop_watching();
}
END_TEST

START_TEST(the_watched_directory_itself_goes) {
    ck_assert_int_eq(mkdir(in("sub"), 0755), 0);
    ck_assert_int_eq(watch(1, WATCH_RECURSIVE, in("sub")), FILES_OK);
    ck_assert_int_eq(rmdir(in("sub")), 0);
    wait_for(1, FILES_EVENT_REMOVE, ".");
    stop_watching();
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("watch");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, watching_one_directory);
    tcase_add_test(cases, watching_fails_clearly);
    tcase_add_test(cases, nothing_is_lost_in_new_directories);
    tcase_add_test(cases, watches_share_directories);
    tcase_add_test(cases, moved_directories_are_known_by_their_new_name);
    tcase_add_test(cases, the_watched_directory_itself_goes);
    return unit_run("agent_watch", cases);
}
