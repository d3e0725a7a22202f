/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon was started because somebody typed a command, and leaves when it is of no more use: no
 * sandbox lives, no request has been under way for a while, and nobody asked it to stay.
 */
#include "backend/daemon/daemon.h"

#include "common/clock.h"
#include "common/log.h"

#include <stdlib.h>

enum { IDLE_EXIT_S = 60 };

static void on_timer(uv_timer_t *timer) {
    struct daemon *daemon = timer->data;
    int64_t quiet_ms = http_server_quiet_ms(daemon->server);
    if (daemon->stay) {
        uv_timer_stop(timer);
        return;
    }
    if (quiet_ms >= daemon->idle_exit_ms)
        daemon_stop(daemon, "nobody needs it");
    else
        uv_timer_start(timer, on_timer, (uint64_t)(daemon->idle_exit_ms - quiet_ms), 0);
}

void idle_start(struct daemon *daemon) {
    const char *text = getenv("E2B_IDLE_EXIT");
    struct error err = ERROR_INIT;
    int64_t seconds = IDLE_EXIT_S;
    if (text && !clock_parse_duration(text, &seconds, &err))
        log_warn("E2B_IDLE_EXIT is not a duration", "error", err.message);
    daemon->idle_exit_ms = MAX(seconds, (int64_t)1) * 1000;
    daemon->idle.data = daemon;
    uv_timer_init(&daemon->loop, &daemon->idle);
    uv_timer_start(&daemon->idle, on_timer, (uint64_t)daemon->idle_exit_ms, 0);
}
