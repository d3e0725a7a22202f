/* SPDX-License-Identifier: Apache-2.0
 *
 * See post.h.
 */
#include "backend/daemon/post.h"

#include "backend/api/event_json.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/webhook_sign.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { MAX_BODY = 1 << 20 };

/* libcurl makes such a buffer for each transfer, and answers are a few words. */
static const long READ_AT_ONCE = 1024;

/* ---- where to ---- */

static bool is_private_v4(uint32_t address) {
    static const struct {
        uint32_t network;
        int bits;
    } ranges[] = {
        {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
        {0xac100000, 12}, {0xc0000000, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xe0000000, 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if ((address ^ ranges[i].network) >> (32 - ranges[i].bits) == 0)
            return true;
    return false;
}

/* The first that fits counts. */
static const struct v6_range {
    uint8_t network[16];
    unsigned bits;
    unsigned v4_at; /* where an IPv4 address is inside, which decides; 0: there is none */
} v6_ranges[] = {
    {{[10] = 0xff, [11] = 0xff}, 96, 12},          /* ::ffff:a.b.c.d, mapped */
    {{[8] = 0xff, [9] = 0xff}, 96, 12},            /* ::ffff:0:a.b.c.d, translated */
    {{0}, 96, 12},                                 /* ::a.b.c.d; unspecified and loopback */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},            /* 64:ff9b::a.b.c.d, NAT64 */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, 0}, /* NAT64 of a network's own */
    {{0x20, 0x02}, 16, 2},                         /* 2002:ab:cd::, 6to4 */
    {{0x20, 0x01}, 32, 0},                         /* Teredo */
    {{0xfc}, 7, 0},                                /* unique local */
    {{0xfe, 0x80}, 10, 0},                         /* link-local */
    {{0xfe, 0xc0}, 10, 0},                         /* site-local */
    {{0xff}, 8, 0},                                /* multicast */
};

static bool is_in(const uint8_t *address, const struct v6_range *range) {
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    return memcmp(address, range->network, whole) == 0 &&
           (!rest || (address[whole] ^ range->network[whole]) >> (8 - rest) == 0);
}

static bool is_private_v6(const struct in6_addr *address) {
    const struct v6_range *range = v6_ranges, *end = range + ARRAY_LEN(v6_ranges);
    uint32_t inside;
    while (range < end && !is_in(address->s6_addr, range))
        range++;
    if (range == end || !range->v4_at)
        return range < end;
    memcpy(&inside, address->s6_addr + range->v4_at, sizeof(inside));
    return is_private_v4(ntohl(inside));
}

static bool is_private(const struct sockaddr *address) {
    if (address->sa_family == AF_INET)
        return is_private_v4(
            ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
    return address->sa_family != AF_INET6 ||
           is_private_v6(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* The address that the name stands for in this moment: what was looked up before counts nothing. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address) {
    struct post *post = ctx;
    (void)purpose;
    post->refused = post->refuse_private && is_private(&address->addr);
    return post->refused ? CURL_SOCKET_BAD : sockets_new(post->sockets, address);
}

/* ---- what comes back ---- */

/* As much as there is room for; the rest goes by. */
static size_t keep(struct buf *into, const char *bytes, size_t len) {
    size_t part = MIN(len, into->max - 1 - into->len);
    bool kept = !part || buf_add(into, bytes, part);
    return kept ? len : 0;
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx) {
    struct post *post = ctx;
    return keep(&post->answer_headers, line, size * count);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx) {
    struct post *post = ctx;
    return keep(&post->answer, bytes, size * count);
}

/* ---- the request ---- */

/* libcurl takes an empty one ("Expect:") for leaving it out. */
static void set_header(struct post *post, size_t at, const char *name, const char *value) {
    struct curl_slist *next = at + 1 < POST_HEADERS ? &post->headers[at + 1] : NULL;
    snprintf(post->lines[at], POST_HEADER, *value ? "%s: %s" : "%s:%s", name, value);
    post->headers[at] = (struct curl_slist){.data = post->lines[at], .next = next};
}

/* The last three differ from delivery to delivery. */
static bool make_headers(struct post *post) {
    const struct delivery *delivery = post->delivery;
    char signature[WEBHOOK_SIGNATURE];
    if (!webhook_sign(delivery->secret, post->body.data, post->body.len, signature))
        return false;
    set_header(post, 3, "e2b-webhook-id", delivery->webhook_id);
    set_header(post, 4, "e2b-delivery-id", delivery->id);
    set_header(post, 5, "e2b-signature", signature);
    return true;
}

static void only_http(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/* What is the same for every delivery. */
static void set_constants(struct post *post, const struct sender_config *config) {
    CURL *easy = post->easy;
    only_http(easy);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, post);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "e2b-webhooks/" PACKAGE_VERSION);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)config->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, post);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, post);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, sockets_end);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, post->sockets);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, READ_AT_ONCE);
    set_header(post, 0, "content-type", "application/json");
    set_header(post, 1, "e2b-signature-version", "v1");
    set_header(post, 2, "Expect", ""); /* it would wait a second for leave to send */
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->headers);
}

