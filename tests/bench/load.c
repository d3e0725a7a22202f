/* SPDX-License-Identifier: Apache-2.0
 *
 * load SOCKET WHAT COUNT PARALLEL: raw HTTP against the backend's Unix socket, with PARALLEL
 * connections at work at once, each kept alive. WHAT is
 *
 *   cycle   create, run /usr/bin/true to its end, kill; COUNT times in all
 *   crowd   as cycle, but nobody kills before PARALLEL sandboxes have run theirs
 *   churn   create and kill, COUNT times in all
 *   pause   pause and resume of one sandbox that is made for it, COUNT times
 *   fork    100 forks of such a sandbox in one request, COUNT times; they are killed in between
 *   exec    /usr/bin/true in one sandbox that is made for it, COUNT times
 *   create  create, COUNT times; prints "id ID" for each
 *   list    GET /v2/sandboxes to its last page, COUNT times
 *   kill    kills every sandbox there is (COUNT is not used)
 *
 * Prints "STEP p50 p95 p99 max" in microseconds for each step, and "wall US". Fails on any answer
 * that is not the expected one.
 */
#include "common/clock.h"
#include "common/connect.h"
#include "common/http1.h"
#include "common/io.h"
#include "tests/bench/stats.h"

#include <pthread.h>
#include <string.h>
#include <sys/un.h>

enum { ANSWER_MAX = 1 << 20, ID_ROOM = 64, MAX_SERIES = 100000 };

struct connection {
    int fd;
    char id[ID_ROOM], token[256];
    char *answer; /* head and body as received, chunk framing included; NUL-terminated */
    size_t length, body;
};

enum step {
    STEP_CREATE,
    STEP_COMMAND,
    STEP_READY,
    STEP_KILL,
    STEP_LIST,
    STEP_PAUSE,
    STEP_RESUME,
    STEP_FORK,
    STEP_COUNT
};
static const char *const step_names[] = {"create", "command", "create+command", "kill",
                                         "list",   "pause",   "resume",         "fork"};

static const char *socket_path;
static int total;
static pthread_barrier_t crowd;
static int started, finished[STEP_COUNT];
static int64_t *series[STEP_COUNT];

static void fail(const char *text, const char *detail) {
    fprintf(stderr, "load: %s: %.400s\n", text, detail);
    exit(1);
}

static void record(enum step step, int64_t took) {
    int slot = __atomic_fetch_add(&finished[step], 1, __ATOMIC_RELAXED);
    if (slot < MAX_SERIES)
        series[step][slot] = took;
}

static void open_connection(struct connection *c) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(socket_path) >= sizeof(address.sun_path))
        fail("path too long", socket_path);
    memcpy(address.sun_path, socket_path, strlen(socket_path));
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("connect", socket_path);
    c->answer = malloc(ANSWER_MAX);
    if (!c->answer)
        fail("memory", "");
}

/* Is the message whole? The bytes of a body are walked once for each read: answers are small. */
static bool is_whole(struct connection *c, struct http1_head *head) {
    if (http1_parse_response(c->answer, c->length, head, &c->body) != HTTP1_OK)
        return false;
    if (!head->chunked)
        return head->status == 204 || c->length - c->body >= head->length;
    struct http1_chunks chunks = {0};
    enum http1_result result = HTTP1_MORE;
    for (size_t at = c->body; at < c->length && result == HTTP1_MORE;) {
        struct slice data;
        size_t used;
        result = http1_chunks_next(&chunks, c->answer + at, c->length - at, &used, &data);
        at += used;
    }
    return result == HTTP1_OK;
}

static void ask(struct connection *c, const char *request, size_t length, int want) {
    static _Thread_local struct http1_head head;
    if (!io_write_all(c->fd, request, length))
        fail("write", request);
    c->length = 0;
    do {
        ssize_t n = read(c->fd, c->answer + c->length, ANSWER_MAX - 1 - c->length);
        if (n <= 0)
            fail("no answer to", request);
        c->length += (size_t)n;
        c->answer[c->length] = '\0';
    } while (!is_whole(c, &head));
    if (head.status != want)
        fail("unexpected answer", c->answer);
}

/* The value of a string member anywhere in the answer. */
static void member(const struct connection *c, const char *name, char *into, size_t room) {
    char key[64];
    snprintf(key, sizeof(key), "\"%s\":", name);
    const char *at = strstr(c->answer + c->body, key);
    const char *from = at ? strchr(at + strlen(key), '"') : NULL;
    const char *to = from ? strchr(from + 1, '"') : NULL;
    into[0] = '\0';
    if (to)
        snprintf(into, room, "%.*s", (int)(to - from - 1), from + 1);
}

