/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/runtime/network.h"

#include "backend/runtime/prefix.h"
#include "backend/runtime/slirp.h"
#include "backend/runtime/veth.h"
#include "backend/runtime/zygote_client.h"
#include "common/io.h"
#include "common/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { NAMESERVER_TEXT = 48 };

struct way {
    const char *name;
    const char *gateway;
};

static const struct way ways[] = {{"veth", VETH_GATEWAY}, {"slirp4netns", SLIRP_GATEWAY}};
enum { WAY_VETH, WAY_SLIRP };

struct network {
    uv_loop_t *loop;
    struct zygote_client *zygote;
    const struct way *way; /* NULL: none, and `why` */
    const char *why;
    char nameserver[NAMESERVER_TEXT];
    uv_signal_t *child_ended;
    pid_t *children; /* slirp4netns processes that are ours to reap */
    size_t child_count, child_room;
    struct change *changes; /* under way, one a guest */
    bool stopped;
};

/* One sandbox being connected or given other routes. */
struct change {
    uv_work_t work;
    uv_poll_t poll;
    struct network *network;
    struct network_guest guest; /* pidfd: an own duplicate */
    bool is_new;                /* the first of its guest */
    bool connected;             /* it was, before */
    bool connect;               /* else only the routes change */
    char link[VETH_COMMAND];    /* the command that addresses the inner end */
    int exit_fd;                /* slirp4netns watches it; -1 otherwise */
    pid_t child;                /* its slirp4netns; 0: none */
    char **commands;            /* for the zygote's helper; NULL-terminated */
    size_t command_count;
    int socket; /* of the helper */
    struct error error;
    network_done done;
    void *ctx;
    struct change *then;  /* of the same guest */
    struct change *other; /* of other guests: the list of those under way */
};

/* ---- what the host has ------------------------------------------------------------------------
 */

