/* SPDX-License-Identifier: Apache-2.0
 *
 * The way to a remote server: libcurl, in a module of its own (e2b-remote.so), because loading it
 * costs more than most local commands take.
 *
 * A transfer borrows a lane: a curl multi handle with an epoll descriptor that stands for all it
 * waits for, its timer included. One transfer a lane at a time, so no transfer takes in what
 * belongs to another; a lane goes back idle and keeps its connections for the next.
 */
#include "client/transport.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

enum {
    IDLE_LANES = 2,
    CONNECT_TIMEOUT_S = 20,
    MAX_EVENTS = 8,
    UPLOAD_BUFFER = 256 << 10,
    UPLOAD_STALL_S = 120,
};

struct lane {
    CURLM *multi;
    int epoll, timer;
};

struct remote {
    struct lane *idle[IDLE_LANES];
};

struct remote_transfer {
    struct transfer base;
    struct remote *remote;
    struct lane *lane;
    CURL *easy;
    struct curl_slist *headers;
    bool overflow;
    const struct upload *upload; /* NULL: none */
    uint64_t uploaded;
    char problem[CURL_ERROR_SIZE];
};

/* ---- lanes ------------------------------------------------------------------------------------
 */

static int watch(CURL *easy, curl_socket_t sock, int what, void *ctx, void *known) {
    (void)easy;
    struct lane *lane = ctx;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(lane->epoll, EPOLL_CTL_DEL, sock, NULL);
        return 0;
    }
    struct epoll_event event = {
        .events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u),
        .data.fd = sock,
    };
    int operation = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    /* curl may close a socket and get the same number again without telling of the first. */
    if (epoll_ctl(lane->epoll, operation, sock, &event) < 0 && errno == ENOENT)
        epoll_ctl(lane->epoll, EPOLL_CTL_ADD, sock, &event);
    curl_multi_assign(lane->multi, sock, lane);
    return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *ctx) {
    (void)multi;
    const struct lane *lane = ctx;
    struct itimerspec when = {0};
    if (timeout_ms >= 0) {
        when.it_value.tv_sec = timeout_ms / 1000;
        /* All zero would disarm it. */
        when.it_value.tv_nsec = timeout_ms ? timeout_ms % 1000 * 1000000 : 1;
    }
    return timerfd_settime(lane->timer, 0, &when, NULL);
}

static void lane_free(struct lane *lane) {
    if (lane->multi)
        curl_multi_cleanup(lane->multi);
    close_fd(&lane->epoll);
    close_fd(&lane->timer);
    free(lane);
}

static struct lane *lane_new(void) {
    struct lane *lane = calloc(1, sizeof(*lane));
    if (!lane)
        return NULL;
    lane->epoll = epoll_create1(EPOLL_CLOEXEC);
    lane->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    lane->multi = curl_multi_init();
    struct epoll_event event = {.events = EPOLLIN, .data.fd = lane->timer};
    if (!lane->multi || lane->epoll < 0 || lane->timer < 0 ||
        epoll_ctl(lane->epoll, EPOLL_CTL_ADD, lane->timer, &event) < 0) {
        lane_free(lane);
        return NULL;
    }
    curl_multi_setopt(lane->multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(lane->multi, CURLMOPT_SOCKETDATA, lane);
    curl_multi_setopt(lane->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(lane->multi, CURLMOPT_TIMERDATA, lane);
    return lane;
}

static struct lane *take_lane(struct remote *remote) {
    for (size_t i = 0; i < IDLE_LANES; i++)
        if (remote->idle[i])
            return steal_ptr(&remote->idle[i]);
    return lane_new();
}

static void give_lane(struct remote *remote, struct lane *lane) {
    for (size_t i = 0; i < IDLE_LANES; i++)
        if (!remote->idle[i]) {
            remote->idle[i] = lane;
            return;
        }
    lane_free(lane);
}

static void lane_run(struct lane *lane) {
    struct epoll_event events[MAX_EVENTS];
    int running, count = epoll_wait(lane->epoll, events, MAX_EVENTS, 0);
    for (int i = 0; i < count; i++) {
        curl_socket_t sock = events[i].data.fd;
        uint64_t expirations;
        if (sock == lane->timer) {
            if (read(sock, &expirations, sizeof(expirations)) > 0)
                curl_multi_socket_action(lane->multi, CURL_SOCKET_TIMEOUT, 0, &running);
            continue;
        }
        int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(lane->multi, sock, what, &running);
    }
}

/* ---- transfers --------------------------------------------------------------------------------
 */

static size_t on_header(char *line, size_t size, size_t count, void *ctx) {
    struct remote_transfer *x = ctx;
    size_t len = size * count, end = len;
    while (end && strchr("\r\n", line[end - 1]))
        end--;
    const char *colon = memchr(line, ':', end);
    long status = 0;
    if (!end) {
        curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
        x->base.status = status >= 200 ? (int)status : 0;
    } else if (colon) {
        const char *value = colon + 1;
        while (value < line + end && *value == ' ')
            value++;
        transfer_header(&x->base, line, (size_t)(colon - line), value,
                        (size_t)(line + end - value));
    }
    return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx) {
    struct remote_transfer *x = ctx;
    x->overflow = !buf_add(&x->base.body, bytes, size * count);
    return x->overflow ? 0 : size * count;
}

static void remote_end(struct transfer *transfer) {
    struct remote_transfer *x = container_of(transfer, struct remote_transfer, base);
    if (x->easy && x->lane)
        curl_multi_remove_handle(x->lane->multi, x->easy);
    curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    if (x->lane)
        give_lane(x->remote, x->lane);
    buf_free(&transfer->body);
    free(x);
}

static bool add_headers(struct remote_transfer *x, const char *const *lines) {
    /* curl would wait a second for a "100 Continue" before larger bodies. */
    x->headers = curl_slist_append(NULL, "Expect:");
    for (; *lines && x->headers; lines++) {
        struct curl_slist *longer = curl_slist_append(x->headers, *lines);
        if (!longer)
            return false;
        x->headers = longer;
    }
    return x->headers;
}

static void only_http(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static size_t on_upload(char *bytes, size_t size, size_t count, void *ctx) {
    struct remote_transfer *x = ctx;
    uint64_t left = x->upload->len - x->uploaded;
    size_t wanted = (size_t)MIN((uint64_t)size * count, left);
    ssize_t n = wanted ? pread(x->upload->fd, bytes, wanted, (off_t)x->uploaded) : 0;
    if (n < 0 || (!n && left))
        return CURL_READFUNC_ABORT;
    x->uploaded += (size_t)n;
    if (x->upload->sent)
        x->upload->sent(x->upload->ctx, (uint64_t)n);
    return (size_t)n;
}

/* curl sends it once more when an idle connection turned out to be dead. */
static int on_seek(void *ctx, curl_off_t offset, int origin) {
    struct remote_transfer *x = ctx;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > x->upload->len)
        return CURL_SEEKFUNC_FAIL;
    x->uploaded = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void set_upload(struct remote_transfer *x) {
    CURL *easy = x->easy;
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->upload->len);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_upload);
    curl_easy_setopt(easy, CURLOPT_READDATA, x);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, x);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)UPLOAD_STALL_S);
}

