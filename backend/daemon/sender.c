/* SPDX-License-Identifier: Apache-2.0
 *
 * See sender.h. The main thread puts deliveries into `inbox` and wakes the sender's loop; that one
 * puts what is done into `outbox` and wakes the main loop. Each queue is handed over whole, so the
 * lock is held for a few instructions.
 */
#include "backend/daemon/sender.h"

#include "backend/daemon/post.h"
#include "common/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { NICE = 5, IDLE_POSTS = 64, MAX_CONNECTIONS = 512 };

struct queue {
    struct delivery *first, *last;
};

struct sender {
    struct sender_config config;
    pthread_t thread;
    pthread_mutex_t lock; /* of the two queues */
    struct queue inbox, outbox;
    uv_async_t *done; /* on the main loop */
    bool stopping;    /* under the lock */

    /* The thread's own. */
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t timer;
    CURLM *multi;
    struct post *idle;
    unsigned idle_count;
    struct queue results; /* until the end of this turn */
};

static void push(struct queue *queue, struct delivery *delivery) {
    delivery->queue = NULL;
    if (queue->last)
        queue->last->queue = delivery;
    else
        queue->first = delivery;
    queue->last = delivery;
}

/* Appends all of `from`, and leaves it empty. */
static void move_all(struct queue *to, struct queue *from) {
    if (!from->first)
        return;
    if (to->last)
        to->last->queue = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    *from = (struct queue){NULL, NULL};
}

/* ---- the thread: transfers ---- */

static struct post *take_post(struct sender *sender) {
    struct post *post = sender->idle;
    if (!post)
        return post_new(&sender->config);
    sender->idle = post->next;
    sender->idle_count--;
    return post;
}

static void give_post(struct sender *sender, struct post *post) {
    if (sender->idle_count == IDLE_POSTS) {
        post_free(post);
        return;
    }
    post->next = sender->idle;
    sender->idle = post;
    sender->idle_count++;
}

static void fail(struct sender *sender, struct delivery *delivery) {
    delivery->at_ms = clock_now_ms();
    delivery->error = DELIVERY_REQUEST_ERROR;
    snprintf(delivery->message, sizeof(delivery->message), "out of memory");
    push(&sender->results, delivery);
}

static void begin(struct sender *sender, struct delivery *delivery) {
    struct post *post = take_post(sender);
    if (!post) {
        fail(sender, delivery);
        return;
    }
    if (post_begin(post, &sender->config, delivery) &&
        curl_multi_add_handle(sender->multi, post->easy) == CURLM_OK)
        return;
    push(&sender->results, post_end(post, CURLE_FAILED_INIT));
    give_post(sender, post);
}

static void collect(struct sender *sender) {
    int left;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(sender->multi, &left))) {
        void *ctx = NULL;
        CURLcode code = message->data.result;
        CURL *easy = message->easy_handle;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &ctx);
        curl_multi_remove_handle(sender->multi, easy);
        push(&sender->results, post_end(ctx, code));
        give_post(sender, ctx);
    }
}

static void deliver(struct sender *sender) {
    collect(sender);
    if (!sender->results.first)
        return;
    pthread_mutex_lock(&sender->lock);
    bool was_empty = !sender->outbox.first;
    move_all(&sender->outbox, &sender->results);
    pthread_mutex_unlock(&sender->lock);
    if (was_empty)
        uv_async_send(sender->done);
}

/* ---- the thread: its loop ---- */

static void on_socket(uv_poll_t *poll, int status, int events) {
    struct sender *sender = poll->loop->data;
    int running, what = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                        (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0) |
                        (status < 0 ? CURL_CSELECT_ERR : 0);
    curl_socket_t sock = (curl_socket_t)(intptr_t)poll->data;
    curl_multi_socket_action(sender->multi, sock, what, &running);
    deliver(sender);
}

static void on_poll_closed(uv_handle_t *handle) {
    free(handle);
}

