/* SPDX-License-Identifier: Apache-2.0
 *
 * See arguments_memfd.h.
 */
#include "backend/runtime/arguments_memfd.h"
#include "common/io.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static bool add(struct buf *b, const char *text) {
    return buf_add(b, text ? text : "", text ? strlen(text) + 1 : 1);
}

static bool add_list(struct buf *b, const char *const *list, uint32_t *count) {
    for (*count = 0; list && list[*count]; ++*count)
        if (!add(b, list[*count]))
            return false;
    return true;
}

int arguments_memfd(const struct guest_spawn *spawn, struct error *err) {
    struct spawn_arguments head = {.version = AGENT_PROTOCOL, .deadline_ms = spawn->deadline_ms};
    struct buf b = BUF_INIT(AGENT_MAX_ARGUMENTS - sizeof(head));
    int memfd = -1;
    if (!add(&b, spawn->user) || !add(&b, spawn->cwd) || !add(&b, spawn->tag) ||
        !add(&b, spawn->cmd) || !add_list(&b, spawn->args, &head.arg_count) ||
        !add_list(&b, spawn->env, &head.env_count)) {
        if (errno == ENOMEM)
            error_errno(err, ENOMEM, "cannot keep the arguments");
        else
            error_set(err, ERR_TOO_LARGE, "arguments and environment take more than %d bytes",
                      AGENT_MAX_ARGUMENTS);
    } else {
        head.bytes = (uint32_t)b.len;
        memfd = memfd_create("arguments", MFD_CLOEXEC);
        if (memfd < 0 || !io_write_all(memfd, &head, sizeof(head)) ||
            !io_write_all(memfd, b.data, b.len)) {
            error_errno(err, errno, "cannot keep the arguments");
            close_fd(&memfd);
        }
    }
    buf_free(&b);
    return memfd;
}