struct post *post_new(const struct sender_config *config, struct sockets *sockets) {
    struct post *post = calloc(1, sizeof(*post));
    if (!post)
        return NULL;
    post->sockets = sockets;
    post->refuse_private = config->refuse_private;
    post->body.max = MAX_BODY;
    post->answer_headers.max = DELIVERY_HEADERS;
    post->answer.max = DELIVERY_BODY;
    post->easy = curl_easy_init();
    if (post->easy) {
        set_constants(post, config);
        return post;
    }
    post_free(post);
    return NULL;
}

void post_free(struct post *post) {
    curl_easy_cleanup(post->easy);
    buf_free(&post->body);
    buf_free(&post->answer_headers);
    buf_free(&post->answer);
    free(post);
}

bool post_begin(struct post *post, const struct sender_config *config, struct delivery *delivery) {
    post->delivery = delivery;
    post->refused = false;
    post->body.len = post->answer_headers.len = post->answer.len = 0;
    post->began_ms = clock_mono_ms();
    delivery->at_ms = clock_now_ms();
    if (event_json_put(&post->body, config->team_id, &delivery->event) && make_headers(post) &&
        curl_easy_setopt(post->easy, CURLOPT_URL, delivery->url) == CURLE_OK &&
        curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, post->body.data) == CURLE_OK)
        return curl_easy_setopt(post->easy, CURLOPT_POSTFIELDSIZE, (long)post->body.len) ==
               CURLE_OK;
    return false;
}

/* ---- the outcome ---- */

static enum delivery_error classify(CURLcode code, bool refused, long status) {
    switch (code) {
    case CURLE_OK:
        return status >= 200 && status < 300 ? DELIVERY_OK : DELIVERY_HTTP_ERROR;
    case CURLE_COULDNT_RESOLVE_HOST:
        return DELIVERY_DNS_ERROR;
    case CURLE_OPERATION_TIMEDOUT:
        return DELIVERY_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_FAILED_INIT:
        return DELIVERY_REQUEST_ERROR;
    default:
        return refused ? DELIVERY_REQUEST_ERROR : DELIVERY_TRANSPORT_ERROR;
    }
}

static char *steal_text(struct buf *from) {
    for (size_t i = 0; i < from->len; i++)
        if (!from->data[i])
            from->data[i] = ' ';
    return from->len ? strndup(from->data, from->len) : NULL;
}

struct delivery *post_end(struct post *post, CURLcode code) {
    struct delivery *delivery = steal_ptr(&post->delivery);
    long status = 0;
    curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
    delivery->status = (int)status;
    delivery->error = classify(code, post->refused, status);
    delivery->duration_ms = clock_mono_ms() - post->began_ms;
    delivery->response_headers = steal_text(&post->answer_headers);
    delivery->response_body = steal_text(&post->answer);
    if (post->refused)
        snprintf(delivery->message, sizeof(delivery->message),
                 "private and loopback addresses are refused");
    else if (code == CURLE_OK)
        snprintf(delivery->message, sizeof(delivery->message), "the receiver answered %ld", status);
    else
        snprintf(delivery->message, sizeof(delivery->message), "%s", curl_easy_strerror(code));
    return delivery;
}
