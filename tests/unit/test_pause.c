/* SPDX-License-Identifier: Apache-2.0
 *
 * Real sandboxes that stand still: in memory, also across daemons, and as files; and copies of what
 * they wrote, with all that an overlay keeps there.
 */
#include "tests/unit/runtime_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static char out[WORLD_OUTPUT], before[WORLD_OUTPUT];

static void setup(void) {
    world_open(&w);
}

static void teardown(void) {
    world_close(&w);
}

static void run(struct guest *guest, const char *script) {
    if (world_shell(&w, guest, script, out) != 0)
        ck_abort_msg("'%s' failed: %s", script, out);
}

static void on_done(void *ctx, const struct error *err) {
    ck_assert_msg(!err, "%s", err ? err->message : "");
    ++*(unsigned *)ctx;
}

static void on_stopped(void *ctx) {
    ++*(unsigned *)ctx;
}

static void stop(struct guest *guest) {
    unsigned stopped = 0;
    guest_stop(guest, on_stopped, &stopped);
    world_wait(&w, &stopped, 1);
}

/* A program that writes on: while it stands still its file does not grow. */
static const char counter[] = "while :; do echo x >> /home/user/n; done";

static struct guest_process start_counter(struct guest *guest) {
    const char *args[] = {"-c", counter, NULL}, *env[] = {NULL};
    const struct guest_spawn spawn = {
        .user = "user", .cwd = "", .cmd = "/bin/sh", .args = args, .env = env};
    ck_assert_ptr_nonnull(world_spawn(&w, guest, &spawn));
    struct guest_process process = w.processes[0];
    run(guest, "until [ -s /home/user/n ]; do :; done");
    return process;
}

/* From outside, as nothing inside can look. */
static long written(void) {
    char path[256], id[32];
    world_id(1, id);
    snprintf(path, sizeof(path), "%s/sandboxes/%s/rw/upper/home/user/n", world_state(), id);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    fclose(file);
    return size;
}

static void let_time_pass(void) {
    unsigned synced = 0;
    for (unsigned i = 0; i < 5; i++) {
        runtime_sync(w.rt, on_done, &synced);
        world_wait(&w, &synced, i + 1);
    }
}

START_TEST(nothing_runs_in_a_paused_one_and_everything_goes_on) {
    struct guest *guest = world_create(&w);
    start_counter(guest);
    for (int i = 0; i < 10; i++) {
        ck_assert(world_calm(&w, guest, guest_pause));
        long still = written();
        let_time_pass();
        ck_assert_int_eq(written(), still);
        ck_assert(world_calm(&w, guest, guest_resume));
        char script[128];
        snprintf(script, sizeof(script),
                 "until [ $(stat -c %%s /home/user/n) -gt %ld ]; do :; done", still);
        run(guest, script);
    }
    world_kill(&w, guest);
}
END_TEST

START_TEST(a_paused_one_can_be_killed) {
    struct guest *guest = world_create(&w);
    start_counter(guest);
    ck_assert(world_calm(&w, guest, guest_pause));
    world_kill(&w, guest);
}
END_TEST

START_TEST(the_next_daemon_finds_it_paused_with_its_processes) {
    struct guest *guest = world_create(&w);
    struct guest_process process = start_counter(guest);
    guest_set_deadline(guest, 0);
    ck_assert(world_calm(&w, guest, guest_pause));
    guest_release(guest);
    world_close(&w);
    world_open(&w);
    w.process_count = 0;
    guest = world_adopt(&w, 1, true);
    ck_assert_ptr_nonnull(guest);
    long still = written();
    let_time_pass();
    ck_assert_int_eq(written(), still);
    ck_assert(world_calm(&w, guest, guest_resume));
    ck_assert_uint_eq(w.process_count, 1);
    ck_assert_int_eq(w.processes[0].pid, process.pid);
    run(guest, "echo alive");
    world_kill(&w, guest);
}
END_TEST

START_TEST(what_is_not_to_be_paused_is_woken_by_the_next_daemon) {
    struct guest *guest = world_create(&w);
    guest_set_deadline(guest, 0);
    ck_assert(world_calm(&w, guest, guest_pause));
    guest_release(guest);
    world_close(&w);
    world_open(&w);
    guest = world_adopt(&w, 1, false);
    ck_assert_ptr_nonnull(guest);
    run(guest, "echo alive");
    world_kill(&w, guest);
}
END_TEST

