/* SPDX-License-Identifier: Apache-2.0
 *
 * Message heads on their way through the relay: everything is passed on as it came, except what
 * concerns one connection only (RFC 9110 7.6.1) and the framing, which each side writes anew.
 */
#ifndef E2B_ENVD_RELAY_HEAD_H
#define E2B_ENVD_RELAY_HEAD_H

#include "common/buf.h"
#include "common/http1.h"

/* The request's head for the program in the sandbox. `host` replaces the Host header, and the
 * original goes into X-Forwarded-Host; NULL leaves it alone. */
bool relay_request_head(const struct http1_head *head, const char *host, struct buf *out);
/* The header lines of the program's answer, without framing and without the blank line. */
bool relay_response_headers(const struct http1_head *head, struct buf *out);
/* The whole head of a 101, as it has to be sent to the client. */
bool relay_switch_head(const struct http1_head *head, struct buf *out);

#endif
