/* SPDX-License-Identifier: Apache-2.0
 *
 * The sockets of libcurl, watched with as few system calls as can be: a connection that is kept for
 * the next request stays watched as it is, while libcurl lets go of it after each one and asks for
 * it again. That is possible because libcurl tells of connections when it opens and closes them; of
 * other sockets (those of its resolver) it does not, and those come and go.
 *
 * Of one thread, but for sockets_wake.
 */
#ifndef E2B_DAEMON_SOCKETS_H
#define E2B_DAEMON_SOCKETS_H

#include "common/util.h"

#include <curl/curl.h>
#include <sys/epoll.h>

enum { SOCKETS_AT_ONCE = 64 };

struct sockets {
    int epoll, wake;
    struct socket_state *states; /* by number */
    size_t count;
    struct epoll_event events[SOCKETS_AT_ONCE];
};

bool sockets_open(struct sockets *sockets);
void sockets_close(struct sockets *sockets);

/* libcurl's callbacks; `ctx` is the sockets. Both functions own the socket as libcurl says. */
curl_socket_t sockets_new(struct sockets *sockets, const struct curl_sockaddr *address);
int sockets_end(void *ctx, curl_socket_t sock);
int sockets_want(CURL *easy, curl_socket_t sock, int what, void *ctx, void *unused);

/* Waits, at most so long (-1: for ever), and has libcurl look at what is ready. True: also somebody
 * called sockets_wake since the last time. */
bool sockets_wait(struct sockets *sockets, int timeout_ms, CURLM *multi);
void sockets_wake(struct sockets *sockets);

#endif