static bool in_path(const char *program) {
    static const char *const folders[] = {"/usr/sbin", "/sbin", "/usr/bin", "/bin"};
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/%s", folders[i], program);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

/* A resolver that a sandbox can reach: not one on the host's loopback. */
static bool read_nameserver(const char *path, char out[static NAMESERVER_TEXT]) {
    struct error ignored = ERROR_INIT;
    cleanup_buf struct buf text = BUF_INIT(64 << 10);
    if (!io_read_file(path, &text, &ignored) || !text.len)
        return false;
    char *rest = NULL;
    for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *words = NULL;
        const char *key = strtok_r(line, " \t", &words);
        const char *value = strtok_r(NULL, " \t", &words);
        struct in_addr address;
        if (!key || !value || strcmp(key, "nameserver") != 0 ||
            inet_pton(AF_INET, value, &address) != 1 ||
            ntohl(address.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET)
            continue;
        snprintf(out, NAMESERVER_TEXT, "%s", value);
        return true;
    }
    return false;
}

static void choose_way(struct network *n) {
    if (geteuid() == 0 && in_path("nft")) {
        n->way = &ways[WAY_VETH];
        if (!read_nameserver("/etc/resolv.conf", n->nameserver))
            read_nameserver("/run/systemd/resolve/resolv.conf", n->nameserver);
    } else if (!slirp_program()) {
        n->why = "slirp4netns is not installed";
    } else if (access("/dev/net/tun", R_OK | W_OK) < 0) {
        n->why = "/dev/net/tun cannot be opened by this user";
    } else {
        n->way = &ways[WAY_SLIRP];
        snprintf(n->nameserver, sizeof(n->nameserver), SLIRP_NAMESERVER);
    }
}

/* ---- children ---------------------------------------------------------------------------------
 */

static void reap(uv_signal_t *handle, int number) {
    struct network *n = handle->data;
    (void)number;
    for (size_t i = n->child_count; i-- > 0;)
        if (waitpid(n->children[i], NULL, WNOHANG) != 0)
            n->children[i] = n->children[--n->child_count];
}

static void keep_child(struct network *n, pid_t child) {
    if (n->child_count == n->child_room) {
        size_t room = n->child_room ? n->child_room * 2 : 64;
        pid_t *more = realloc(n->children, room * sizeof(*more));
        if (!more)
            return; /* it stays a zombie until the daemon ends */
        n->children = more;
        n->child_room = room;
    }
    n->children[n->child_count++] = child;
    reap(n->child_ended, SIGCHLD); /* it may have ended before it was kept */
}

struct network *network_start(uv_loop_t *loop, struct zygote_client *zygote) {
    struct network *n = calloc(1, sizeof(*n));
    if (!n)
        return NULL;
    n->loop = loop;
    n->zygote = zygote;
    choose_way(n);
    n->child_ended = memory_need(sizeof(*n->child_ended));
    if (uv_signal_init(loop, n->child_ended) != 0)
        abort();
    n->child_ended->data = n;
    uv_signal_start(n->child_ended, reap, SIGCHLD);
    uv_unref((uv_handle_t *)n->child_ended);
    return n;
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

static void network_free(struct network *n) {
    free(n->children);
    free(n);
}

void network_stop(struct network *n) {
    uv_close((uv_handle_t *)n->child_ended, free_handle);
    n->stopped = true;
    if (!n->changes)
        network_free(n);
    /* else with the last change, which a thread of the pool still works at */
}

const char *network_mechanism(const struct network *n, const char **why) {
    *why = n->why;
    return n->way ? n->way->name : NULL;
}

const char *network_nameserver(const struct network *n) {
    return n->nameserver;
}

/* ---- rules as routes --------------------------------------------------------------------------
 */

/* Allow beats deny: a denied prefix inside an allowed one must not become a longer route. */
static bool allowed_anyway(const struct plan_network *policy, const struct prefix *denied) {
    for (size_t i = 0; i < policy->allow_count; i++) {
        struct prefix allowed;
        if (prefix_parse(policy->allow[i], &allowed) && prefix_covers(&allowed, denied))
            return true;
    }
    return false;
}

/* "verb", "verb to", "verb via" or "verb to via". */
static bool add_command(struct change *c, const char *verb, const char *to, const char *via) {
    char *command = NULL;
    if (asprintf(&command, "%s%s%s%s%s", verb, to ? " " : "", to ? to : "", via ? " " : "",
                 via ? via : "") < 0)
        return false;
    c->commands[c->command_count++] = command;
    return true;
}

static bool add_route(struct change *c, const struct prefix *to, bool allowed) {
    char text[PREFIX_TEXT];
    const char *gateway = c->network->way->gateway;
    prefix_print(to, text);
    if (!to->bits) /* "everything else": with no default route it is denied already */
        return !allowed || add_command(c, "default", NULL, gateway);
    return allowed ? add_command(c, "allow", text, gateway) : add_command(c, "deny", text, NULL);
}

/* Closed before opened: what is denied stands before the route that would let it out. The first
 * command is `reset`, or the one that addresses the link, which is known when it is there. */
static bool plan_routes(struct change *c, const struct plan_network *policy) {
    static const struct prefix link_local = {0xa9fe0000u, 16}, all = {0, 0};
    bool all_denied = !policy->internet;
    c->commands = calloc(policy->allow_count + policy->deny_count + 4, sizeof(*c->commands));
    bool ok = c->commands && add_command(c, "reset", NULL, NULL);
    if (ok && !allowed_anyway(policy, &link_local))
        ok = add_route(c, &link_local, false);
    for (size_t i = 0; ok && i < policy->deny_count; i++) {
        struct prefix denied;
        ok = prefix_parse(policy->deny[i], &denied);
        all_denied |= ok && !denied.bits;
        if (ok && !allowed_anyway(policy, &denied))
            ok = add_route(c, &denied, false);
    }
    for (size_t i = 0; ok && i < policy->allow_count; i++) {
        struct prefix allowed;
        ok = prefix_parse(policy->allow[i], &allowed) && add_route(c, &allowed, true);
    }
    return ok && (all_denied || add_route(c, &all, true));
}

/* ---- a change, step by step -------------------------------------------------------------------
 */

static void free_change(struct change *c) {
    for (size_t i = 0; i < c->command_count; i++)
        free(c->commands[i]);
    free(c->commands);
    close_fd(&c->guest.pidfd);
    close_fd(&c->exit_fd);
    close_fd(&c->socket);
    free(c);
}

static void start(struct change *c);

/* After the stop only those are told who only let go of what they kept for it. */
static void tell(struct change *c) {
    if (!c->network->stopped || c->is_new)
        c->done(c->ctx, c->error.kind ? &c->error : NULL);
    free_change(c);
}

static void finish(struct change *c) {
    struct network *n = c->network;
    struct change **at = &n->changes, *then = c->then;
    while (*at != c)
        at = &(*at)->other;
    *at = c->other;
    if (then && !n->stopped) {
        then->other = *at;
        *at = then;
        start(then);
        then = NULL;
    }
    tell(c);
    while (then) { /* was never begun */
        struct change *next = then->then;
        tell(then);
        then = next;
    }
    if (n->stopped && !n->changes)
        network_free(n);
}

static void poll_closed(uv_handle_t *handle) {
    finish(handle->data);
}

static void on_reply(uv_poll_t *poll, int status, int events) {
    struct change *c = poll->data;
    struct helper_reply reply;
    (void)status, (void)events;
    ssize_t n = recv(c->socket, &reply, sizeof(reply), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n != sizeof(reply) || reply.version != AGENT_PROTOCOL || reply.error)
        error_errno(&c->error, n == sizeof(reply) && reply.error ? reply.error : EPROTO,
                    "cannot set the sandbox's routes");
    uv_close((uv_handle_t *)poll, poll_closed);
}

static void set_routes(struct change *c) {
    c->socket = zygote_client_helper(c->network->zygote, HELPER_NETWORK,
                                     (const char *const *)(uintptr_t)c->commands, &c->guest.pidfd,
                                     1, &c->error);
    if (c->socket < 0 || uv_poll_init(c->network->loop, &c->poll, c->socket) != 0) {
        finish(c);
        return;
    }
    c->poll.data = c;
    uv_poll_start(&c->poll, UV_READABLE, on_reply);
}

static bool put_link(struct change *c) {
    free(c->commands[0]);
    c->commands[0] = strdup(c->link);
    return c->commands[0] || error_errno(&c->error, ENOMEM, "cannot set the sandbox's routes");
}

/* As root there is no need of a helper. */
static void set_veth(struct change *c, int netns) {
    if (c->connect && !c->is_new && !veth_detach(netns, &c->error))
        return;
    if (!c->connect || (veth_attach(netns, c->link, &c->error) && put_link(c)))
        veth_route(netns, (const char *const *)(uintptr_t)c->commands, c->command_count, &c->error);
}

/* On a thread of the pool. The pid is still its own as long as the pidfd can be signalled. */
static void change_guest(uv_work_t *work) {
    struct change *c = work->data;
    const bool is_veth = c->network->way == &ways[WAY_VETH];
    char path[64];
    if (c->error.kind || !c->command_count || !(c->connect || is_veth))
        return;
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)c->guest.pid);
    cleanup_close int netns = open(path, O_RDONLY | O_CLOEXEC);
    if (netns < 0 || syscall(SYS_pidfd_send_signal, c->guest.pidfd, 0, NULL, 0) < 0)
        error_errno(&c->error, errno, "the sandbox is gone");
    else if (is_veth)
        set_veth(c, netns);
    else if ((c->child = slirp_attach(c->guest.pid, c->exit_fd, &c->error)) > 0)
        snprintf(c->link, sizeof(c->link), SLIRP_LINK);
}

