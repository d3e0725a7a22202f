/* SPDX-License-Identifier: Apache-2.0
 *
 * What the agent does with files: paths, one file, directories.
 */
#include "common/io.h"
#include "common/tree.h"
#include "tests/unit/agent_files_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- paths ---- */

START_TEST(paths_mean_what_the_contract_says) {
    static const struct {
        const char *text, *path;
    } cases[] = {
        {"", "/home/u"},
        {"~", "/home/u"},
        {"~/a/../b", "/home/u/b"},
        {"a//b/./c", "/home/u/a/b/c"},
        {"../x", "/home/x"},
        {"../../../x", "/x"},
        {"/a/../b//c", "/a/../b//c"},
        {"~/", "/home/u"},
        {".", "/home/u"},
        {"a/..b", "/home/u/a/..b"},
        {"...", "/home/u/..."},
    };
    const struct user u = {.home = "/home/u"};
    char path[FILES_PATH], longest[FILES_PATH + 1];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(files_resolve(&u, cases[i].text, path), FILES_OK);
        ck_assert_str_eq(path, cases[i].path);
    }
    ck_assert_int_eq(files_resolve(&u, "~root/x", path), FILES_BAD_PATH);
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    ck_assert_int_eq(files_resolve(&u, longest, path), FILES_SYSTEM);
}
END_TEST

START_TEST(unknown_user) {
    const char *args[] = {"/", NULL};
    ck_assert_int_eq(ask_as("nobody-knows", HELPER_FILE_STAT, args), FILES_NO_USER);
    ck_assert_int_eq(ask_as(user, HELPER_FILE_STAT, args), FILES_OK);
}
END_TEST

/* ---- one file ---- */

START_TEST(stat_tells_of_files_and_links) {
    put("file", "12345");
    ck_assert_int_eq(symlink("file", in("link")), 0);
    ck_assert_int_eq(symlink("nowhere", in("broken")), 0);
    ck_assert_int_eq(ask(STAT, in("file")), FILES_OK);
    ck_assert_uint_eq(answer.count, 1);
    ck_assert_str_eq(answer.seen->path, in("file"));
    ck_assert_str_eq(answer.seen->owner, user);
    ck_assert_int_eq(answer.seen->record.size, 5);
    ck_assert_uint_eq(answer.seen->record.mode, S_IFREG | 0644);

    ck_assert_int_eq(ask(STAT, in("link")), FILES_OK);
    ck_assert_str_eq(answer.seen->target, in("file"));
    ck_assert(S_ISLNK(answer.seen->record.mode) && S_ISREG(answer.seen->record.target_mode));

    ck_assert_int_eq(ask(STAT, in("broken")), FILES_OK);
    ck_assert_str_eq(answer.seen->target, in("broken"));
    ck_assert_uint_eq(answer.seen->record.target_mode, 0);

    ck_assert_int_eq(ask(STAT, in("missing")), FILES_MISSING);
    ck_assert_str_eq(answer.seen->path, in("missing"));
    ck_assert_int_eq(ask(STAT, in("file/below")), FILES_MISSING);
    ck_assert_int_eq(ask(STAT, "~root"), FILES_BAD_PATH);
}
END_TEST

START_TEST(reading_gives_regular_files_only) {
    put("file", "content");
    ck_assert_int_eq(mkfifo(in("fifo"), 0600), 0);
    ck_assert_int_eq(symlink("loop", in("loop")), 0);
    ck_assert_int_eq(ask(OPEN_READ, in("file")), FILES_OK);
    char bytes[16];
    ck_assert_int_eq(read(answer.fd, bytes, sizeof(bytes)), 7);
    ck_assert_int_eq(ask(OPEN_READ, in("fifo")), FILES_NOT_REGULAR);
    ck_assert_int_eq(answer.fd, -1);
    ck_assert_int_eq(ask(OPEN_READ, "/dev/zero"), FILES_NOT_REGULAR);
    ck_assert_int_eq(ask(OPEN_READ, top), FILES_DIRECTORY);
    ck_assert_int_eq(ask(OPEN_READ, in("missing")), FILES_MISSING);
    ck_assert_int_eq(ask(OPEN_READ, in("loop")), FILES_LOOP);
}
END_TEST

START_TEST(files_of_odd_file_systems_are_copied) {
    char bytes[64] = "";
    ck_assert_int_eq(ask(OPEN_READ, "/proc/self/comm"), FILES_OK);
    ck_assert(files_is_plain(answer.fd));
    ck_assert_int_gt(pread(answer.fd, bytes, sizeof(bytes), 0), 0);
    ck_assert_ptr_nonnull(strstr(bytes, "test_agent"));
}
END_TEST

