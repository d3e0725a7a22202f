/* SPDX-License-Identifier: Apache-2.0
 *
 * What keeps one more sandbox from being made: too many of them, too long a time, no memory.
 * A sandbox's memory is a limit and not a reservation, so what counts is what is free now.
 */
#include "backend/core/core.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RESERVE_KIB = 256 << 10 }; /* of MemAvailable: the host must stay alive */

bool limits_memory(const char *meminfo, struct error *err) {
    static const char name[] = "MemAvailable:";
    const char *at = strstr(meminfo, name);
    int64_t available = 0;
    /* A kernel without that line is older than what we need of it elsewhere. */
    if (!at || sscanf(at + sizeof(name) - 1, "%" SCNd64, &available) != 1)
        return true;
    if (available >= RESERVE_KIB)
        return true;
    error_set(err, ERR_UNAVAILABLE,
              "not enough free memory for one more sandbox: %" PRId64 " MiB available, %d MiB are "
              "kept for the machine",
              available / 1024, RESERVE_KIB / 1024);
    return error_hint(err, "kill a sandbox, or free some memory");
}

bool limits_check_memory(struct error *err) {
    char text[512];
    cleanup_close int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (len < 0)
        return true;
    text[len] = '\0';
    return limits_memory(text, err);
}

bool sandbox_check_timeout(const struct core *core, int64_t timeout_s, struct error *err) {
    if (timeout_s <= 0)
        return error_set(err, ERR_INVALID, "Timeout must be greater than 0");
    if (timeout_s > core->config.max_timeout_s)
        return error_set(err, ERR_INVALID, "Timeout cannot be greater than %" PRId64 " hours",
                         core->config.max_timeout_s / 3600);
    return true;
}

bool limits_count(const struct core *core, unsigned more, struct error *err) {
    if (sandbox_count_alive(core) + more <= core->config.max_sandboxes)
        return true;
    error_set(err, ERR_LIMIT,
              "you have reached the maximum number of concurrent E2B sandboxes (%u). If you "
              "need more, please visit 'https://e2b.dev/docs/billing'",
              core->config.max_sandboxes);
    return error_hint(err, "kill or pause a sandbox that is not needed now");
}

bool limits_check(const struct core *core, const struct sandbox_request *request,
                  struct error *err) {
    return sandbox_check_timeout(core, request->timeout_s, err) && limits_count(core, 1, err) &&
           limits_check_memory(err);
}
