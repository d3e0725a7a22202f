/* SPDX-License-Identifier: Apache-2.0 */
#include "common/routes.h"

#include "common/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DUMP_MAX = 16384, WORD_MAX = 64 };

struct prefix {
    struct in_addr address;
    unsigned char bits;
};

/* The next word of a command, cut off at the blank. */
static const char *word(const char **rest, char out[static WORD_MAX]) {
    size_t len = strcspn(*rest, " ");
    size_t take = len < WORD_MAX ? len : WORD_MAX - 1;
    memcpy(out, *rest, take);
    out[take] = '\0';
    *rest += len + ((*rest)[len] == ' ');
    return out;
}

static bool parse_prefix(char *text, struct prefix *prefix) {
    char *slash = strchr(text, '/');
    unsigned long bits = 32;
    if (slash) {
        *slash = '\0';
        char *end;
        bits = strtoul(slash + 1, &end, 10);
        if (*end || end == slash + 1)
            return false;
    }
    prefix->bits = (unsigned char)bits;
    return bits <= 32 && inet_pton(AF_INET, text, &prefix->address) == 1;
}

static int command_link(int sock, const char *rest) {
    char name[WORD_MAX], text[WORD_MAX];
    struct prefix own;
    unsigned index = if_nametoindex(word(&rest, name));
    word(&rest, text);
    if (!index || !parse_prefix(text, &own))
        return index ? EINVAL : ENODEV;
    struct netlink_message m;
    struct ifaddrmsg info = {.ifa_family = AF_INET, .ifa_prefixlen = own.bits, .ifa_index = index};
    netlink_start(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
    netlink_attribute(&m, IFA_LOCAL, &own.address, sizeof(own.address));
    netlink_attribute(&m, IFA_ADDRESS, &own.address, sizeof(own.address));
    int error = netlink_request(sock, &m);
    return error ? error
                 : netlink_set_up(sock, index, (uint32_t)strtoul(word(&rest, text), NULL, 10));
}

/* A route to `to`, by the gateway or, with none, to nowhere. */
static int add_route(int sock, const struct prefix *to, const struct in_addr *via) {
    struct netlink_message m;
    struct rtmsg info = {.rtm_family = AF_INET,
                         .rtm_dst_len = to->bits,
                         .rtm_table = RT_TABLE_MAIN,
                         .rtm_protocol = RTPROT_STATIC,
                         .rtm_scope = RT_SCOPE_UNIVERSE,
                         .rtm_type = via ? RTN_UNICAST : RTN_UNREACHABLE};
    netlink_start(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
    netlink_attribute(&m, RTA_DST, &to->address, sizeof(to->address));
    if (via)
        netlink_attribute(&m, RTA_GATEWAY, via, sizeof(*via));
    return netlink_request(sock, &m);
}

static int command_route(int sock, const char *rest, bool is_default, bool allowed) {
    char text[WORD_MAX];
    struct prefix to = {.bits = 0};
    struct in_addr via;
    if (!is_default) {
        word(&rest, text);
        if (!parse_prefix(text, &to))
            return EINVAL;
    }
    if (!allowed)
        return add_route(sock, &to, NULL);
    if (inet_pton(AF_INET, word(&rest, text), &via) != 1)
        return EINVAL;
    return add_route(sock, &to, &via);
}

/* Turns one route of a dump into its own deletion; the kernel's own (protocol kernel) stay. */
static int delete_route(int sock, const struct nlmsghdr *route) {
    const struct rtmsg *info = NLMSG_DATA(route);
    struct netlink_message m;
    if (info->rtm_table != RT_TABLE_MAIN || info->rtm_protocol != RTPROT_STATIC)
        return 0;
    if (route->nlmsg_len > sizeof(m))
        return EPROTO;
    memset(&m, 0, sizeof(m));
    memcpy(&m, route, route->nlmsg_len);
    m.head.nlmsg_type = RTM_DELROUTE;
    m.head.nlmsg_flags = NLM_F_REQUEST;
    return netlink_request(sock, &m);
}

/* One batch of a dump; sets *done at its end. Deleting goes over a second socket, since the answers
 * of the dump are still queued on the first. */
static int reset_batch(int dump, int sock, bool *done) {
    char answer[DUMP_MAX];
    ssize_t n = recv(dump, answer, sizeof(answer), 0);
    if (n < 0)
        return errno;
    size_t left = (size_t)n;
    for (struct nlmsghdr *h = (struct nlmsghdr *)answer; NLMSG_OK(h, left);
         h = NLMSG_NEXT(h, left)) {
        if (h->nlmsg_type == NLMSG_DONE)
            *done = true;
        if (h->nlmsg_type == NLMSG_ERROR)
            return -((struct nlmsgerr *)NLMSG_DATA(h))->error;
        int error = h->nlmsg_type == RTM_NEWROUTE ? delete_route(sock, h) : 0;
        if (error)
            return error;
    }
    return 0;
}

static int reset(int sock) {
    struct netlink_message m;
    struct rtmsg info = {.rtm_family = AF_INET};
    bool done = false;
    int error = 0;
    int dump = netlink_open();
    if (dump < 0)
        return errno;
    netlink_start(&m, RTM_GETROUTE, NLM_F_DUMP, &info, sizeof(info));
    if (send(dump, &m, m.head.nlmsg_len, 0) < 0)
        error = errno;
    while (!error && !done)
        error = reset_batch(dump, sock, &done);
    close(dump);
    return error;
}

static int carry_out(int sock, const char *command) {
    char name[WORD_MAX];
    word(&command, name);
    if (!strcmp(name, "link"))
        return command_link(sock, command);
    if (!strcmp(name, "default"))
        return command_route(sock, command, true, true);
    if (!strcmp(name, "allow"))
        return command_route(sock, command, false, true);
    if (!strcmp(name, "deny"))
        return command_route(sock, command, false, false);
    if (!strcmp(name, "reset"))
        return reset(sock);
    return EINVAL;
}

int routes_set(const char *const *commands, size_t count) {
    int sock = netlink_open();
    if (sock < 0)
        return errno;
    int error = 0;
    for (size_t i = 0; i < count && !error; i++)
        error = carry_out(sock, commands[i]);
    close(sock);
    return error;
}
