/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's file operations, each run as in a sandbox: by a child that answers on a socket, here
 * in a directory of its own.
 */
#include "backend/agent/files.h"
#include "backend/agent/files_job.h"
#include "common/tree.h"
#include "common/io.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { PATIENCE_MS = 10000, MAX_SEEN = 4096 };

static char top[] = "/tmp/e2b-files-XXXXXX", user[USERS_NAME], home[USERS_HOME];

/* One record as the daemon would see it. */
struct seen {
    struct files_record record;
    char path[FILES_PATH], target[FILES_PATH], owner[USERS_NAME], metadata[FILES_METADATA];
};

struct answer {
    struct helper_reply last;
    int fd;
    size_t count;
    struct seen *seen;
};

static struct answer answer;

static void setup(void) {
    const struct passwd *me = getpwuid(getuid());
    ck_assert_ptr_nonnull(me);
    snprintf(user, sizeof(user), "%s", me->pw_name);
    snprintf(home, sizeof(home), "%s", me->pw_dir);
    strcpy(top + strlen(top) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    answer.seen = calloc(MAX_SEEN, sizeof(*answer.seen));
    answer.fd = -1;
}

static void teardown(void) {
    tree_remove(AT_FDCWD, top);
    close_fd(&answer.fd);
    free(answer.seen);
}

/* A path below the test's directory; four at a time. */
static const char *in(const char *name) {
    static char paths[4][FILES_PATH];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, FILES_PATH, "%s/%s", top, name);
    return path;
}

static void put(const char *name, const char *text) {
    struct error err = ERROR_INIT;
    ck_assert_msg(io_write_file(in(name), text, strlen(text), 0644, &err), "%s", err.message);
}

static void take_string(char *to, const char **from, size_t len) {
    memcpy(to, *from, len);
    to[len] = '\0';
    *from += len;
}

static void take_records(const char *at, const char *end) {
    while (at < end) {
        ck_assert_uint_lt(answer.count, MAX_SEEN);
        struct seen *s = &answer.seen[answer.count++];
        memcpy(&s->record, at, sizeof(s->record));
        const char *text = at + sizeof(s->record);
        take_string(s->path, &text, s->record.path_len);
        take_string(s->target, &text, s->record.target_len);
        take_string(s->owner, &text, s->record.owner_len);
        text += s->record.group_len;
        memcpy(s->metadata, text, s->record.metadata_len);
        at += s->record.bytes;
    }
    ck_assert_ptr_eq(at, end);
}

/* False when the other end was closed. */
static bool receive(int sock) {
    static _Alignas(8) char message[FILES_MESSAGE];
    int fd = -1;
    size_t fds = 1;
    struct pollfd p = {.fd = sock, .events = POLLIN};
    ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "no answer");
    ssize_t n = io_recv_fds(sock, message, sizeof(message), &fd, &fds, 0);
    if (n <= 0)
        return false;
    ck_assert_int_ge(n, sizeof(answer.last));
    memcpy(&answer.last, message, sizeof(answer.last));
    ck_assert_uint_eq(answer.last.version, AGENT_PROTOCOL);
    if (fds)
        answer.fd = fd;
    take_records(message + sizeof(answer.last), message + n);
    return true;
}

static int start(uint32_t op, const char *who, char *const *args, size_t count, pid_t *pid) {
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    *pid = fork();
    ck_assert_int_ge(*pid, 0);
    if (*pid == 0) {
        close(ends[0]);
        files_serve(ends[1], op, who, args, count);
        _exit(0);
    }
    close(ends[1]);
    return ends[0];
}

static enum files_failure ask_as(const char *who, uint32_t op, const char *const *args) {
    size_t count = 0;
    pid_t pid;
    while (args[count])
        count++;
    close_fd(&answer.fd);
    answer.count = 0;
    cleanup_close int sock = start(op, who, (char *const *)(uintptr_t)args, count, &pid);
    do
        ck_assert_msg(receive(sock), "the helper ended without its last word");
    while (!(answer.last.flags & HELPER_LAST));
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return (enum files_failure)answer.last.value;
}

#define ask(op, ...) ask_as(user, HELPER_FILE_##op, (const char *const[]){__VA_ARGS__, NULL})

static void check_content(const char *name, const char *text) {
    struct error err = ERROR_INIT;
    cleanup_buf struct buf b = BUF_INIT(1 << 20);
    ck_assert_msg(io_read_file(in(name), &b, &err), "%s", err.message);
    ck_assert_str_eq(b.data ? b.data : "", text);
}

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

/* ---- watching ---- */

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
    Suite *suite = suite_create("agent_files");
    TCase *group = tcase_create("files");
    tcase_set_timeout(group, 60);
    tcase_add_checked_fixture(group, setup, teardown);
    tcase_add_test(group, paths_mean_what_the_contract_says);
    tcase_add_test(group, unknown_user);
    tcase_add_test(group, stat_tells_of_files_and_links);
    tcase_add_test(group, reading_gives_regular_files_only);
    tcase_add_test(group, files_of_odd_file_systems_are_copied);
    tcase_add_test(group, writing_makes_parents_and_empties);
    tcase_add_test(group, metadata_is_replaced_as_a_whole);
    tcase_add_test(group, making_directories);
    tcase_add_test(group, moving);
    tcase_add_test(group, moving_between_file_systems);
    tcase_add_test(group, removing);
    tcase_add_test(group, removing_what_is_nested_beyond_any_bound);
    tcase_add_test(group, listing_is_lexical_and_keeps_the_path_asked_for);
    tcase_add_test(group, listing_more_than_a_message_holds);
    tcase_add_test(group, composing);
    tcase_add_test(group, watching_one_directory);
    tcase_add_test(group, watching_fails_clearly);
    tcase_add_test(group, nothing_is_lost_in_new_directories);
    tcase_add_test(group, watches_share_directories);
    tcase_add_test(group, moved_directories_are_known_by_their_new_name);
    tcase_add_test(group, the_watched_directory_itself_goes);
    suite_add_tcase(suite, group);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
