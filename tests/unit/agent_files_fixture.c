/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent_files_fixture.h"
#include "common/io.h"
#include "common/tree.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { PATIENCE_MS = 30000, MAX_SEEN = 4096 };

struct answer answer;
char top[] = "/tmp/e2b-files-XXXXXX", user[USERS_NAME], home[USERS_HOME];

void setup(void) {
    const struct passwd *me = getpwuid(getuid());
    ck_assert_ptr_nonnull(me);
    snprintf(user, sizeof(user), "%s", me->pw_name);
    snprintf(home, sizeof(home), "%s", me->pw_dir);
    strcpy(top + strlen(top) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    answer.seen = calloc(MAX_SEEN, sizeof(*answer.seen));
    answer.fd = -1;
}

void teardown(void) {
    tree_remove(AT_FDCWD, top);
    close_fd(&answer.fd);
    free(answer.seen);
}

const char *in(const char *name) {
    static char paths[4][FILES_PATH];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, FILES_PATH, "%s/%s", top, name);
    return path;
}

void put(const char *name, const char *text) {
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

bool receive(int sock) {
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

int start(uint32_t op, const char *who, char *const *args, size_t count, pid_t *pid) {
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

enum files_failure ask_as(const char *who, uint32_t op, const char *const *args) {
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

void check_content(const char *name, const char *text) {
    struct error err = ERROR_INIT;
    cleanup_buf struct buf b = BUF_INIT(1 << 20);
    ck_assert_msg(io_read_file(in(name), &b, &err), "%s", err.message);
    ck_assert_str_eq(b.data ? b.data : "", text);
}
