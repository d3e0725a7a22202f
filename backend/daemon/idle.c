/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon was started because somebody typed a command, and leaves when it is of no more use: no
 * sandbox lives, no webhook waits for an event (a failing one waits for the next daemon), no
 * request has been under way for a while, and nobody asked it to stay.
 */
#include "backend/daemon/daemon.h"

#include "backend/core/build_run.h"
#include "common/clock.h"
#include "common/log.h"

#include <stdlib.h>

enum { IDLE_EXIT_S = 60 };

/* How long nobody has needed it. */
static int64_t unneeded_ms(const struct daemon *daemon) {
    if (daemon->stopping || daemon->stay || sandbox_count_alive(daemon->core) ||
        builds_running(daemon->core) || webhooks_pending(daemon->api.webhooks))
        return 0;
    int64_t deserted_ms = (int64_t)uv_now(&daemon->loop) - daemon->deserted_ms;
    return MIN(deserted_ms, http_server_quiet_ms(daemon->server));
}

static void on_timer(uv_timer_t *timer) {
    struct daemon *daemon = timer->data;
    int64_t unneeded = unneeded_ms(daemon);
    if (unneeded >= daemon->idle_exit_ms)
        daemon_stop(daemon, "nobody needs it");
    else
        uv_timer_start(timer, on_timer, (uint64_t)(daemon->idle_exit_ms - unneeded), 0);
}

void idle_changed(void *ctx, bool idle) {
    struct daemon *daemon = ctx;
    if (idle)
        daemon->deserted_ms = (int64_t)uv_now(&daemon->loop);
}

void idle_start(struct daemon *daemon) {
    const char *text = getenv("E2B_IDLE_EXIT");
    struct error err = ERROR_INIT;
    int64_t seconds = IDLE_EXIT_S;
    if (text && !clock_parse_duration(text, &seconds, &err))
        log_warn("E2B_IDLE_EXIT is not a duration", "error", err.message);
    daemon->idle_exit_ms = MAX(seconds, (int64_t)1) * 1000;
    daemon->idle.data = daemon;
    daemon->deserted_ms = (int64_t)uv_now(&daemon->loop);
    uv_timer_init(&daemon->loop, &daemon->idle);
    uv_timer_start(&daemon->idle, on_timer, (uint64_t)daemon->idle_exit_ms, 0);
}
