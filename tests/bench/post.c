/* SPDX-License-Identifier: Apache-2.0
 *
 * post receive COUNT: a receiver of webhooks that answers 200 as fast as it can, until it is ended.
 * Prints its port; after each COUNT requests "received MICROSECONDS", from the first to the last.
 *
 * post send URL COUNT PARALLEL: posts as many, by libcurl multi with that many transfers at once;
 * as long as deliveries of events, head and body, but ready made. Prints "sent MICROSECONDS".
 */
#include "common/clock.h"
#include "common/util.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { READ = 64 << 10, EVENTS = 64, BODY = 540 };

/* ---- the receiver: requests are counted by their heads' ends, which no body of ours holds ---- */

static long answer_all(int fd) {
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static char bytes[READ + 1];
    long count = 0;
    ssize_t n = recv(fd, bytes, READ, MSG_DONTWAIT);
    if (n <= 0)
        return n == 0 ? -1 : 0;
    bytes[n] = '\0';
    for (char *at = bytes; (at = strstr(at, "\r\n\r\n")); at += 4, count++)
        if (send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL) < 0)
            return -1;
    return count;
}

static int open_receiver(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        exit(1);
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void watch(int epoll, int fd) {
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

/* The requests of this round, and when it began. */
static void tally(long more, long wanted) {
    static int64_t began;
    static long count;
    if (!count)
        began = clock_mono_us();
    count += more;
    if (!wanted || count < wanted)
        return;
    printf("received %lld\n", (long long)(clock_mono_us() - began));
    fflush(stdout);
    count = 0;
}

static _Noreturn void receive(long wanted) {
    int listening = open_receiver(), epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(epoll, listening);
    for (;;) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listening) {
                watch(epoll, accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
                continue;
            }
            long more = answer_all(fd);
            if (more < 0)
                close(fd);
            else if (more)
                tally(more, wanted);
        }
    }
}

/* ---- the sender ---- */

static size_t ignore(char *bytes, size_t size, size_t count, void *ctx) {
    (void)bytes;
    (void)ctx;
    return size * count;
}

static const char *const header_lines[] = {
    "content-type: application/json",
    "e2b-signature-version: v1",
    "e2b-webhook-id: 01234567-89ab-4def-8123-456789abcdef",
    "e2b-delivery-id: 01234567-89ab-4def-8123-456789abcdef",
    "e2b-signature: 0123456789012345678901234567890123456789012",
    "user-agent: e2b-webhooks/0.0.0",
    "Expect:",
};

static CURL *new_transfer(const char *url, struct curl_slist *headers) {
    static char body[BODY + 1];
    CURL *easy = curl_easy_init();
    memset(body, 'x', BODY);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    return easy;
}

static int send_all(const char *url, long count, long parallel) {
    CURLM *multi = curl_multi_init();
    struct curl_slist *headers = NULL;
    for (size_t i = 0; i < ARRAY_LEN(header_lines); i++)
        headers = curl_slist_append(headers, header_lines[i]);
    long begun = MIN(parallel, count), done = 0;
    int running, left;
    for (long i = 0; i < begun; i++)
        curl_multi_add_handle(multi, new_transfer(url, headers));
    int64_t began = clock_mono_us();
    while (done < count) {
        const CURLMsg *message;
        curl_multi_perform(multi, &running);
        while ((message = curl_multi_info_read(multi, &left))) {
            CURL *easy = message->easy_handle;
            if (message->data.result != CURLE_OK)
                return 1;
            done++;
            curl_multi_remove_handle(multi, easy);
            if (begun < count && ++begun)
                curl_multi_add_handle(multi, easy);
        }
        if (done < count)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    printf("sent %lld\n", (long long)(clock_mono_us() - began));
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "receive") == 0)
        receive(strtol(argv[2], NULL, 10));
    if (argc == 5 && strcmp(argv[1], "send") == 0)
        return send_all(argv[2], strtol(argv[3], NULL, 10), strtol(argv[4], NULL, 10));
    return 2;
}