static bool set_request(struct remote_transfer *x, const struct transport_request *request) {
    CURL *easy = x->easy;
    only_http(easy);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->problem);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    x->upload = request->upload;
    if (x->upload)
        set_upload(x);
    if (!request->body)
        return true;
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    return curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body) == CURLE_OK;
}

static struct transfer *remote_begin(void *self, const struct transport_request *request,
                                     struct error *err) {
    struct remote_transfer *x = calloc(1, sizeof(*x));
    if (!x) {
        error_errno(err, ENOMEM, "cannot send a request");
        return NULL;
    }
    x->base.transport = &e2b_transport_remote;
    x->base.body.max = TRANSFER_MAX_BODY;
    x->remote = self;
    x->easy = curl_easy_init();
    x->lane = take_lane(self);
    if (x->easy && x->lane && add_headers(x, request->headers) && set_request(x, request) &&
        curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK &&
        curl_multi_add_handle(x->lane->multi, x->easy) == CURLM_OK)
        return &x->base;
    remote_end(&x->base);
    error_errno(err, ENOMEM, "cannot send a request");
    return NULL;
}

static bool failed(const struct remote_transfer *x, CURLcode code, struct error *err) {
    const char *url = "";
    curl_easy_getinfo(x->easy, CURLINFO_EFFECTIVE_URL, &url);
    int host = (int)strcspn(strstr(url, "://") ? strstr(url, "://") + 3 : url, "/");
    if (x->overflow)
        return error_set(err, ERR_TOO_LARGE, "the answer is larger than %d MiB",
                         TRANSFER_MAX_BODY >> 20);
    error_set(err, code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE,
              "cannot reach %.*s: %s", host, strstr(url, "://") ? strstr(url, "://") + 3 : url,
              x->problem[0] ? x->problem : curl_easy_strerror(code));
    return error_hint(err, "check the network and E2B_API_URL, E2B_SANDBOX_URL and E2B_DOMAIN");
}

static bool remote_pump(struct transfer *transfer, struct error *err) {
    struct remote_transfer *x = container_of(transfer, struct remote_transfer, base);
    if (transfer->done)
        return true;
    lane_run(x->lane);
    int left;
    const CURLMsg *message = curl_multi_info_read(x->lane->multi, &left);
    if (!message || message->msg != CURLMSG_DONE)
        return true;
    if (message->data.result != CURLE_OK)
        return failed(x, message->data.result, err);
    transfer->done = true;
    return true;
}

static int remote_fd(const struct transfer *transfer) {
    return ((const struct remote_transfer *)transfer)->lane->epoll;
}

static void *remote_open(const struct target *target, bool may_start, struct error *err) {
    (void)target;
    (void)may_start;
    struct remote *remote = calloc(1, sizeof(*remote));
    if (remote && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        return remote;
    free(remote);
    error_set(err, ERR_INTERNAL, "libcurl cannot be initialised");
    return NULL;
}

static void remote_close(void *self) {
    struct remote *remote = self;
    for (size_t i = 0; i < IDLE_LANES; i++)
        if (remote->idle[i])
            lane_free(remote->idle[i]);
    free(remote);
    curl_global_cleanup();
}

__attribute__((visibility("default"))) const struct transport e2b_transport_remote = {
    .open = remote_open,
    .close = remote_close,
    .begin = remote_begin,
    .pump = remote_pump,
    .fd = remote_fd,
    .end = remote_end,
};