START_TEST(writing_makes_parents_and_empties) {
    put("old", "much longer than before");
    ck_assert_int_eq(ask(OPEN_WRITE, in("old")), FILES_OK);
    ck_assert_int_eq(write(answer.fd, "new", 3), 3);
    check_content("old", "new");
    ck_assert_int_eq(ask(OPEN_WRITE, in("a/b/c")), FILES_OK);
    struct stat st;
    ck_assert_int_eq(stat(in("a/b"), &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFDIR | 0755);
    ck_assert_int_eq(stat(in("a/b/c"), &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0644);
    ck_assert_int_eq(ask(OPEN_WRITE, in("a")), FILES_DIRECTORY);
    ck_assert_int_eq(ask(OPEN_WRITE, in("old/below")), FILES_PARENT);
    ck_assert_str_eq(answer.seen->path, in("old"));
    ck_assert_int_eq(mkfifo(in("fifo"), 0600), 0);
    ck_assert_int_eq(ask(OPEN_WRITE, in("fifo")), FILES_NOT_REGULAR);
    ck_assert_int_eq(ask(OPEN_WRITE, "/dev/null"), FILES_NOT_REGULAR);
}
END_TEST

START_TEST(metadata_is_replaced_as_a_whole) {
    if (ask(OPEN_WRITE, in("f"), "color", "blue", "size", "9") == FILES_NO_METADATA) {
        ck_assert_int_ne(access(in("f"), F_OK), 0);
        return;
    }
    ck_assert_int_eq(answer.last.value, FILES_OK);
    ck_assert_int_eq(ask(STAT, in("f")), FILES_OK);
    ck_assert_uint_eq(answer.seen->record.metadata_len, sizeof("color\0blue\0size\0009"));
    ck_assert_int_eq(ask(OPEN_WRITE, in("f"), "color", "red"), FILES_OK);
    ck_assert_int_eq(ask(STAT, in("f")), FILES_OK);
    ck_assert_uint_eq(answer.seen->record.metadata_len, sizeof("color\0red"));
    ck_assert_mem_eq(answer.seen->metadata, "color\0red", sizeof("color\0red"));
    ck_assert_int_eq(ask(OPEN_WRITE, in("f")), FILES_OK);
    ck_assert_int_eq(ask(STAT, in("f")), FILES_OK);
    ck_assert_uint_eq(answer.seen->record.metadata_len, 0);
}
END_TEST

/* ---- directories ---- */

START_TEST(making_directories) {
    put("file", "");
    ck_assert_int_eq(ask(MAKE_DIR, in("x/y/z")), FILES_OK);
    ck_assert(S_ISDIR(answer.seen->record.mode));
    ck_assert_int_eq(ask(MAKE_DIR, in("x/y/z")), FILES_EXISTS);
    ck_assert_int_eq(ask(MAKE_DIR, in("file")), FILES_NO_DIRECTORY);
    ck_assert_int_eq(ask(MAKE_DIR, in("file/z")), FILES_PARENT);
    ck_assert_int_eq(symlink("nowhere", in("broken")), 0);
    ck_assert_int_eq(ask(MAKE_DIR, in("broken")), FILES_SYSTEM);
    ck_assert_int_eq(answer.last.error, EEXIST);
}
END_TEST

START_TEST(moving) {
    put("a", "first");
    put("b", "second");
    ck_assert_int_eq(ask(MOVE, in("a"), in("b")), FILES_OK);
    ck_assert_str_eq(answer.seen->path, in("b"));
    check_content("b", "first");
    ck_assert_int_eq(ask(MOVE, in("b"), in("new/place")), FILES_OK);
    check_content("new/place", "first");
    ck_assert_int_eq(ask(MOVE, in("a"), in("c")), FILES_MISSING);
    ck_assert_str_eq(answer.seen->path, in("a"));
}
END_TEST

START_TEST(moving_between_file_systems) {
    char other[] = "/dev/shm/e2b-files-XXXXXX", path[64];
    struct stat here, there;
    if (!mkdtemp(other))
        return;
    ck_assert_int_eq(stat(top, &here), 0);
    ck_assert_int_eq(stat(other, &there), 0);
    if (here.st_dev != there.st_dev) {
        ck_assert_int_eq(ask(MAKE_DIR, in("d/e")), FILES_OK);
        bool keeps = ask(OPEN_WRITE, in("d/e/f"), "color", "blue") == FILES_OK;
        put("d/e/f", "content");
        if (keeps) /* put() replaced the file */
            ck_assert_int_eq(ask(OPEN_WRITE, in("d/e/g"), "color", "blue"), FILES_OK);
        ck_assert_int_eq(chmod(in("d/e/f"), 0750), 0);
        ck_assert_int_eq(symlink("e/f", in("d/l")), 0);
        snprintf(path, sizeof(path), "%s/d", other);
        ck_assert_int_eq(ask(MOVE, in("d"), path), FILES_OK);
        ck_assert_int_ne(access(in("d"), F_OK), 0);
        ck_assert_int_eq(ask(MOVE, path, in("back")), FILES_OK);
        check_content("back/l", "content");
        if (keeps) {
            ck_assert_int_eq(ask(STAT, in("back/e/g")), FILES_OK);
            ck_assert_mem_eq(answer.seen->metadata, "color\0blue", sizeof("color\0blue"));
        }
        ck_assert_int_eq(stat(in("back/e/f"), &there), 0);
        ck_assert_uint_eq(there.st_mode, S_IFREG | 0750);
    }
    tree_remove(AT_FDCWD, other);
}
END_TEST

START_TEST(removing) {
    ck_assert_int_eq(ask(MAKE_DIR, in("keep")), FILES_OK);
    put("keep/file", "x");
    ck_assert_int_eq(ask(MAKE_DIR, in("gone/deep")), FILES_OK);
    ck_assert_int_eq(symlink(in("keep"), in("gone/deep/link")), 0);
    ck_assert_int_eq(ask(REMOVE, in("gone")), FILES_OK);
    ck_assert_int_ne(access(in("gone"), F_OK), 0);
    check_content("keep/file", "x");
    ck_assert_int_eq(ask(REMOVE, in("gone")), FILES_OK);
    ck_assert_int_eq(ask(REMOVE, in("keep/file/below")), FILES_OK);
}
END_TEST

START_TEST(removing_what_is_nested_beyond_any_bound) {
    int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(mkdirat(dir, "deeper", 0700), 0);
        int next = openat(dir, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(next, 0);
        close(dir);
        dir = next;
    }
    close(dir);
    ck_assert_int_eq(ask(REMOVE, in("deeper")), FILES_OK);
    ck_assert_int_ne(access(in("deeper"), F_OK), 0);
}
END_TEST

START_TEST(listing_is_lexical_and_keeps_the_path_asked_for) {
    static const char *const shallow[] = {"a", "a-b", "link", "z"};
    static const char *const deep[] = {"a", "a/1", "a/1/x", "a/2", "a-b", "link", "z"};
    ck_assert_int_eq(ask(MAKE_DIR, in("t/a/1")), FILES_OK);
    ck_assert_int_eq(symlink("a", in("t/link")), 0);
    put("t/a/2", "");
    put("t/a/1/x", "");
    put("t/a-b", "");
    put("t/z", "");
    ck_assert_int_eq(symlink("t", in("to-t")), 0);
    ck_assert_int_eq(ask(LIST, in("to-t"), "0"), FILES_OK);
    ck_assert_uint_eq(answer.count, ARRAY_LEN(shallow));
    for (size_t i = 0; i < ARRAY_LEN(shallow); i++)
        ck_assert_str_eq(answer.seen[i].path + strlen(in("to-t/")), shallow[i]);
    ck_assert_int_eq(ask(LIST, in("t"), "9"), FILES_OK);
    ck_assert_uint_eq(answer.count, ARRAY_LEN(deep));
    for (size_t i = 0; i < ARRAY_LEN(deep); i++)
        ck_assert_str_eq(answer.seen[i].path + strlen(in("t/")), deep[i]);
    ck_assert_int_eq(ask(LIST, in("t/z"), "1"), FILES_NO_DIRECTORY);
    ck_assert_int_eq(ask(LIST, in("none"), "1"), FILES_MISSING);
    ck_assert_int_eq(symlink("loop", in("loop")), 0);
    ck_assert_int_eq(ask(LIST, in("loop"), "1"), FILES_LOOP);
}
END_TEST

START_TEST(listing_more_than_a_message_holds) {
    char name[160];
    for (int i = 0; i < 1500; i++) {
        snprintf(name, sizeof(name), "%0150d", i);
        put(name, "");
    }
    ck_assert_int_eq(ask(LIST, top, "1"), FILES_OK);
    ck_assert_uint_eq(answer.count, 1500);
}
END_TEST

START_TEST(composing) {
    put("1", "one ");
    put("2", "two");
    ck_assert_int_eq(ask(COMPOSE, in("out/all"), in("1"), in("2")), FILES_OK);
    check_content("out/all", "one two");
    ck_assert_int_ne(access(in("1"), F_OK), 0);
    ck_assert_int_eq(ask(COMPOSE, in("x"), in("missing")), FILES_MISSING);
    ck_assert_int_eq(ask(COMPOSE, in("x"), top), FILES_NOT_REGULAR);
    ck_assert_int_eq(ask(COMPOSE, in("out/all"), in("out/../out/all")), FILES_SAME_PATH);
    check_content("out/all", "one two");
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("files");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, paths_mean_what_the_contract_says);
    tcase_add_test(cases, unknown_user);
    tcase_add_test(cases, stat_tells_of_files_and_links);
    tcase_add_test(cases, reading_gives_regular_files_only);
    tcase_add_test(cases, files_of_odd_file_systems_are_copied);
    tcase_add_test(cases, writing_makes_parents_and_empties);
    tcase_add_test(cases, metadata_is_replaced_as_a_whole);
    tcase_add_test(cases, making_directories);
    tcase_add_test(cases, moving);
    tcase_add_test(cases, moving_between_file_systems);
    tcase_add_test(cases, removing);
    tcase_add_test(cases, removing_what_is_nested_beyond_any_bound);
    tcase_add_test(cases, listing_is_lexical_and_keeps_the_path_asked_for);
    tcase_add_test(cases, listing_more_than_a_message_holds);
    tcase_add_test(cases, composing);
    return unit_run("agent_files", cases);
}
