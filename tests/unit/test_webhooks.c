/* SPDX-License-Identifier: Apache-2.0
 *
 * Events and deliveries without a network: pages against plain lists in memory, retention, the
 * intervals between attempts, what is a webhook, and places that survive a restart, with a sender
 * that answers as the test says.
 */
#include "backend/core/history.h"
#include "backend/core/webhook_check.h"
#include "backend/core/webhook_internal.h"
#include "common/clock.h"
#include "common/webhook_sign.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 600 };

static char dir[64], path[96];
static struct store *store;
static struct error err;
static uv_loop_t loop;

static void set_up(void) {
    err = (struct error)ERROR_INIT;
    snprintf(dir, sizeof(dir), "/tmp/e2b-hooks-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/state.db", dir);
    store = store_open(path, &err);
    ck_assert_msg(store != NULL, "%s", err.message);
    uv_loop_init(&loop);
}

static void tear_down(void) {
    char command[128];
    store_close(store);
    uv_run(&loop, UV_RUN_DEFAULT); /* handles that are being closed */
    uv_loop_close(&loop);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

/* ---- the model: a plain list ---- */

struct model_event {
    char id[ID_UUID], sandbox[16];
    enum event_type type;
    int64_t at_ms;
};
static struct model_event model[MANY];
static size_t model_count, model_first;
static unsigned seed = 20260724;

static unsigned pick(unsigned below) {
    seed = seed * 1103515245U + 12345U;
    return (seed >> 16) % below;
}

static void write_event(enum event_type type, const char *sandbox, int64_t at_ms) {
    struct model_event *event = &model[model_count++];
    *event = (struct model_event){.type = type, .at_ms = at_ms};
    ids_uuid(event->id);
    snprintf(event->sandbox, sizeof(event->sandbox), "%s", sandbox);
    const struct event_row row = {.id = event->id,
                                  .type = type,
                                  .sandbox_id = event->sandbox,
                                  .template_id = "t",
                                  .build_id = "b",
                                  .execution_id = "x",
                                  .at_ms = at_ms,
                                  .data = pick(2) ? "{}" : NULL};
    ck_assert(store_begin(store, &err) && store_event_insert(store, &row, &err));
    if (pick(5) == 0) { /* what is rolled back leaves no gap */
        store_rollback(store);
        ck_assert(store_begin(store, &err) && store_event_insert(store, &row, &err));
    }
    ck_assert_msg(store_commit(store, &err), "%s", err.message);
}

static void write_many(size_t count) {
    char sandbox[16];
    for (size_t i = 0; i < count; i++) {
        snprintf(sandbox, sizeof(sandbox), "s%u", pick(7));
        write_event((enum event_type)(EVENT_CREATED + pick(EVENT_TYPES - 1)), sandbox,
                    1000000 + (int64_t)i * 10);
    }
}

struct page {
    char ids[128][ID_UUID];
    size_t count;
};

static void on_event(void *ctx, const struct event_row *row) {
    struct page *page = ctx;
    ck_assert_uint_lt(page->count, ARRAY_LEN(page->ids));
    snprintf(page->ids[page->count++], ID_UUID, "%s", row->id);
}

static bool model_matches(const struct model_event *event, const struct event_query *query) {
    return (query->types & event_type_bit(event->type)) &&
           (!query->sandbox_id || strcmp(event->sandbox, query->sandbox_id) == 0);
}

static void model_page(const struct event_query *query, struct page *page) {
    int64_t skip = query->offset;
    page->count = 0;
    for (size_t i = model_first; i < model_count && (int64_t)page->count < query->limit; i++) {
        size_t at = query->ascending ? i : model_count - 1 - (i - model_first);
        if (model_matches(&model[at], query) && skip-- <= 0)
            memcpy(page->ids[page->count++], model[at].id, ID_UUID);
    }
}

static void compare(const struct event_query *query) {
    static struct page expected, found;
    found.count = 0;
    model_page(query, &expected);
    ck_assert_msg(store_event_list(store, query, on_event, &found, &err), "%s", err.message);
    ck_assert_uint_eq(found.count, expected.count);
    for (size_t i = 0; i < found.count; i++)
        ck_assert_str_eq(found.ids[i], expected.ids[i]);
}

static void compare_many(int times) {
    char sandbox[16];
    for (int i = 0; i < times; i++) {
        snprintf(sandbox, sizeof(sandbox), "s%u", pick(8));
        compare(&(struct event_query){
            .sandbox_id = pick(2) ? sandbox : NULL,
            .types = pick(3) ? EVENT_ALL_TYPES : pick(EVENT_ALL_TYPES / 2) * 2,
            .ascending = pick(2),
            .offset = pick(4) ? pick(40) : pick(MANY),
            .limit = 1 + pick(100),
        });
    }
}

START_TEST(pages_are_those_of_a_plain_list) {
    compare_many(20); /* of nothing */
    write_many(1);
    compare_many(20);
    write_many(MANY - 1);
    compare_many(2000);
}
END_TEST

START_TEST(old_events_go_and_pages_stay_right) {
    int64_t oldest = 0;
    write_many(400);
    /* By age, not more than 100 in one call. */
    ck_assert(store_event_prune(store, 1000000 + 150 * 10, 100000, 100, &oldest, &err));
    model_first = 100;
    compare_many(300);
    ck_assert(store_event_prune(store, 1000000 + 150 * 10, 100000, 100, &oldest, &err));
    model_first = 150;
    compare_many(300);
    /* By number. */
    ck_assert(store_event_prune(store, 0, 40, 1000, &oldest, &err));
    model_first = 360;
    compare_many(300);
    /* The newest stays, whatever its age. */
    ck_assert(store_event_prune(store, INT64_MAX, 40, 1000, &oldest, &err));
    model_first = 399;
    compare_many(50);
    write_event(EVENT_KILLED, "s1", 5000000);
    compare_many(50);
}
END_TEST

/* ---- attempts, which are numbered in the order in which they were made ---- */

enum { ATTEMPTS = 900 };

static struct model_attempt {
    int64_t webhook, event;
    bool failed;
} model_attempts[ATTEMPTS];

static void write_attempts(void) {
    ck_assert(store_begin(store, &err));
    for (int i = 0; i < ATTEMPTS; i++) {
        struct model_attempt *attempt = &model_attempts[i];
        char id[ID_UUID];
        ids_uuid(id);
        *attempt = (struct model_attempt){1 + pick(2), 1 + pick(100), pick(3) == 0};
        const struct delivery_row row = {.id = id,
                                         .at_ms = i,
                                         .error = attempt->failed ? DELIVERY_TIMEOUT : DELIVERY_OK,
                                         .url = "http://h/"};
        ck_assert(store_delivery_insert(store, attempt->webhook, attempt->event, &row, &err));
    }
    ck_assert(store_commit(store, &err));
}

static bool attempt_matches(int64_t number, const struct delivery_query *query) {
    const struct model_attempt *attempt = &model_attempts[number];
    int64_t behind = query->behind || query->ascending ? query->behind : INT64_MAX;
    return attempt->webhook == query->webhook && number >= query->start_ms &&
           number < query->end_ms && (attempt->failed ? query->failures : query->successes) &&
           (query->types & event_type_bit(model[attempt->event - 1].type)) &&
           (query->ascending ? attempt->event > behind : attempt->event < behind);
}

struct walk {
    const struct delivery_query *query;
    int64_t last, count, limit;
};

/* Each belongs here, and behind the one before it. */
static bool on_attempt(void *ctx, const struct event_row *event,
                       const struct delivery_row *delivery) {
    struct walk *walk = ctx;
    int64_t number = delivery->at_ms, event_before, order;
    ck_assert(attempt_matches(number, walk->query));
    ck_assert_int_eq(event->seq, model_attempts[number].event);
    ck_assert_str_eq(event->id, model[event->seq - 1].id);
    if (walk->count++) {
        event_before = model_attempts[walk->last].event;
        order = event->seq != event_before ? event->seq - event_before : number - walk->last;
        ck_assert(walk->query->ascending ? order > 0 : order < 0);
    }
    walk->last = number;
    return walk->count < walk->limit;
}

START_TEST(attempts_are_those_of_a_plain_list) {
    write_many(100);
    write_attempts();
    for (int i = 0; i < 1000; i++) {
        const struct delivery_query query = {
            .webhook = 1 + pick(3),
            .behind = pick(2) ? pick(110) : 0,
            .start_ms = pick(2) ? pick(ATTEMPTS) : 0,
            .end_ms = pick(2) ? pick(ATTEMPTS) : INT64_MAX,
            .successes = pick(3) != 0,
            .failures = pick(3) != 0,
            .types = pick(2) ? EVENT_ALL_TYPES : pick(EVENT_ALL_TYPES / 2) * 2,
            .ascending = pick(2),
        };
        struct walk walk = {.query = &query, .limit = pick(2) ? 1 + pick(30) : ATTEMPTS};
        int64_t expected = 0;
        for (int64_t number = 0; number < ATTEMPTS; number++)
            expected += attempt_matches(number, &query);
        ck_assert(store_delivery_list(store, &query, on_attempt, &walk, &err));
        ck_assert_int_eq(walk.count, MIN(expected, walk.limit));
    }
}
END_TEST

/* ---- intervals ---- */

START_TEST(attempts_go_on_for_a_day_and_twenty_times) {
    struct delivery_settings settings;
    delivery_settings_read(&settings);
    for (int run = 0; run < 200; run++) {
        int64_t at = 0, attempts = 1;
        while (!delivery_is_hopeless(&settings, attempts, at)) {
            int64_t delay = delivery_delay_ms(&settings, attempts, (uint32_t)pick(65536) * 65537U);
            ck_assert_int_ge(delay, 3750);
            ck_assert_int_le(delay, 3600 * 1000 * 5 / 4);
            at += delay;
            attempts++;
        }
        ck_assert_int_ge(attempts, 20);
        ck_assert_int_le(attempts, 60);
        ck_assert_int_ge(at, 24 * 3600 * 1000);
    }
    ck_assert_int_eq(delivery_delay_ms(&settings, 1, 1250), 5000);
    ck_assert_int_eq(delivery_delay_ms(&settings, 2, 2500), 10000);
    ck_assert(!delivery_is_hopeless(&settings, 19, INT64_MAX));
}
END_TEST

/* ---- signatures, as node's crypto makes them:
 * createHash('sha256').update(secret + body).digest('base64').replace(/=+$/, '') ---- */

START_TEST(signatures_are_those_of_the_documentation) {
    static const struct {
        const char *secret, *body, *signature;
    } vectors[] = {
        {"", "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"},
        {"secret-for-event-signature-verification", "{\"id\":\"1\"}",
         "dzK0AeT/oaqEjf5lSmLB+dmuRbWVKyvttg83c3vsW+w"},
        {"s",
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxx",
         "gkerugTOZ1WeG25HISobUb2TD5XW3l3q3gMg2Z/qYHg"},
        {"secret", "{\"a\":\"\\u00e4\"}", "irfiL9sJ5wiZkpsZOZmhM2n1puYyeE4ocXjYOiXkkEw"},
    };
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        char text[WEBHOOK_SIGNATURE];
        ck_assert(webhook_sign(vectors[i].secret, vectors[i].body, strlen(vectors[i].body), text));
        ck_assert_str_eq(text, vectors[i].signature);
    }
}
END_TEST

