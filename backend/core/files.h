/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions about a sandbox's files: each is one helper inside it, answered on the loop. The daemon
 * itself resolves no path in there; what it gets is a record, or a descriptor that was checked.
 */
#ifndef E2B_CORE_FILES_H
#define E2B_CORE_FILES_H

#include "backend/core/files_message.h"
#include "backend/core/sandbox.h"

struct files_query;

struct files_result {
    enum files_failure failure;   /* FILES_OK: fine */
    int error;                    /* errno behind it */
    bool lost;                    /* no answer: the helper or the whole sandbox ended */
    const char *path;             /* what the failure is about, as resolved; "" if unknown */
    const struct file_info *info; /* the last record; NULL if there was none */
    int fd;                       /* the callee's; -1 if there is none */
};

struct files_request {
    enum helper_op op; /* HELPER_FILE_*, but not WATCH: that is core/watch.h */
    const char *user;
    const char *const *args; /* NULL-terminated; see files_protocol.h */
    /* Every record but of single answers (LIST); may be NULL. */
    void (*each)(void *ctx, const struct file_info *info);
    void (*done)(void *ctx, const struct files_result *result);
    void *ctx;
};

/* `done` comes exactly once, from the loop, unless it is cancelled before. NULL: it could not even
 * be asked. */
struct files_query *files_ask(struct sandbox *sandbox, const struct files_request *request,
                              struct error *err);
/* The same over a helper that was started already (takes its socket): the user and the arguments
 * are not looked at. */
struct files_query *files_listen(uv_loop_t *loop, int sock, const struct files_request *request,
                                 struct error *err);
void files_cancel(struct files_query *query);

#endif
