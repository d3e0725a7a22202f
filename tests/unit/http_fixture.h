/* SPDX-License-Identifier: Apache-2.0
 *
 * A server and its clients on one loop in one process: the client's side is a non-blocking socket,
 * and whoever waits for something turns the loop meanwhile. Waiting is bounded by the clock, and
 * ends at the event, never after a pause.
 */
#ifndef E2B_TESTS_UNIT_HTTP_FIXTURE_H
#define E2B_TESTS_UNIT_HTTP_FIXTURE_H

#include "backend/http/internal.h"

#include "tests/unit/unit.h"

extern uv_loop_t test_loop;
extern struct http_server *test_server;

void test_server_start(http_handler handler, void *ctx, bool trusted, bool tcp);
/* Stops whatever still runs and proves that nothing of it is left on the loop. */
void test_server_stop(void);

int client_connect(void);
void client_send(int fd, const char *text);
void client_send_bytes(int fd, const void *bytes, size_t len);
/* Turns the loop and reads until `needle` is in what came; the text so far. */
const char *client_wait(int fd, struct buf *got, const char *needle);
/* Reads until the server closes. */
void client_wait_end(int fd, struct buf *got);
/* Turns the loop until *flag. */
void wait_for(const bool *flag);
/* Turns the loop until nothing happens any more without the client. */
void settle(void);

#endif