START_TEST(urls_are_http_with_a_host) {
    static const char *const good[] = {
        "http://a",          "https://a.b/c?d#e",        "HTTP://127.0.0.1:8080/",
        "http://[::1]:1/x",  "http://[fe80::1%25eth0]/", "http://0x7f.1:65535",
        "https://my_host.:/"};
    static const char *const bad[] = {"",
                                      "a",
                                      "ftp://a",
                                      "http://",
                                      "http:///x",
                                      "http://?x",
                                      "http://:80/",
                                      "http://u@h/",
                                      "http://a b",
                                      "http://a\n/",
                                      "http://\xc3\xa4/",
                                      "http://a:0/",
                                      "http://a:65536/",
                                      "http://a:b/",
                                      "http://a:1:2/",
                                      "http://[zz]/",
                                      "http://[::1",
                                      "http://[::1]x/",
                                      "http://::1/",
                                      "http://a\\b/",
                                      "http://%20/"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(webhook_check_url(good[i], &err), "%s: %s", good[i], err.message);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!webhook_check_url(bad[i], &err), "%s", bad[i]);
}
END_TEST

/* ---- deliveries, with a sender in memory ---- */

static struct webhooks *webhooks;
static struct delivery *sent[64];
static size_t sent_count;

static void send_delivery(void *ctx, struct delivery *delivery) {
    (void)ctx;
    ck_assert_uint_lt(sent_count, ARRAY_LEN(sent));
    sent[sent_count++] = delivery;
}

