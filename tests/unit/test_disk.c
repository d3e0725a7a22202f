/* SPDX-License-Identifier: Apache-2.0
 *
 * The disk watch against a file system that is only a number: who is measured, frozen and thawed,
 * and when.
 */
#include "backend/runtime/disk.h"
#include "tests/unit/unit.h"

#include <string.h>

enum { MIB = 1 << 20 };

struct guest {
    int64_t used;
    enum disk_verdict verdict;
    int measures, judgements;
    bool vanishes; /* while it is measured */
};

static uv_loop_t loop;
static struct disk *disk;
static struct guest guests[3];
static uint64_t free_space, total_space;
static int looks; /* at the free space */
static struct guest *measured;
static uv_idle_t answer;

static bool look(const char *path, struct disk_space *space) {
    ck_assert_str_eq(path, "/somewhere");
    *space = (struct disk_space){.free = free_space, .total = total_space};
    looks++;
    return true;
}

static void on_idle(uv_idle_t *idle) {
    struct guest *guest = measured;
    uv_idle_stop(idle);
    guest->measures++;
    if (guest->vanishes)
        disk_remove(disk, guest);
    else
        disk_measured(disk, guest, guest->used);
}

static void measure(void *ctx, void *guest) {
    ck_assert_ptr_eq(ctx, guests);
    measured = guest;
    uv_idle_start(&answer, on_idle);
}

static void judge(void *ctx, void *guest, enum disk_verdict verdict, uint64_t used) {
    struct guest *g = guest;
    ck_assert_ptr_eq(ctx, guests);
    ck_assert_int_eq((int64_t)used, g->used);
    g->verdict = verdict;
    g->judgements++;
}

/* Until the watch has looked once more and has done what follows from it. */
static void one_tick(void) {
    int before = looks;
    while (looks == before || uv_is_active((uv_handle_t *)&answer))
        uv_run(&loop, UV_RUN_ONCE);
}

static uv_timer_t keeper; /* the watch alone does not keep a loop alive */

static void on_keeper(uv_timer_t *timer) {
    (void)timer;
}

static void start(void) {
    struct error err = ERROR_INIT;
    struct disk_config config = disk_defaults;
    memset(guests, 0, sizeof(guests));
    looks = 0;
    free_space = 5000ULL * MIB;
    total_space = 100000ULL * MIB;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    uv_idle_init(&loop, &answer);
    uv_timer_init(&loop, &keeper);
    uv_timer_start(&keeper, on_keeper, 1, 1);
    config.loop = &loop;
    config.path = "/somewhere";
    config.period_ms = 1;
    config.space = look;
    config.measure = measure;
    config.judge = judge;
    config.ctx = guests;
    disk = disk_start(&config, &err);
    ck_assert_ptr_nonnull(disk);
    for (size_t i = 0; i < ARRAY_LEN(guests); i++)
        ck_assert(disk_add(disk, &guests[i], 1000ULL * MIB, &err));
}