static void create(struct connection *c) {
    static const char body[] = "{\"templateID\":\"base\",\"timeout\":3600}";
    char request[512];
    int n = snprintf(request, sizeof(request),
                     "POST /v2/sandboxes HTTP/1.1\r\nHost: localhost\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     sizeof(body) - 1, body);
    ask(c, request, (size_t)n, 201);
    member(c, "sandboxID", c->id, sizeof(c->id));
    member(c, "envdAccessToken", c->token, sizeof(c->token));
    if (!c->id[0])
        fail("no sandboxID in", c->answer);
}

static void command(struct connection *c) {
    static const char body[] = "{\"process\":{\"cmd\":\"/usr/bin/true\",\"args\":[]}}";
    char request[1024];
    int n = snprintf(request, sizeof(request),
                     "POST /process.Process/Start HTTP/1.1\r\nHost: localhost\r\n"
                     "E2b-Sandbox-Id: %s\r\nE2b-Sandbox-Port: 49983\r\nX-Access-Token: %s\r\n"
                     "Authorization: Basic dXNlcjo=\r\nConnect-Protocol-Version: 1\r\n"
                     "Content-Type: application/connect+json\r\nContent-Length: %zu\r\n\r\n",
                     c->id, c->token, sizeof(body) - 1 + CONNECT_HEAD);
    connect_put_head((uint8_t *)request + n, (struct connect_head){.len = sizeof(body) - 1});
    memcpy(request + n + CONNECT_HEAD, body, sizeof(body) - 1);
    ask(c, request, (size_t)n + CONNECT_HEAD + sizeof(body) - 1, 200);
    if (!memmem(c->answer, c->length, "exit status 0", 13))
        fail("the command did not succeed", c->answer + c->body);
}

static void kill_sandbox(struct connection *c, const char *id) {
    char request[256];
    int n = snprintf(request, sizeof(request),
                     "DELETE /sandboxes/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", id);
    ask(c, request, (size_t)n, 204);
}

/* One page of the list; false when it was the last. The token is kept in c->token. */
static bool list_page(struct connection *c, bool first) {
    char request[512];
    int n = snprintf(request, sizeof(request),
                     "GET /v2/sandboxes?limit=100%s%s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                     first ? "" : "&nextToken=", first ? "" : c->token);
    ask(c, request, (size_t)n, 200);
    struct http1_head head;
    size_t used;
    http1_parse_response(c->answer, c->length, &head, &used);
    const struct slice *next = http1_find(&head, "X-Next-Token");
    snprintf(c->token, sizeof(c->token), "%.*s", next ? (int)next->len : 0, next ? next->at : "");
    return c->token[0] != '\0';
}

static int count_listed(const struct connection *c) {
    int count = 0;
    for (const char *at = c->answer + c->body; (at = strstr(at, "\"sandboxID\"")); at++)
        count++;
    return count;
}

static void do_list(struct connection *c) {
    int64_t began = clock_mono_us();
    int listed = 0;
    bool more = true;
    for (bool first = true; more; first = false) {
        more = list_page(c, first);
        listed += count_listed(c);
    }
    record(STEP_LIST, clock_mono_us() - began);
    printf("listed %d\n", listed);
}

static void do_kill(struct connection *c) {
    while (list_page(c, true), count_listed(c) > 0) {
        char id[ID_ROOM];
        member(c, "sandboxID", id, sizeof(id));
        int64_t began = clock_mono_us();
        kill_sandbox(c, id);
        record(STEP_KILL, clock_mono_us() - began);
    }
}

static void cycle(struct connection *c, pthread_barrier_t *all) {
    int64_t began = clock_mono_us();
    create(c);
    int64_t created = clock_mono_us();
    command(c);
    int64_t ran = clock_mono_us();
    if (all)
        pthread_barrier_wait(all);
    int64_t killing = clock_mono_us();
    kill_sandbox(c, c->id);
    record(STEP_CREATE, created - began);
    record(STEP_COMMAND, ran - created);
    record(STEP_READY, ran - began);
    record(STEP_KILL, clock_mono_us() - killing);
}

static void do_cycle(struct connection *c) {
    cycle(c, NULL);
}

static void do_crowd(struct connection *c) {
    cycle(c, &crowd);
}

static void do_churn(struct connection *c) {
    int64_t began = clock_mono_us();
    create(c);
    int64_t created = clock_mono_us();
    kill_sandbox(c, c->id);
    record(STEP_CREATE, created - began);
    record(STEP_KILL, clock_mono_us() - created);
}

/* A POST to the sandbox of this connection. */
static void act(struct connection *c, const char *what, const char *body, int want) {
    char request[512];
    int n = snprintf(request, sizeof(request),
                     "POST /sandboxes/%s/%s HTTP/1.1\r\nHost: localhost\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     c->id, what, strlen(body), body);
    ask(c, request, (size_t)n, want);
}

static void do_pause(struct connection *c) {
    int64_t began = clock_mono_us();
    act(c, "pause", "{}", 204);
    int64_t paused = clock_mono_us();
    act(c, "resume", "{\"timeout\":3600}", 201);
    record(STEP_PAUSE, paused - began);
    record(STEP_RESUME, clock_mono_us() - paused);
}

static void do_fork(struct connection *c) {
    enum { FORKS = 100 };
    char(*ids)[ID_ROOM] = calloc(FORKS, sizeof(*ids));
    const char *at = c->answer;
    int64_t began = clock_mono_us();
    act(c, "fork", "{\"count\":100,\"timeout\":600}", 201);
    record(STEP_FORK, clock_mono_us() - began);
    for (size_t i = 0; i < FORKS; i++) {
        at = strstr(at, "\"sandboxID\":\"");
        if (!at || sscanf(at += strlen("\"sandboxID\":\""), "%31[^\"]", ids[i]) != 1)
            fail("not 100 forks in", c->answer);
    }
    for (size_t i = 0; i < FORKS; i++)
        kill_sandbox(c, ids[i]);
    free(ids);
}

static void do_create(struct connection *c) {
    int64_t began = clock_mono_us();
    create(c);
    record(STEP_CREATE, clock_mono_us() - began);
    printf("id %s\n", c->id);
}

static void do_command(struct connection *c) {
    int64_t began = clock_mono_us();
    command(c);
    record(STEP_COMMAND, clock_mono_us() - began);
}

static const struct kind {
    const char *name;
    void (*once)(struct connection *c);
    bool has_sandbox; /* of its own, for all it does */
} kinds[] = {
    {"cycle", do_cycle, false},   {"crowd", do_crowd, false}, {"exec", do_command, true},
    {"create", do_create, false}, {"churn", do_churn, false}, {"pause", do_pause, true},
    {"fork", do_fork, true},      {"list", do_list, false},   {"kill", do_kill, false},
};

static void *worker(void *argument) {
    struct connection c = {0};
    const struct kind *kind = argument;
    open_connection(&c);
    if (kind->has_sandbox)
        create(&c);
    while (__atomic_fetch_add(&started, 1, __ATOMIC_RELAXED) < total)
        kind->once(&c);
    if (kind->has_sandbox)
        kill_sandbox(&c, c.id);
    close(c.fd);
    free(c.answer);
    return NULL;
}

int main(int argc, char **argv) {
    const struct kind *kind = NULL;
    for (size_t i = 0; argc == 5 && i < ARRAY_LEN(kinds); i++)
        if (strcmp(argv[2], kinds[i].name) == 0)
            kind = &kinds[i];
    int parallel = argc == 5 ? atoi(argv[4]) : 0;
    if (!kind || parallel < 1 || parallel > 1000) {
        fprintf(stderr, "usage: load SOCKET WHAT COUNT PARALLEL\n");
        return 2;
    }
    pthread_barrier_init(&crowd, NULL, (unsigned)parallel);
    socket_path = argv[1];
    total = kind->once == do_kill ? 1 : atoi(argv[3]);
    for (size_t i = 0; i < STEP_COUNT; i++)
        series[i] = calloc(MAX_SERIES, sizeof(int64_t));
    pthread_t *threads = calloc((size_t)parallel, sizeof(*threads));
    int64_t began = clock_mono_us();
    for (int i = 0; i < parallel; i++)
        pthread_create(&threads[i], NULL, worker, (void *)(uintptr_t)kind);
    for (int i = 0; i < parallel; i++)
        pthread_join(threads[i], NULL);
    printf("wall %lld\n", (long long)(clock_mono_us() - began));
    for (size_t i = 0; i < STEP_COUNT; i++) {
        stats_print(step_names[i], series[i], (size_t)MIN(finished[i], MAX_SERIES));
        free(series[i]);
    }
    free(threads);
    return 0;
}
