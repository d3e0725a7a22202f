/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/daemon/sockets.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

struct socket_state {
    uint8_t wanted, watched; /* of EPOLLIN and EPOLLOUT */
    bool is_connection;      /* its end will be told */
};

bool sockets_open(struct sockets *sockets) {
    *sockets = (struct sockets){
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
    };
    struct epoll_event event = {.events = EPOLLIN, .data.fd = sockets->wake};
    if (epoll_ctl(sockets->epoll, EPOLL_CTL_ADD, sockets->wake, &event) == 0)
        return true;
    sockets_close(sockets);
    return false;
}

void sockets_close(struct sockets *sockets) {
    close_fd(&sockets->epoll);
    close_fd(&sockets->wake);
    free(sockets->states);
}

static struct socket_state *state_of(struct sockets *sockets, curl_socket_t sock) {
    size_t at = (size_t)sock, count = sockets->count ? sockets->count : 64;
    while (count <= at)
        count *= 2;
    if (count > sockets->count) {
        struct socket_state *more = realloc(sockets->states, count * sizeof(*more));
        if (!more)
            return NULL;
        for (size_t i = sockets->count; i < count; i++)
            more[i] = (struct socket_state){0};
        sockets->states = more;
        sockets->count = count;
    }
    return &sockets->states[at];
}

static bool watch(const struct sockets *sockets, curl_socket_t sock, struct socket_state *state,
                  uint8_t what) {
    int how = !what ? EPOLL_CTL_DEL : state->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    struct epoll_event event = {.events = what, .data.fd = sock};
    if (what == state->watched)
        return true;
    state->watched = what;
    return epoll_ctl(sockets->epoll, how, sock, &event) == 0;
}

curl_socket_t sockets_new(struct sockets *sockets, const struct curl_sockaddr *address) {
    curl_socket_t sock =
        socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    struct socket_state *state = sock >= 0 ? state_of(sockets, sock) : NULL;
    if (state)
        *state = (struct socket_state){.is_connection = true};
    return sock;
}

int sockets_end(void *ctx, curl_socket_t sock) {
    struct socket_state *state = state_of(ctx, sock);
    if (state)
        *state = (struct socket_state){0}; /* closed, it is not watched any more */
    return close(sock);
}

int sockets_want(CURL *easy, curl_socket_t sock, int what, void *ctx, void *unused) {
    struct sockets *sockets = ctx;
    struct socket_state *state = state_of(sockets, sock);
    (void)easy;
    (void)unused;
    if (!state)
        return -1;
    bool gone = what == CURL_POLL_REMOVE;
    state->wanted = gone ? 0
                         : (uint8_t)((what & CURL_POLL_IN ? EPOLLIN : 0) |
                                     (what & CURL_POLL_OUT ? EPOLLOUT : 0));
    if (gone && state->is_connection)
        return 0;
    return watch(sockets, sock, state, state->wanted) ? 0 : -1;
}

static void look(struct sockets *sockets, const struct epoll_event *event, CURLM *multi) {
    int running, sock = event->data.fd;
    struct socket_state *state = &sockets->states[sock];
    uint32_t ready = event->events;
    if (ready & (EPOLLERR | EPOLLHUP))
        ready |= state->wanted; /* reading or writing says what is wrong */
    if (!state->wanted) /* a peer takes leave of a connection at rest: libcurl sees it in time */
        watch(sockets, sock, state, 0);
    else
        curl_multi_socket_action(multi, sock,
                                 (ready & EPOLLIN ? CURL_CSELECT_IN : 0) |
                                     (ready & EPOLLOUT ? CURL_CSELECT_OUT : 0),
                                 &running);
}

bool sockets_wait(struct sockets *sockets, int timeout_ms, CURLM *multi) {
    int count = epoll_wait(sockets->epoll, sockets->events, SOCKETS_AT_ONCE, timeout_ms);
    bool woken = false;
    for (int i = 0; i < count; i++) {
        eventfd_t times;
        if (sockets->events[i].data.fd == sockets->wake)
            woken = eventfd_read(sockets->wake, &times) == 0;
        else
            look(sockets, &sockets->events[i], multi);
    }
    return woken;
}

void sockets_wake(struct sockets *sockets) {
    eventfd_write(sockets->wake, 1);
}
