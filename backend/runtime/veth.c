/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/runtime/veth.h"

#include "common/ids.h"
#include "common/io.h"
#include "common/netlink.h"
#include "common/routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum {
    FIRST_ADDRESS = 2, /* .0.1 is the gateway */
    LAST_ADDRESS = 0xfffe,
    TRIES = 64,
};

/* One table for every daemon on the host, written whole each time, so it is always this. Sandboxes
 * reach neither the host itself nor each other; what they send out bears the host's address. */
static const char rules[] = "table inet e2b\n"
                            "delete table inet e2b\n"
                            "table inet e2b {\n"
                            "  chain nat { type nat hook postrouting priority srcnat;\n"
                            "    ip saddr 10.207.0.0/16 oifname != \"e2b-*\" masquerade; }\n"
                            "  chain forward { type filter hook forward priority filter;\n"
                            "    iifname \"e2b-*\" oifname \"e2b-*\" drop;\n"
                            "    oifname \"e2b-*\" ct state established,related accept;\n"
                            "    oifname \"e2b-*\" drop; }\n"
                            "  chain input { type filter hook input priority filter;\n"
                            "    iifname \"e2b-*\" drop; }\n"
                            "}\n";

static bool run_nft(struct error *err) {
    int input[2];
    if (pipe2(input, O_CLOEXEC) < 0)
        return error_errno(err, errno, "cannot make a pipe");
    cleanup_close int from = input[0], to = input[1];
    char program[] = "nft", option[] = "-f", dash[] = "-";
    char *const argv[] = {program, option, dash, NULL};
    char path[] = "PATH=/usr/sbin:/sbin:/usr/bin:/bin";
    char *const envp[] = {path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, from, STDIN_FILENO);
    pid_t pid;
    int error = posix_spawnp(&pid, program, &actions, NULL, argv, envp);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        return error_errno(err, error, "cannot run nft");
    bool wrote = io_write_all(to, rules, sizeof(rules) - 1); /* less than a pipe holds */
    close_fd(&to);
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!wrote || status != 0)
        return error_set(err, ERR_UNSUPPORTED, "nft refused the masquerade rule");
    return true;
}

static bool forward_packets(struct error *err) {
    cleanup_close int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || !io_write_all(fd, "1", 1))
        return error_errno(err, errno, "cannot let the host forward packets (ip_forward)");
    return true;
}

/* Several threads of the pool may come here at once. */
static bool prepare_host(struct error *err) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool prepared;
    pthread_mutex_lock(&lock);
    if (!prepared)
        prepared = forward_packets(err) && run_nft(err);
    bool ok = prepared;
    pthread_mutex_unlock(&lock);
    return ok;
}

/* The kernel would make one for each processor. */
static void one_queue(struct netlink_message *m) {
    const uint32_t one = 1;
    netlink_attribute(m, IFLA_NUM_TX_QUEUES, &one, sizeof(one));
    netlink_attribute(m, IFLA_NUM_RX_QUEUES, &one, sizeof(one));
}

static int add_pair(int sock, const char *name, int netns) {
    struct netlink_message m;
    struct ifinfomsg info = {0};
    uint32_t descriptor = (uint32_t)netns;
    netlink_start(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
    netlink_attribute(&m, IFLA_IFNAME, name, strlen(name) + 1);
    one_queue(&m);
    struct rtattr *link = netlink_begin(&m, IFLA_LINKINFO, 0);
    netlink_attribute(&m, IFLA_INFO_KIND, "veth", 4);
    struct rtattr *data = netlink_begin(&m, IFLA_INFO_DATA, 0);
    struct rtattr *peer = netlink_begin(&m, VETH_INFO_PEER, sizeof(struct ifinfomsg));
    netlink_attribute(&m, IFLA_IFNAME, "eth0", 5);
    netlink_attribute(&m, IFLA_NET_NS_FD, &descriptor, sizeof(descriptor));
    one_queue(&m);
    netlink_end(&m, peer);
    netlink_end(&m, data);
    netlink_end(&m, link);
    return netlink_request(sock, &m);
}

/* The gateway's address with the sandbox's as its peer: that also makes the route to it. */
static int address_host_end(int sock, const char *name, struct in_addr peer) {
    struct netlink_message m;
    struct in_addr gateway;
    unsigned index = if_nametoindex(name);
    inet_pton(AF_INET, VETH_GATEWAY, &gateway);
    struct ifaddrmsg address = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = index};
    netlink_start(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &address, sizeof(address));
    netlink_attribute(&m, IFA_LOCAL, &gateway, sizeof(gateway));
    netlink_attribute(&m, IFA_ADDRESS, &peer, sizeof(peer));
    int error = netlink_request(sock, &m);
    return error ? error : netlink_set_up(sock, index, VETH_MTU);
}

bool veth_attach(int netns, char command[static VETH_COMMAND], struct error *err) {
    if (!prepare_host(err))
        return false;
    cleanup_close int sock = netlink_open();
    if (sock < 0)
        return error_errno(err, errno, "cannot open a netlink socket");
    int error = EEXIST;
    for (int i = 0; i < TRIES && error == EEXIST; i++) {
        uint16_t number;
        char name[IF_NAMESIZE];
        ids_random(&number, sizeof(number));
        number = (uint16_t)(FIRST_ADDRESS + number % (LAST_ADDRESS - FIRST_ADDRESS));
        snprintf(name, sizeof(name), "e2b-%04x", number);
        error = add_pair(sock, name, netns);
        if (!error) {
            struct in_addr peer = {.s_addr = htonl(0x0acf0000u + number)}; /* 10.207.0.0 */
            snprintf(command, VETH_COMMAND, "link eth0 10.207.%u.%u/16 %d", number >> 8,
                     number & 255u, VETH_MTU);
            error = address_host_end(sock, name, peer);
        }
    }
    if (error)
        return error_errno(err, error, "cannot connect the sandbox to the host's network");
    return true;
}

struct errand {
    const char *const *commands;
    size_t count;
};

static int set_routes(const struct errand *errand) {
    return routes_set(errand->commands, errand->count);
}

static int delete_inner_end(const struct errand *errand) {
    struct netlink_message m;
    struct ifinfomsg info = {.ifi_index = (int)if_nametoindex("eth0")};
    (void)errand;
    if (!info.ifi_index)
        return 0;
    cleanup_close int sock = netlink_open();
    if (sock < 0)
        return errno;
    netlink_start(&m, RTM_DELLINK, 0, &info, sizeof(info));
    return netlink_request(sock, &m);
}

static bool visit(int netns, int (*carry_out)(const struct errand *errand),
                  const struct errand *errand, struct error *err) {
    cleanup_close int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(netns, CLONE_NEWNET) < 0)
        return error_errno(err, errno, "cannot enter the sandbox's network");
    int error = carry_out(errand);
    if (setns(own, CLONE_NEWNET) < 0)
        abort(); /* what the thread does next must not be done in there */
    return error == 0 || error_errno(err, error, "cannot set the sandbox's routes");
}

bool veth_detach(int netns, struct error *err) {
    return visit(netns, delete_inner_end, NULL, err);
}

bool veth_route(int netns, const char *const *commands, size_t count, struct error *err) {
    return visit(netns, set_routes, &(struct errand){commands, count}, err);
}