static void stop(void) {
    disk_stop(disk);
    uv_close((uv_handle_t *)&answer, NULL);
    uv_close((uv_handle_t *)&keeper, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static int all_measures(void) {
    int count = 0;
    for (size_t i = 0; i < ARRAY_LEN(guests); i++)
        count += guests[i].measures;
    return count;
}

START_TEST(one_at_a_time_while_little_happens) {
    const int known = ARRAY_LEN(guests);
    ck_assert_int_eq(disk_used(disk, &guests[0]), -1);
    one_tick(); /* all are new */
    for (size_t i = 0; i < ARRAY_LEN(guests); i++)
        ck_assert_int_eq(guests[i].measures, 1);
    ck_assert_int_eq(disk_used(disk, &guests[0]), 0);
    free_space -= 200ULL * MIB;
    one_tick();
    ck_assert_int_le(all_measures(), known + 1); /* none while it rests from the last time */
    int before = all_measures();
    free_space -= 100ULL * MIB;
    guests[0].used = 300LL * MIB;
    one_tick();
    ck_assert_int_eq(all_measures(), before + known);
    ck_assert_int_eq(disk_used(disk, &guests[0]), 300LL * MIB);
    ck_assert_int_eq(guests[0].judgements, 0);
}
END_TEST

START_TEST(what_each_holds_is_told_in_the_end) {
    one_tick();
    for (size_t i = 0; i < ARRAY_LEN(guests); i++)
        guests[i].used = (int64_t)i + 1;
    while (disk_used(disk, &guests[0]) != 1 || disk_used(disk, &guests[1]) != 2 ||
           disk_used(disk, &guests[2]) != 3)
        one_tick();
    ck_assert_uint_eq(disk_size(disk), total_space);
}
END_TEST

START_TEST(over_its_limit_is_frozen_and_nobody_else) {
    one_tick();
    free_space -= 2000ULL * MIB;
    guests[1].used = 1001LL * MIB;
    guests[2].used = 999LL * MIB;
    one_tick();
    ck_assert_int_eq(guests[1].verdict, DISK_OVER_LIMIT);
    ck_assert_int_eq(guests[0].judgements + guests[2].judgements, 0);
    guests[1].used = 10LL * MIB; /* somebody removed its files */
    free_space -= 300ULL * MIB;
    one_tick();
    ck_assert_int_eq(guests[1].verdict, DISK_FINE);
}
END_TEST

START_TEST(reserve_freezes_who_writes_most_and_thaws) {
    one_tick();
    guests[0].used = 900LL * MIB;
    free_space = 4000ULL * MIB;
    one_tick();
    guests[0].used = 910LL * MIB;
    guests[2].used = 500LL * MIB; /* smaller, but it is the one who writes */
    free_space = 1000ULL * MIB;
    one_tick();
    ck_assert_int_eq(guests[2].verdict, DISK_RESERVE);
    ck_assert_int_eq(guests[0].verdict, DISK_FINE);
    one_tick(); /* space does not fall any more: that was all it took */
    ck_assert_int_eq(guests[0].verdict, DISK_FINE);
    guests[0].used = 950LL * MIB;
    free_space = 960ULL * MIB;
    one_tick();
    ck_assert_int_eq(guests[0].verdict, DISK_RESERVE);
    free_space = 1100ULL * MIB; /* over the reserve, but barely */
    one_tick();
    ck_assert_int_eq(guests[2].verdict, DISK_RESERVE);
    free_space = 3000ULL * MIB;
    one_tick();
    ck_assert_int_eq(guests[2].verdict, DISK_FINE);
    ck_assert_int_eq(guests[0].verdict, DISK_FINE);
}
END_TEST

START_TEST(may_go_while_measured) {
    one_tick();
    guests[1].vanishes = true;
    guests[0].used = 2000LL * MIB;
    free_space -= 2000ULL * MIB;
    one_tick();
    ck_assert_int_eq(guests[0].verdict, DISK_OVER_LIMIT);
    ck_assert_int_eq(guests[2].measures, 2);
    ck_assert_int_eq(disk_used(disk, &guests[1]), -1);
}
END_TEST

START_TEST(small_disk_has_a_small_reserve) {
    total_space = 400ULL * MIB; /* a twentieth is 20 MiB */
    free_space = 100ULL * MIB;
    guests[0].used = 50LL * MIB;
    one_tick();
    one_tick();
    ck_assert_int_eq(guests[0].judgements, 0);
    free_space = 19ULL * MIB;
    one_tick();
    ck_assert_int_eq(guests[0].verdict, DISK_RESERVE);
    free_space = 41ULL * MIB;
    one_tick();
    ck_assert_int_eq(guests[0].verdict, DISK_FINE);
}
END_TEST

START_TEST(real_file_system_has_space) {
    struct disk_space space = {0};
    ck_assert(disk_look("/", &space));
    ck_assert_uint_gt(space.free, 0);
    ck_assert_uint_ge(space.total, space.free);
    ck_assert(!disk_look("/nonexistent", &space));
}
END_TEST

int main(void) {
    TCase *tcase = tcase_create("disk");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, one_at_a_time_while_little_happens);
    tcase_add_test(tcase, what_each_holds_is_told_in_the_end);
    tcase_add_test(tcase, over_its_limit_is_frozen_and_nobody_else);
    tcase_add_test(tcase, reserve_freezes_who_writes_most_and_thaws);
    tcase_add_test(tcase, may_go_while_measured);
    tcase_add_test(tcase, small_disk_has_a_small_reserve);
    tcase_add_test(tcase, real_file_system_has_space);
    return unit_run("disk", tcase);
}
