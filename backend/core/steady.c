/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/steady.h"

#include "backend/store/store.h"
#include "common/clock.h"
#include "common/io.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Less is how a clock is kept right, and not worth an end that differs at each look. */
enum { JUMP_MS = 2000 };

/* As in the store. */
struct beginning {
    char boot_id[40];
    int64_t offset_ms; /* from CLOCK_BOOTTIME */
};

static int64_t offset_ms;

static void read_boot_id(char id[static 40]) {
    cleanup_close int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, id, 39);
    id[MAX(len, 0)] = '\0';
}

bool steady_start(struct store *store, struct error *err) {
    static const char name[] = "clock";
    struct beginning kept, now = {.offset_ms = clock_now_ms() - clock_boot_ms()};
    bool found;
    read_boot_id(now.boot_id);
    if (!store_setting_get(store, name, &kept, sizeof(kept), &found, err))
        return false;
    bool same = found && memcmp(kept.boot_id, now.boot_id, sizeof(now.boot_id)) == 0;
    offset_ms = same ? kept.offset_ms : now.offset_ms;
    return same || store_setting_put(store, name, &now, sizeof(now), err);
}

int64_t steady_now_ms(void) {
    return clock_boot_ms() + offset_ms;
}

int64_t steady_shown_ms(int64_t steady_ms) {
    int64_t jump = clock_now_ms() - steady_now_ms();
    return steady_ms + (jump > -JUMP_MS && jump < JUMP_MS ? 0 : jump);
}

int64_t steady_ago_ms(int64_t age_ms) {
    return MIN(clock_now_ms(), steady_now_ms()) - age_ms;
}

int64_t steady_boot_s(int64_t steady_ms) {
    return (steady_ms - offset_ms) / 1000;
}
