/* SPDX-License-Identifier: Apache-2.0
 *
 * events STATE WHAT COUNT: the events of a state file, without a daemon. WHAT is
 *
 *   write   COUNT of them, each in a transaction of its own, as changes of state write them
 *   fill    COUNT of them in large transactions
 *   page    the page of 100 behind the first COUNT
 *
 * Prints "WHAT MICROSECONDS": of one write, of all, of the median page.
 */
#include "backend/store/event_list.h"
#include "common/clock.h"
#include "common/ids.h"
#include "tests/bench/stats.h"

#include <stdio.h>
#include <string.h>

enum { PORTION = 10000, PAGES = 51, PAGE = 100 };

static struct error err = ERROR_INIT;

static void check(bool ok) {
    if (ok)
        return;
    fprintf(stderr, "events: %s\n", err.message);
    exit(1);
}

static void insert(struct store *store, long number) {
    char id[ID_UUID], execution[ID_UUID], sandbox[ID_SANDBOX];
    ids_uuid(id);
    ids_uuid(execution);
    ids_sandbox(sandbox);
    const struct event_row row = {
        .id = id,
        .type = number % 2 ? EVENT_KILLED : EVENT_CREATED,
        .sandbox_id = sandbox,
        .template_id = "rki5dems9wqfm4r03t7g",
        .build_id = "a979a14b-bdcc-49e6-bc04-1189fc9fe7c2",
        .execution_id = execution,
        .at_ms = clock_now_ms(),
        .data = "{\"sandbox_metadata\":{\"app\":\"bench\"},\"execution\":{\"started_at\":"
                "\"2026-01-02T03:04:05.678Z\",\"vcpu_count\":2,\"memory_mb\":512,"
                "\"execution_time\":1000}}",
    };
    check(store_event_insert(store, &row, &err));
}

static void write_all(struct store *store, long count, long portion) {
    for (long i = 0; i < count; i++) {
        if (i % portion == 0)
            check(store_begin(store, &err));
        insert(store, i);
        if (i % portion == portion - 1 || i == count - 1)
            check(store_commit(store, &err));
    }
}

static void on_event(void *ctx, const struct event_row *row) {
    *(size_t *)ctx += strlen(row->id) > 0;
}

static int64_t page_us(struct store *store, long offset) {
    int64_t took[PAGES];
    const struct event_query query = {.types = EVENT_ALL_TYPES, .offset = offset, .limit = PAGE};
    for (size_t i = 0; i < PAGES; i++) {
        size_t count = 0;
        int64_t began = clock_mono_us();
        check(store_event_list(store, &query, on_event, &count, &err));
        took[i] = clock_mono_us() - began;
        if (count != PAGE)
            fprintf(stderr, "events: %zu on a page\n", count);
    }
    qsort(took, PAGES, sizeof(*took), stats_compare);
    return took[PAGES / 2];
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    struct store *store = store_open(argv[1], &err);
    check(store != NULL);
    const char *what = argv[2];
    long count = strtol(argv[3], NULL, 10);
    int64_t began = clock_mono_us(), us;
    if (strcmp(what, "page") == 0) {
        us = page_us(store, count);
    } else {
        bool each = strcmp(what, "write") == 0;
        write_all(store, count, each ? 1 : PORTION);
        us = (clock_mono_us() - began) / (each ? count : 1);
    }
    printf("%s %lld\n", what, (long long)us);
    store_close(store);
    return 0;
}
