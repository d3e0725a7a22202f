/* SPDX-License-Identifier: Apache-2.0
 *
 * One delivery as a transfer of libcurl: the request made of it, and the outcome put into it.
 */
#ifndef E2B_DAEMON_POST_H
#define E2B_DAEMON_POST_H

#include "backend/daemon/sender.h"
#include "backend/daemon/sockets.h"
#include "common/buf.h"

enum { POST_HEADERS = 6, POST_HEADER = 96 };

/* Kept from one transfer to the next. */
struct post {
    CURL *easy;
    struct curl_slist headers[POST_HEADERS];
    char lines[POST_HEADERS][POST_HEADER];
    struct sockets *sockets;
    struct delivery *delivery;
    struct buf body, answer_headers, answer;
    int64_t began_ms;
    bool refuse_private, refused; /* the address */
    struct post *next;
};

struct post *post_new(const struct sender_config *config, struct sockets *sockets);
void post_free(struct post *post);
/* Takes the delivery. False: it could not be prepared; the outcome says why. */
bool post_begin(struct post *post, const struct sender_config *config, struct delivery *delivery);
/* Fills in the outcome and gives the delivery back. */
struct delivery *post_end(struct post *post, CURLcode code);

#endif
