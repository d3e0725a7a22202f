/* SPDX-License-Identifier: Apache-2.0
 *
 * What both transports do alike with an answer. Also compiled into the remote module.
 */
#include "client/transport.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    size_t offset;
} kept[] = {
    {"X-Next-Token", offsetof(struct transfer, next_token)},
    {"X-Total-Running", offsetof(struct transfer, total_running)},
    {"Retry-After", offsetof(struct transfer, retry_after)},
};

void transfer_header(struct transfer *transfer, const char *name, size_t name_len,
                     const char *value, size_t value_len) {
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        if (strlen(kept[i].name) != name_len || strncasecmp(kept[i].name, name, name_len) != 0)
            continue;
        if (value_len >= TRANSFER_VALUE)
            return;
        char *room = (char *)transfer + kept[i].offset;
        memcpy(room, value, value_len);
        room[value_len] = '\0';
    }
}
