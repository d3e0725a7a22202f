/* SPDX-License-Identifier: Apache-2.0
 *
 * See sender.h. The main thread puts deliveries into a line's inbox and wakes that thread, which
 * puts what is done into the outbox and wakes the main loop. Each queue is handed over whole, so
 * the locks are held for a few instructions.
 */
#include "backend/daemon/sender.h"

#include "backend/daemon/post.h"
#include "backend/daemon/sockets.h"
#include "common/clock.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { LINES = 2, NICE = 5, IDLE_POSTS = 64, MAX_CONNECTIONS = 512 / LINES };

struct queue {
    struct delivery *first, *last;
};

/* One thread with a libcurl of its own. A webhook is always served by the same one, for the sake of
 * its connections. */
struct line {
    struct sender *sender;
    pthread_t thread;
    pthread_mutex_t lock; /* of the two below */
    struct queue inbox;
    bool stopping;

    /* The thread's own. */
    struct sockets sockets;
    CURLM *multi;
    int64_t timer_ms; /* when libcurl wants to be asked; INT64_MAX: not now */
    struct post *idle;
    unsigned idle_count;
    struct queue results; /* until the end of this turn */
};

struct sender {
    struct sender_config config;
    struct line lines[LINES];
    pthread_mutex_t lock; /* of the outbox */
    struct queue outbox;
    int done;        /* event: there is something in it. uv_async_send could make the main loop spin
                      * for as long as a thread of less priority does not run */
    uv_poll_t *poll; /* of that */
};

static void push(struct queue *queue, struct delivery *delivery) {
    delivery->queue = NULL;
    if (queue->last)
        queue->last->queue = delivery;
    else
        queue->first = delivery;
    queue->last = delivery;
}

static struct delivery *pop(struct queue *queue) {
    struct delivery *delivery = queue->first;
    if (delivery)
        queue->first = delivery->queue;
    return delivery;
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

/* ---- a thread: transfers ---- */

static struct post *take_post(struct line *line) {
    struct post *post = line->idle;
    if (!post)
        return post_new(&line->sender->config, &line->sockets);
    line->idle = post->next;
    line->idle_count--;
    return post;
}

static void give_post(struct line *line, struct post *post) {
    if (line->idle_count == IDLE_POSTS) {
        post_free(post);
        return;
    }
    post->next = line->idle;
    line->idle = post;
    line->idle_count++;
}

static void fail(struct line *line, struct delivery *delivery) {
    delivery->at_ms = clock_now_ms();
    delivery->error = DELIVERY_REQUEST_ERROR;
    snprintf(delivery->message, sizeof(delivery->message), "out of memory");
    push(&line->results, delivery);
}

static void begin(struct line *line, struct delivery *delivery) {
    struct post *post = take_post(line);
    if (!post) {
        fail(line, delivery);
        return;
    }
    if (post_begin(post, &line->sender->config, delivery) &&
        curl_multi_add_handle(line->multi, post->easy) == CURLM_OK)
        return;
    push(&line->results, post_end(post, CURLE_FAILED_INIT));
    give_post(line, post);
}

static void collect(struct line *line) {
    int left;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(line->multi, &left))) {
        void *ctx = NULL;
        CURLcode code = message->data.result;
        CURL *easy = message->easy_handle;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &ctx);
        curl_multi_remove_handle(line->multi, easy);
        push(&line->results, post_end(ctx, code));
        give_post(line, ctx);
    }
}

static void hand_over(struct line *line) {
    struct sender *sender = line->sender;
    if (!line->results.first)
        return;
    pthread_mutex_lock(&sender->lock);
    bool was_empty = !sender->outbox.first;
    move_all(&sender->outbox, &line->results);
    pthread_mutex_unlock(&sender->lock);
    if (was_empty)
        eventfd_write(sender->done, 1);
}

/* ---- a thread: its loop ---- */

static int set_timer(CURLM *multi, long timeout_ms, void *ctx) {
    struct line *line = ctx;
    (void)multi;
    line->timer_ms = timeout_ms < 0 ? INT64_MAX : clock_mono_ms() + timeout_ms;
    return 0;
}

static int time_left(const struct line *line) {
    if (line->timer_ms == INT64_MAX)
        return -1;
    return (int)MIN(MAX(line->timer_ms - clock_mono_ms(), (int64_t)0), (int64_t)INT_MAX);
}

