/* SPDX-License-Identifier: Apache-2.0
 *
 * See follow.h.
 */
#include "cli/sandbox/follow.h"

#include "cli/output.h"
#include "cli/sandbox/handle.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>

bool follow_ask(struct invocation *in, const char *id, const char *what, int64_t start,
                struct response *response, struct error *err) {
    char suffix[64];
    if (start < 0)
        snprintf(suffix, sizeof(suffix), "/%s", what);
    else
        snprintf(suffix, sizeof(suffix), "/%s?start=%" PRId64, what, start);
    if (handle_call(in->client, "GET", id, suffix, NULL, response, err))
        return true;
    if (err->http_status == 404) {
        error_set(err, ERR_NOT_FOUND, "sandbox %s wasn't found", id);
        error_hint(err, "`e2b sandbox list` shows which sandboxes run");
    }
    return false;
}

static bool ask_whether_it_runs(struct invocation *in, const char *id, bool *runs,
                                struct error *err) {
    cleanup_response struct response response = {0};
    const char *state = NULL;
    *runs = false;
    if (!handle_call(in->client, "GET", id, "", NULL, &response, err)) {
        bool gone = err->http_status == 404;
        if (gone)
            *err = (struct error)ERROR_INIT;
        return gone;
    }
    if (!json_get_string(response.json, "state", &state, err))
        return false;
    *runs = !state || strcmp(state, "running") == 0;
    return true;
}

/* False when the reader of our output has left meanwhile. */
static bool wait_a_while(int period_ms) {
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, period_ms) <= 0 || !(out.revents & POLLERR);
}

/* What was written just before the end is printed after it: first the state, then the rest. */
enum follow_end follow_run(struct invocation *in, const struct follow *follow, struct error *err) {
    bool runs = true, hung_up = false;
    if (!option_bool(in, "follow"))
        return follow->print(in, follow->ctx, err) ? FOLLOW_NOT_WANTED : FOLLOW_FAILED;
    for (;;) {
        if (!ask_whether_it_runs(in, follow->id, &runs, err) ||
            !follow->print(in, follow->ctx, err))
            return FOLLOW_FAILED;
        if (!output_finish(&hung_up, err))
            return hung_up ? FOLLOW_HUNG_UP : FOLLOW_FAILED;
        if (!runs)
            return FOLLOW_CLOSED;
        if (!wait_a_while(follow->period_ms))
            return FOLLOW_HUNG_UP;
    }
}
