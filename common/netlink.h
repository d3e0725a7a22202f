/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to the kernel's routing tables: built in place, sent, and answered by an errno. For the
 * zygote's helper inside a sandbox's network namespace and for the daemon outside of it.
 */
#ifndef E2B_COMMON_NETLINK_H
#define E2B_COMMON_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

enum { NETLINK_BODY = 256 };

struct netlink_message {
    struct nlmsghdr head;
    char body[NETLINK_BODY];
};

int netlink_open(void); /* -1 and errno */
void netlink_start(struct netlink_message *m, uint16_t type, uint16_t flags, const void *body,
                   size_t len);
void netlink_attribute(struct netlink_message *m, uint16_t type, const void *value, size_t len);
/* A nested attribute: what is added between begin and end belongs to it. `prefix` bytes of zeroes
 * come first (struct ifinfomsg of a peer). */
struct rtattr *netlink_begin(struct netlink_message *m, uint16_t type, size_t prefix);
void netlink_end(struct netlink_message *m, struct rtattr *nest);
/* Sends and waits for the kernel's word: 0 or an errno. */
int netlink_request(int sock, struct netlink_message *m);
/* Brings a link up: for IPv4 alone, so without the address that IPv6 gives every link, and the
 * timers and packets that come with it. */
int netlink_set_up(int sock, unsigned index, uint32_t mtu);

#endif
