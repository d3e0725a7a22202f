/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/files.h"
#include "backend/core/core.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { BATCH = 16 }; /* messages a turn of the loop */

struct files_query {
    uv_poll_t poll;
    int sock;
    bool over;
    struct files_request request; /* its user and args are not kept */
    char sandbox_id[ID_SANDBOX];  /* "": of a volume */
    struct files_query *previous, *next;
};

static struct files_query *queries; /* those that are open */

static void closed(uv_handle_t *handle) {
    struct files_query *q = handle->data;
    close(q->sock);
    free(q);
}

static void end(struct files_query *q) {
    if (q->over)
        return;
    q->over = true;
    if (q->next)
        q->next->previous = q->previous;
    *(q->previous ? &q->previous->next : &queries) = q->next;
    uv_close((uv_handle_t *)&q->poll, closed);
}

static void finish(struct files_query *q, struct files_result *result) {
    void (*done)(void *, const struct files_result *) = q->request.done;
    void *ctx = q->request.ctx;
    end(q);
    done(ctx, result);
}

static void lose(struct files_query *q, int error) {
    finish(
        q,
        &(struct files_result){
            .failure = FILES_SYSTEM, .error = error, .lost = error == EPIPE, .path = "", .fd = -1});
}

void files_fail_all(const struct sandbox *sandbox, int error) {
    struct files_query *q = queries;
    while (q) {
        if (strcmp(q->sandbox_id, sandbox->id) == 0) {
            lose(q, error);
            q = queries; /* whoever was told may have asked again, or cancelled */
        } else {
            q = q->next;
        }
    }
}

/* False when nothing more is to be read. */
static bool take(struct files_query *q, struct files_message *m) {
    struct file_info info;
    bool any = false, failed = m->head.value != FILES_OK;
    while (!q->over && files_message_next(m, &info)) {
        any = true;
        if (q->request.each && !failed)
            q->request.each(q->request.ctx, &info);
    }
    if (q->over || !(m->head.flags & HELPER_LAST)) {
        close_fd(&m->fd);
        return !q->over;
    }
    finish(q, &(struct files_result){
                  .failure = (enum files_failure)m->head.value,
                  .error = m->head.error,
                  .path = any ? info.path : "",
                  .info = any ? &info : NULL,
                  .fd = m->fd,
              });
    return false;
}

static void readable(uv_poll_t *poll, int status, int events) {
    (void)events;
    struct files_query *q = poll->data;
    struct files_message m;
    for (int i = 0; i < BATCH; i++) {
        enum files_received got = status < 0 ? FILES_ENDED : files_message_receive(q->sock, &m);
        if (got == FILES_LATER)
            return;
        if (got == FILES_ENDED) {
            lose(q, EPIPE);
            return;
        }
        if (!take(q, &m))
            return;
    }
}

struct files_query *files_listen(uv_loop_t *loop, int sock, const struct files_request *request,
                                 struct error *err) {
    struct files_query *q = calloc(1, sizeof(*q));
    int rc = q ? uv_poll_init(loop, &q->poll, sock) : UV_ENOMEM;
    if (rc < 0) {
        error_errno(err, -rc, "cannot ask for files");
        close(sock);
        free(q);
        return NULL;
    }
    q->sock = sock;
    q->request = *request;
    q->poll.data = q;
    q->next = queries;
    if (queries)
        queries->previous = q;
    queries = q;
    uv_poll_start(&q->poll, UV_READABLE, readable);
    return q;
}

struct files_query *files_ask(struct sandbox *sandbox, const struct files_request *request,
                              struct error *err) {
    int sock = guest_helper(sandbox->guest, request->op, request->user, request->args, err);
    struct files_query *q =
        sock < 0 ? NULL : files_listen(core_loop(sandbox->core), sock, request, err);
    if (q)
        memcpy(q->sandbox_id, sandbox->id, sizeof(q->sandbox_id));
    return q;
}

void files_cancel(struct files_query *query) {
    end(query);
}