START_TEST(it_starts_again_over_what_it_wrote_with_another_boot_id) {
    struct plan plan;
    struct guest *guest = world_create(&w);
    run(guest, "echo kept > /home/user/file; sudo rm /etc/shells; sudo touch /usr/share/kept; "
               "cat /proc/sys/kernel/random/boot_id");
    strcpy(before, out);
    stop(guest);
    world_plan(&w, 1, &plan);
    plan.resumes = true;
    guest = world_carry_out(&w, &plan);
    run(guest, "cat /home/user/file && test ! -e /etc/shells && test -e /usr/share/kept");
    ck_assert_str_eq(out, "kept\n");
    run(guest, "cat /proc/sys/kernel/random/boot_id");
    ck_assert_uint_eq(strlen(out), 37);
    ck_assert_str_ne(out, before);
    world_kill(&w, guest);
}
END_TEST

static struct guest *start_over_copy(const char *layer) {
    struct plan plan;
    struct overlays overlays;
    unsigned copied = 0;
    char id[32];
    world_id(1, id);
    runtime_copy(w.rt, id, layer, on_done, &copied);
    world_wait(&w, &copied, 1);
    world_plan(&w, 2, &plan);
    ck_assert(overlays_copy(&overlays, plan.overlays, plan.overlay_count));
    ck_assert(runtime_stack_layer(w.rt, layer, &overlays));
    memcpy(plan.overlays, overlays.at, sizeof(plan.overlays));
    struct guest *guest = world_carry_out(&w, &plan);
    overlays_free(&overlays);
    return guest;
}

static const char make_all[] =
    "cd /home/user && mkdir -p d/e && echo one > d/e/f && ln d/e/f hard && ln -s d/e link &&"
    "mkfifo fifo && truncate -s 100M sparse && printf end >> sparse && chmod 4711 hard &&"
    "touch -d 2001-02-03T04:05:06Z d && sudo rm -r /etc/skel && sudo mkdir /etc/skel &&"
    "sudo rm /etc/shells && sudo touch /etc/skel/new && sudo sh -c 'echo x > /usr/share/in-usr'";

/* Names, kinds, modes, owners, links, times and content of what was touched. */
static const char list_all[] =
    "cd / && find home/user etc/skel -printf '%p %y %m %U %n %l %s %T@\\n' | sort | "
    "grep -v 'home/user d' && stat -c '%n %b' home/user/sparse &&"
    "tail -c 3 home/user/sparse && cat home/user/link/f usr/share/in-usr &&"
    "test ! -e etc/shells && test home/user/hard -ef home/user/d/e/f";

START_TEST(a_copy_is_the_same_and_goes_its_own_way) {
    struct guest *guest = world_create(&w);
    run(guest, make_all);
    run(guest, list_all);
    strcpy(before, out);
    ck_assert(world_calm(&w, guest, guest_pause));
    struct guest *second = start_over_copy("copy-1");
    ck_assert(world_calm(&w, guest, guest_resume));
    run(second, list_all);
    ck_assert_str_eq(out, before);
    run(second, "echo two > /home/user/d/e/f");
    run(guest, "cat /home/user/d/e/f");
    ck_assert_str_eq(out, "one\n");
    world_kill(&w, guest);
    world_kill(&w, second);
    runtime_discard_layer(w.rt, "copy-1");
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("pause");
    tcase_add_unchecked_fixture(cases, world_prepare, NULL);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, nothing_runs_in_a_paused_one_and_everything_goes_on);
    tcase_add_test(cases, a_paused_one_can_be_killed);
    tcase_add_test(cases, the_next_daemon_finds_it_paused_with_its_processes);
    tcase_add_test(cases, what_is_not_to_be_paused_is_woken_by_the_next_daemon);
    tcase_add_test(cases, it_starts_again_over_what_it_wrote_with_another_boot_id);
    tcase_add_test(cases, a_copy_is_the_same_and_goes_its_own_way);
    return unit_run("pause", cases);
}
