/* SPDX-License-Identifier: Apache-2.0 */
#include "common/netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

int netlink_open(void) {
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

void netlink_start(struct netlink_message *m, uint16_t type, uint16_t flags, const void *body,
                   size_t len) {
    memset(m, 0, sizeof(*m));
    m->head.nlmsg_type = type;
    m->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    m->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
    memcpy(NLMSG_DATA(&m->head), body, len);
}

static struct rtattr *append(struct netlink_message *m, uint16_t type, size_t len) {
    struct rtattr *rta = (struct rtattr *)((char *)m + NLMSG_ALIGN(m->head.nlmsg_len));
    rta->rta_type = type;
    rta->rta_len = (uint16_t)RTA_LENGTH(len);
    m->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(m->head.nlmsg_len) + RTA_ALIGN(rta->rta_len));
    return rta;
}

void netlink_attribute(struct netlink_message *m, uint16_t type, const void *value, size_t len) {
    memcpy(RTA_DATA(append(m, type, len)), value, len);
}

struct rtattr *netlink_begin(struct netlink_message *m, uint16_t type, size_t prefix) {
    return append(m, type, prefix);
}

void netlink_end(struct netlink_message *m, struct rtattr *nest) {
    nest->rta_len = (uint16_t)((char *)m + m->head.nlmsg_len - (char *)nest);
}

int netlink_request(int sock, struct netlink_message *m) {
    char answer[sizeof(*m) * 2];
    m->head.nlmsg_flags |= NLM_F_ACK;
    if (send(sock, m, m->head.nlmsg_len, 0) < 0)
        return errno;
    ssize_t n = recv(sock, answer, sizeof(answer), 0);
    const struct nlmsghdr *head = (const struct nlmsghdr *)answer;
    if (n < 0)
        return errno;
    if (!NLMSG_OK(head, (size_t)n) || head->nlmsg_type != NLMSG_ERROR)
        return EPROTO;
    return -((const struct nlmsgerr *)NLMSG_DATA(head))->error;
}

int netlink_set_up(int sock, unsigned index, uint32_t mtu) {
    const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
    struct ifinfomsg info = {.ifi_index = (int)index};
    struct netlink_message m;
    netlink_start(&m, RTM_NEWLINK, 0, &info, sizeof(info));
    struct rtattr *families = netlink_begin(&m, IFLA_AF_SPEC, 0);
    struct rtattr *ipv6 = netlink_begin(&m, AF_INET6, 0);
    netlink_attribute(&m, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
    netlink_end(&m, ipv6);
    netlink_end(&m, families);
    netlink_request(sock, &m); /* refused where there is no IPv6 at all */
    info.ifi_flags = info.ifi_change = IFF_UP;
    netlink_start(&m, RTM_NEWLINK, 0, &info, sizeof(info));
    netlink_attribute(&m, IFLA_MTU, &mtu, sizeof(mtu));
    return netlink_request(sock, &m);
}