static void after_change(uv_work_t *work, int status) {
    struct change *c = work->data;
    (void)status;
    if (c->child > 0 && !c->network->stopped)
        keep_child(c->network, c->child);
    if (c->network->stopped || c->error.kind || !c->command_count ||
        c->network->way == &ways[WAY_VETH] || (c->connect && !put_link(c)))
        finish(c);
    else
        set_routes(c);
}

/* Its routes are the only record of that, and outlive any daemon. The one to its link comes with
 * the address and stays; an interface without it is half made. */
static bool is_connected(const struct network_guest *guest) {
    char path[64];
    struct error ignored = ERROR_INIT;
    cleanup_buf struct buf text = BUF_INIT(64 << 10);
    snprintf(path, sizeof(path), "/proc/%d/net/route", (int)guest->pid);
    return io_read_file(path, &text, &ignored) && text.data &&
           (strstr(text.data, "eth0\t") || strstr(text.data, "tap0\t"));
}

/* The last change of that guest which is still under way: the next one waits for it. */
static struct change *find_change(const struct network *n, pid_t pid) {
    struct change *c = n->changes;
    while (c && c->guest.pid != pid)
        c = c->other;
    while (c && c->then)
        c = c->then;
    return c;
}

static void start(struct change *c) {
    uv_queue_work(c->network->loop, &c->work, change_guest, after_change);
}

int network_set(struct network *n, const struct network_guest *guest,
                const struct plan_network *policy, bool is_new, network_done done, void *ctx) {
    int pair[2] = {-1, -1};
    struct change *before = find_change(n, guest->pid), *c = memory_need(sizeof(*c));
    *c = (struct change){.network = n, .work.data = c, .socket = -1, .done = done, .ctx = ctx};
    c->guest = (struct network_guest){guest->pid, fcntl(guest->pidfd, F_DUPFD_CLOEXEC, 0)};
    c->is_new = is_new;
    c->connected = before ? before->connected || before->connect : !is_new && is_connected(guest);
    c->connect = n->way && !c->connected && (policy->internet || policy->allow_count);
    if (c->guest.pidfd < 0 || ((c->connect || c->connected) && !plan_routes(c, policy)) ||
        (c->connect && n->way == &ways[WAY_SLIRP] &&
         socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0))
        error_errno(&c->error, errno, "cannot connect the sandbox to the network");
    c->exit_fd = pair[0];
    if (before) {
        before->then = c;
    } else {
        c->other = n->changes;
        n->changes = c;
        start(c);
    }
    return pair[1];
}
