/* SPDX-License-Identifier: Apache-2.0
 *
 * Which helpers there are, and the small ones.
 */
#include "backend/agent/helpers.h"
#include "backend/agent/copy.h"
#include "backend/agent/files.h"
#include "backend/agent/measure.h"
#include "backend/agent/network.h"
#include "backend/agent/sys.h"
#include "common/tree.h"
#include "common/io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

enum { WORK_MS = 4, REST_MS = 16 }; /* of processor time, of the clock */

bool helper_reply(const struct helper *h, uint32_t flags, int error, int64_t value, int fd) {
    const struct helper_reply reply = {
        .version = AGENT_PROTOCOL, .flags = flags, .error = error, .value = value};
    return io_send_fds(h->socket, &reply, sizeof(reply), &fd, fd >= 0, 0) >= 0;
}

static void last(const struct helper *h, int error, int64_t value) {
    helper_reply(h, HELPER_LAST, error, value, -1);
}

static int hurrier; /* the helper's socket */

static void rest(int number) {
    struct pollfd word = {.fd = hurrier, .events = POLLIN};
    char byte;
    (void)number;
    if (poll(&word, 1, REST_MS) <= 0)
        return;
    if (recv(hurrier, &byte, sizeof(byte), MSG_DONTWAIT) <= 0)
        _exit(1); /* nobody waits for it any more */
    setitimer(ITIMER_PROF, &(struct itimerval){0}, NULL);
}

/* Work a part of the time only: a file system that discards what is deleted makes everybody's next
 * writes wait for a large tree that goes at once. */
static void work_slowly(const struct helper *h) {
    const struct itimerval worked = {.it_interval.tv_usec = WORK_MS * 1000,
                                     .it_value.tv_usec = WORK_MS * 1000};
    const struct sigaction act = {.sa_handler = rest, .sa_flags = SA_RESTART};
    hurrier = h->socket;
    sigaction(SIGPROF, &act, NULL);
    setitimer(ITIMER_PROF, &worked, NULL);
}

static void empty(const struct helper *h) {
    work_slowly(h);
    last(h, tree_empty(h->objects[0]) ? 0 : errno, 0);
}

static void measure(const struct helper *h) {
    int64_t bytes = 0;
    int error = measure_tree(h->objects[0], &bytes) ? 0 : errno;
    last(h, error, bytes); /* apart: arguments are evaluated in any order */
}

static void network(const struct helper *h) {
    const char *const *commands = (const char *const *)(h->args.argv + 1);
    last(h, network_configure(h->objects[0], commands, h->args.argc - 1), 0);
}

static int connect_to(const struct sockaddr *address, socklen_t len) {
    cleanup_close int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, address, len) == 0 ? steal_fd(&fd) : -1;
}

/* A server may listen on either loopback alone. */
static void connect_port(const struct helper *h) {
    char *end;
    unsigned long port = strtoul(h->args.argv[1], &end, 10);
    if (*end || port == 0 || port > UINT16_MAX) {
        last(h, EINVAL, 0);
        return;
    }
    const struct sockaddr_in v4 = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                                    .sin6_port = htons((uint16_t)port),
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = connect_to((const struct sockaddr *)&v4, sizeof(v4));
    int error = errno;
    if (fd < 0)
        fd = connect_to((const struct sockaddr *)&v6, sizeof(v6));
    helper_reply(h, HELPER_LAST, fd < 0 ? error : 0, 0, fd);
}

static int open_dir(int at, const char *name) {
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool copy_part(int from, int to, const char *upper, const char *part) {
    static const char links_name[] = "links";
    if (mkdirat(to, part, 0755) < 0 || mkdirat(to, links_name, 0700) < 0)
        return false;
    cleanup_close int in = open_dir(from, upper);
    cleanup_close int out = open_dir(to, part);
    cleanup_close int links = open_dir(to, links_name);
    return in >= 0 && out >= 0 && links >= 0 && copy_tree(in, out, links, NULL) &&
           tree_remove(to, links_name);
}

static void copy(const struct helper *h) {
    static const char *const parts[][2] = {{"upper", "root"}, {"usr-upper", "usr"}};
    bool ok = true;
    for (size_t i = 0; ok && i < ARRAY_LEN(parts); i++)
        ok = copy_part(h->objects[0], h->objects[1], parts[i][0], parts[i][1]);
    last(h, ok ? 0 : errno, 0);
}

static void root(const struct helper *h) {
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    helper_reply(h, HELPER_LAST, fd < 0 ? errno : 0, 0, fd);
}

static const struct {
    void (*run)(const struct helper *h);
    uint32_t places; /* enum helper_place, or'ed */
    size_t objects;
    size_t arguments; /* at least */
} helpers[HELPER_OPS] = {
    [HELPER_EMPTY] = {empty, HELPER_IN_ZYGOTE, 1, 0},
    [HELPER_MEASURE] = {measure, HELPER_IN_ZYGOTE, 1, 0},
    [HELPER_NETWORK] = {network, HELPER_IN_ZYGOTE, 1, 1},
    [HELPER_CONNECT] = {connect_port, HELPER_IN_AGENT, 0, 1},
    [HELPER_COPY] = {copy, HELPER_IN_ZYGOTE, 2, 0},
    [HELPER_ROOT] = {root, HELPER_IN_AGENT, 0, 0},
};

noreturn void helper_run(struct helper *h, enum helper_place place) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    const bool is_files = place == HELPER_IN_AGENT && files_serves(h->op);
    const bool is_volume =
        place == HELPER_IN_ZYGOTE && files_serves_volume(h->op) && h->object_count == 1;
    if (!is_files && !is_volume &&
        (h->op >= HELPER_OPS || !helpers[h->op].run || !(helpers[h->op].places & place) ||
         h->object_count != helpers[h->op].objects))
        last(h, EOPNOTSUPP, 0);
    else if (!arguments_read(h->arguments, &h->args))
        last(h, errno, 0);
    else if (is_files)
        files_serve(h->socket, h->op, h->args.user, h->args.argv + 1, h->args.argc - 1);
    else if (is_volume)
        files_serve_volume(h->socket, h->op, h->objects[0], h->args.argv + 1, h->args.argc - 1);
    else if (h->args.argc - 1 < helpers[h->op].arguments)
        last(h, EPROTO, 0);
    else
        helpers[h->op].run(h);
    _exit(0);
}