static void heed_timer(struct line *line) {
    int running;
    if (time_left(line) != 0)
        return;
    line->timer_ms = INT64_MAX;
    curl_multi_socket_action(line->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

/* False: it is over. */
static bool take_work(struct line *line) {
    struct queue work = {NULL, NULL};
    struct delivery *delivery;
    pthread_mutex_lock(&line->lock);
    move_all(&work, &line->inbox);
    bool stopping = line->stopping;
    pthread_mutex_unlock(&line->lock);
    while ((delivery = pop(&work)))
        begin(line, delivery);
    return !stopping;
}

static void *run(void *ctx) {
    struct line *line = ctx;
    id_t self = (id_t)syscall(SYS_gettid); /* this thread alone gives way */
    setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + NICE);
    bool goes_on = true;
    while (goes_on) {
        if (sockets_wait(&line->sockets, time_left(line), line->multi))
            goes_on = take_work(line);
        heed_timer(line);
        collect(line);
        hand_over(line);
    }
    return NULL;
}

/* ---- the main thread ---- */

static void on_done(uv_poll_t *poll, int status, int what) {
    struct sender *sender = poll->data;
    struct queue results = {NULL, NULL};
    struct delivery *delivery;
    eventfd_t times;
    (void)status;
    (void)what;
    eventfd_read(sender->done, &times);
    pthread_mutex_lock(&sender->lock);
    move_all(&results, &sender->outbox);
    pthread_mutex_unlock(&sender->lock);
    while ((delivery = pop(&results)))
        sender->config.delivered(sender->config.ctx, delivery);
}

static struct line *line_of(struct sender *sender, const struct delivery *delivery) {
    return &sender->lines[(unsigned char)delivery->webhook_id[0] % LINES]; /* a random digit */
}

void sender_send(struct sender *sender, struct delivery *delivery) {
    struct line *line = line_of(sender, delivery);
    pthread_mutex_lock(&line->lock);
    bool was_empty = !line->inbox.first;
    push(&line->inbox, delivery);
    pthread_mutex_unlock(&line->lock);
    if (was_empty)
        sockets_wake(&line->sockets);
}

static bool start_multi(struct line *line) {
    line->multi = curl_multi_init();
    if (!line->multi)
        return false;
    curl_multi_setopt(line->multi, CURLMOPT_SOCKETFUNCTION, sockets_want);
    curl_multi_setopt(line->multi, CURLMOPT_SOCKETDATA, &line->sockets);
    curl_multi_setopt(line->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(line->multi, CURLMOPT_TIMERDATA, line);
    curl_multi_setopt(line->multi, CURLMOPT_MAXCONNECTS, (long)MAX_CONNECTIONS);
    return true;
}

/* Signals are the main thread's. */
static bool start_thread(struct line *line) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&line->thread, NULL, run, line);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result == 0;
}

static bool start_line(struct sender *sender, struct line *line) {
    line->sender = sender;
    line->timer_ms = INT64_MAX;
    pthread_mutex_init(&line->lock, NULL);
    return sockets_open(&line->sockets) && start_multi(line) && start_thread(line);
}

static bool watch_outbox(struct sender *sender) {
    pthread_mutex_init(&sender->lock, NULL);
    sender->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sender->done < 0 || uv_poll_init(sender->config.loop, sender->poll, sender->done) != 0)
        return false;
    sender->poll->data = sender;
    return uv_poll_start(sender->poll, UV_READABLE, on_done) == 0;
}

struct sender *sender_start(const struct sender_config *config, struct error *err) {
    struct sender *sender = calloc(1, sizeof(*sender));
    uv_poll_t *poll = malloc(sizeof(*poll));
    bool ok = sender && poll && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    if (ok) {
        sender->config = *config;
        sender->poll = poll;
        ok = watch_outbox(sender);
    }
    for (size_t i = 0; ok && i < LINES; i++)
        ok = start_line(sender, &sender->lines[i]);
    if (ok)
        return sender;
    error_errno(err, ENOMEM, "cannot start the sender of webhooks");
    return NULL; /* the daemon does not start: nothing else is tidied up */
}

void sender_stop(struct sender *sender) {
    for (size_t i = 0; i < LINES; i++) {
        struct line *line = &sender->lines[i];
        pthread_mutex_lock(&line->lock);
        line->stopping = true;
        pthread_mutex_unlock(&line->lock);
        sockets_wake(&line->sockets);
        pthread_join(line->thread, NULL);
    }
    on_done(sender->poll, 0, 0);
}