static bool never_busy(void *ctx) {
    (void)ctx;
    return false;
}

static void start_webhooks(void) {
    struct webhooks_config config = {
        .loop = &loop, .store = store, .sender = {.send = send_delivery, .is_busy = never_busy}};
    delivery_settings_read(&config.settings);
    config.settings.first_delay_ms = config.settings.max_delay_ms = 4;
    webhooks = webhooks_start(&config, &err);
    ck_assert_msg(webhooks != NULL, "%s", err.message);
    sent_count = 0;
}

static void turn(void) {
    for (int i = 0; i < 5; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

static void until_sent(size_t count) {
    while (sent_count < count)
        uv_run(&loop, UV_RUN_ONCE);
}

/* The first that is on its way comes back so, and that is written down. */
static void answer(enum delivery_error error) {
    struct delivery *delivery = sent[0];
    memmove(sent, sent + 1, --sent_count * sizeof(*sent));
    delivery->at_ms = clock_now_ms();
    delivery->error = error;
    webhooks_delivered(webhooks, delivery);
    while (webhooks->done)
        uv_run(&loop, UV_RUN_NOWAIT);
    turn();
}

static struct webhook *subscribe(unsigned types) {
    const struct webhook_request request = {
        .name = "n", .url = "http://h/", .secret = "s", .types = types, .enabled = 1};
    struct webhook *webhook = webhook_create(webhooks, &request, &err);
    ck_assert_msg(webhook != NULL, "%s", err.message);
    return webhook;
}

START_TEST(a_place_survives_what_is_not_answered) {
    write_many(5); /* before it subscribed */
    start_webhooks();
    subscribe(event_type_bit(EVENT_KILLED) | event_type_bit(EVENT_CREATED));
    write_event(EVENT_CREATED, "a", 1);
    write_event(EVENT_PAUSED, "a", 2);
    write_event(EVENT_KILLED, "a", 3);
    write_event(EVENT_CREATED, "b", 4);
    turn();
    ck_assert_uint_eq(sent_count, 2); /* one a sandbox */
    ck_assert_str_eq(sent[0]->event.id, model[5].id);
    ck_assert_str_eq(sent[1]->event.id, model[8].id);
    char first_id[ID_UUID];
    memcpy(first_id, sent[1]->id, sizeof(first_id));
    answer(DELIVERY_OK);
    ck_assert_uint_eq(sent_count, 2);
    ck_assert_str_eq(sent[1]->event.id, model[7].id);
    webhooks_stop(webhooks); /* as if killed: two are on their way */
    start_webhooks();
    turn();
    ck_assert_uint_eq(sent_count, 2);
    ck_assert_str_eq(sent[0]->event.id, model[7].id);
    ck_assert_str_eq(sent[1]->event.id, model[8].id);
    ck_assert_str_ne(sent[1]->id, first_id);
    answer(DELIVERY_OK);
    answer(DELIVERY_OK);
    ck_assert(!webhooks_pending(webhooks));
    webhooks_stop(webhooks);
    start_webhooks();
    turn();
    ck_assert_uint_eq(sent_count, 0);
    webhooks_stop(webhooks);
}
END_TEST

START_TEST(those_that_hang_leave_the_others_their_share) {
    char sandbox[16];
    setenv("E2B_WEBHOOK_PER_WEBHOOK", "4", 1);
    setenv("E2B_WEBHOOK_IN_ALL", "6", 1);
    start_webhooks();
    for (int i = 0; i < 2; i++)
        subscribe(event_type_bit(EVENT_CREATED));
    const struct webhook *other = subscribe(event_type_bit(EVENT_KILLED));
    for (int i = 0; i < 6; i++) {
        snprintf(sandbox, sizeof(sandbox), "s%d", i);
        write_event(EVENT_CREATED, sandbox, i);
    }
    turn();
    ck_assert_uint_eq(sent_count, 4);
    write_event(EVENT_KILLED, "a", 6);
    turn();
    ck_assert_uint_eq(other->sending, 1);
    webhooks_stop(webhooks);
}
END_TEST

/* Outcomes that wait to be written make room at once, and are forgotten by a daemon that dies. */
START_TEST(what_is_not_written_yet_is_not_behind_the_place) {
    start_webhooks();
    struct webhook *webhook = subscribe(EVENT_ALL_TYPES);
    for (int i = 0; i < 3; i++)
        write_event(EVENT_CREATED, "a", i);
    turn();
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(sent_count, i + 1);
        ck_assert_str_eq(sent[i]->event.id, model[i].id);
        sent[i]->at_ms = clock_now_ms();
        sent[i]->error = i == 1 ? DELIVERY_TIMEOUT : DELIVERY_OK;
        webhooks_delivered(webhooks, sent[i]);
    }
    ck_assert_int_eq(webhook->cursor, 0);
    ck_assert(delivery_record(webhooks, 1, &err));
    ck_assert_int_eq(webhook->cursor, 1);
    ck_assert_int_eq(webhook->retry_count, 0);
    ck_assert(delivery_record(webhooks, 1, &err));
    ck_assert_int_eq(webhook->cursor, 2);
    ck_assert_int_eq(webhook->retry_count, 1);
    webhooks_stop(webhooks);
}
END_TEST

START_TEST(what_failed_is_tried_again_and_others_go_on) {
    start_webhooks();
    struct webhook *webhook = subscribe(EVENT_ALL_TYPES);
    write_event(EVENT_CREATED, "a", 1);
    write_event(EVENT_KILLED, "a", 2);
    turn();
    ck_assert_uint_eq(sent_count, 1);
    answer(DELIVERY_TIMEOUT);
    ck_assert_uint_eq(webhook->retry_count, 1);
    ck_assert_uint_ge(sent_count, 1);
    ck_assert_str_eq(sent[0]->event.id, model[1].id);
    until_sent(2);
    answer(DELIVERY_OK);
    ck_assert_str_eq(sent[0]->event.id, model[0].id);
    answer(DELIVERY_HTTP_ERROR);
    webhooks_stop(webhooks); /* retries are not forgotten either */
    start_webhooks();
    until_sent(1);
    ck_assert_str_eq(sent[0]->event.id, model[0].id);
    ck_assert_int_eq(sent[0]->retry.attempts, 2);
    answer(DELIVERY_OK);
    ck_assert(!webhooks_pending(webhooks));
    ck_assert_uint_eq(webhooks_first(webhooks)->retry_count, 0);
    webhooks_stop(webhooks);
}
END_TEST

/* Also what is on its way then, and was to be tried once more. */
START_TEST(what_is_not_wanted_any_more_is_not_tried_again) {
    start_webhooks();
    struct webhook *webhook = subscribe(EVENT_ALL_TYPES);
    const struct webhook_request less = {.types = event_type_bit(EVENT_CREATED), .enabled = -1};
    write_event(EVENT_KILLED, "a", 1);
    write_event(EVENT_CREATED, "b", 2);
    write_event(EVENT_PAUSED, "c", 3);
    turn();
    ck_assert_uint_eq(sent_count, 3);
    answer(DELIVERY_TIMEOUT);
    answer(DELIVERY_TIMEOUT);
    until_sent(3);
    ck_assert_int_eq(webhook->retry_count, 2);
    ck_assert_msg(webhook_update(webhook, &less, &err), "%s", err.message);
    for (int i = 0; i < 3; i++)
        answer(sent[0]->event.type == EVENT_CREATED ? DELIVERY_OK : DELIVERY_TIMEOUT);
    ck_assert_uint_eq(sent_count, 0);
    ck_assert_int_eq(webhook->retry_count, 0);
    ck_assert(!webhooks_pending(webhooks));
    webhooks_stop(webhooks);
}
END_TEST

START_TEST(a_webhook_can_go_while_it_is_told_something) {
    start_webhooks();
    struct webhook *webhook = subscribe(EVENT_ALL_TYPES);
    for (int i = 0; i < 20; i++)
        write_event(EVENT_CREATED, i % 2 ? "a" : "b", i);
    turn();
    ck_assert_uint_eq(sent_count, 2);
    ck_assert(webhook_delete(webhook, &err));
    ck_assert_ptr_null(webhooks_first(webhooks));
    answer(DELIVERY_OK);
    answer(DELIVERY_TIMEOUT);
    turn();
    ck_assert_uint_eq(sent_count, 0);
    webhooks_stop(webhooks);
}
END_TEST

static void set_up_empty(void) {
    set_up();
    model_count = model_first = 0;
}

int main(void) {
    TCase *tcase = tcase_create("webhooks");
    tcase_add_checked_fixture(tcase, set_up_empty, tear_down);
    tcase_add_test(tcase, pages_are_those_of_a_plain_list);
    tcase_add_test(tcase, old_events_go_and_pages_stay_right);
    tcase_add_test(tcase, attempts_are_those_of_a_plain_list);
    tcase_add_test(tcase, attempts_go_on_for_a_day_and_twenty_times);
    tcase_add_test(tcase, signatures_are_those_of_the_documentation);
    tcase_add_test(tcase, urls_are_http_with_a_host);
    tcase_add_test(tcase, a_place_survives_what_is_not_answered);
    tcase_add_test(tcase, those_that_hang_leave_the_others_their_share);
    tcase_add_test(tcase, what_is_not_written_yet_is_not_behind_the_place);
    tcase_add_test(tcase, what_failed_is_tried_again_and_others_go_on);
    tcase_add_test(tcase, what_is_not_wanted_any_more_is_not_tried_again);
    tcase_add_test(tcase, a_webhook_can_go_while_it_is_told_something);
    return unit_run("webhooks", tcase);
}