static int watch_socket(CURL *easy, curl_socket_t sock, int what, void *ctx, void *known) {
    struct sender *sender = ctx;
    uv_poll_t *poll = known;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (poll)
            uv_close((uv_handle_t *)poll, on_poll_closed);
        return 0;
    }
    if (!poll) {
        poll = malloc(sizeof(*poll));
        if (!poll || uv_poll_init_socket(&sender->loop, poll, sock) != 0) {
            free(poll);
            return -1;
        }
        poll->data = (void *)(intptr_t)sock;
        curl_multi_assign(sender->multi, sock, poll);
    }
    uv_poll_start(
        poll, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
        on_socket);
    return 0;
}

static void on_timer(uv_timer_t *timer) {
    struct sender *sender = timer->loop->data;
    int running;
    curl_multi_socket_action(sender->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    deliver(sender);
}

static int set_timer(CURLM *multi, long timeout_ms, void *ctx) {
    struct sender *sender = ctx;
    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&sender->timer);
    else
        uv_timer_start(&sender->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static void on_wake(uv_async_t *wake) {
    struct sender *sender = wake->loop->data;
    struct queue work = {NULL, NULL};
    pthread_mutex_lock(&sender->lock);
    move_all(&work, &sender->inbox);
    bool stopping = sender->stopping;
    pthread_mutex_unlock(&sender->lock);
    while (work.first) {
        struct delivery *delivery = work.first;
        work.first = delivery->queue;
        begin(sender, delivery);
    }
    deliver(sender);
    if (stopping)
        uv_stop(&sender->loop);
}

static void *run(void *ctx) {
    struct sender *sender = ctx;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); /* of this thread alone */
    uv_run(&sender->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* ---- the main thread ---- */

static void on_done(uv_async_t *done) {
    struct sender *sender = done->data;
    struct queue results = {NULL, NULL};
    pthread_mutex_lock(&sender->lock);
    move_all(&results, &sender->outbox);
    pthread_mutex_unlock(&sender->lock);
    while (results.first) {
        struct delivery *delivery = results.first;
        results.first = delivery->queue;
        sender->config.delivered(sender->config.ctx, delivery);
    }
}

void sender_send(struct sender *sender, struct delivery *delivery) {
    pthread_mutex_lock(&sender->lock);
    bool was_empty = !sender->inbox.first;
    push(&sender->inbox, delivery);
    pthread_mutex_unlock(&sender->lock);
    if (was_empty)
        uv_async_send(&sender->wake);
}

static bool start_multi(struct sender *sender) {
    sender->multi = curl_multi_init();
    if (!sender->multi)
        return false;
    curl_multi_setopt(sender->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(sender->multi, CURLMOPT_SOCKETDATA, sender);
    curl_multi_setopt(sender->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(sender->multi, CURLMOPT_TIMERDATA, sender);
    curl_multi_setopt(sender->multi, CURLMOPT_MAXCONNECTS, (long)MAX_CONNECTIONS);
    return true;
}

/* Signals are the main thread's. */
static bool start_thread(struct sender *sender) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&sender->thread, NULL, run, sender);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result == 0;
}

struct sender *sender_start(const struct sender_config *config, struct error *err) {
    struct sender *sender = calloc(1, sizeof(*sender));
    uv_async_t *done = malloc(sizeof(*done));
    if (sender && done && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
        uv_loop_init(&sender->loop) == 0) {
        sender->config = *config;
        sender->loop.data = sender;
        sender->done = done;
        pthread_mutex_init(&sender->lock, NULL);
        uv_async_init(&sender->loop, &sender->wake, on_wake);
        uv_timer_init(&sender->loop, &sender->timer);
        uv_async_init(config->loop, done, on_done);
        done->data = sender;
        if (start_multi(sender) && start_thread(sender))
            return sender;
    }
    error_errno(err, ENOMEM, "cannot start the sender of webhooks");
    return NULL; /* the daemon does not start: nothing else is tidied up */
}

void sender_stop(struct sender *sender) {
    pthread_mutex_lock(&sender->lock);
    sender->stopping = true;
    pthread_mutex_unlock(&sender->lock);
    uv_async_send(&sender->wake);
    pthread_join(sender->thread, NULL);
    on_done(sender->done);
}
