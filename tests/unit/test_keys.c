/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys, secrets and volumes in the store: who is let in, what is kept of a key and of a value,
 * where a volume can be mounted, and that all are there for the next daemon.
 */
#include "backend/core/keys.h"
#include "backend/core/seal.h"
#include "backend/core/secrets.h"
#include "backend/core/volumes.h"
#include "common/io.h"
#include "tests/unit/core_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char key_path[96];

static void set_up(void) {
    core_prepare();
    snprintf(key_path, sizeof(key_path), "%s/secret-key", state_dir);
    core_config.secret_key = key_path;
    start_core();
}

static bool in_state(const char *text) {
    static const char *const names[] = {"state.db", "state.db-wal"};
    char name[128];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct error ignored = ERROR_INIT;
        cleanup_buf struct buf bytes = BUF_INIT(16 << 20);
        snprintf(name, sizeof(name), "%s/%s", state_dir, names[i]);
        if (io_read_file(name, &bytes, &ignored) &&
            memmem(bytes.data, bytes.len, text, strlen(text)))
            return true;
    }
    return false;
}

/* ---- keys ---- */

START_TEST(a_key_opens_until_it_is_deleted) {
    char text[KEY_TEXT], id[ID_UUID];
    const struct key *key = key_create(core, KEY_API, "ci", text, &err);
    ck_assert_ptr_nonnull(key);
    memcpy(id, key->id, sizeof(id));
    ck_assert_uint_eq(strlen(text), 44);
    ck_assert(strncmp(text, "e2b_", 4) == 0);
    ck_assert(strncmp(text + 4, key->head, 2) == 0);
    ck_assert_str_eq(text + 40, key->tail);
    ck_assert_int_eq(key->used_ms, 0);
    ck_assert(keys_check(core, text, false));
    ck_assert(keys_check(core, text, true));
    ck_assert_int_gt(key->used_ms, 0);
    ck_assert(!keys_check(core, "e2b_0", true));
    ck_assert(!keys_check(core, "", true));
    text[43] = text[43] == '0' ? '1' : '0';
    ck_assert(!keys_check(core, text, false));
    text[43] = 0;
    ck_assert(!keys_check(core, text, false));
    ck_assert(!key_delete(core, KEY_TOKEN, id, &err));
    ck_assert_int_eq(err.kind, ERR_NOT_FOUND);
    ck_assert(key_delete(core, KEY_API, id, &err));
    ck_assert_ptr_null(keys_list(core));
}
END_TEST

START_TEST(a_token_opens_only_as_a_bearer) {
    char text[KEY_TEXT];
    ck_assert_ptr_nonnull(key_create(core, KEY_TOKEN, "old cli", text, &err));
    ck_assert(strncmp(text, "sk_e2b_", 7) == 0);
    ck_assert(keys_check(core, text, true));
    ck_assert(!keys_check(core, text, false));
}
END_TEST

START_TEST(the_next_daemon_knows_the_keys) {
    char text[KEY_TEXT], team[ID_UUID], id[ID_UUID];
    memcpy(id, key_create(core, KEY_API, "ci", text, &err)->id, sizeof(id));
    memcpy(team, core_team_id(core), sizeof(team));
    ck_assert(keys_check(core, text, false));
    ck_assert(key_rename(core, KEY_API, id, "other", &err));
    ck_assert(!in_state(text));
    ck_assert(!in_state(text + 4));
    stop_core();
    start_core();
    const struct key *key = keys_list(core);
    ck_assert_ptr_nonnull(key);
    ck_assert_str_eq(key->name, "other");
    ck_assert_int_gt(key->used_ms, 0);
    ck_assert(keys_check(core, text, false));
    ck_assert_str_eq(core_team_id(core), team);
}
END_TEST

START_TEST(there_is_one_first_key) {
    static const char one[] = "e2b_0000000000000000000000000000000000000001";
    static const char two[] = "e2b_0000000000000000000000000000000000000002";
    ck_assert(keys_set_first(core, one, &err));
    ck_assert(keys_set_first(core, one, &err));
    ck_assert_ptr_null(keys_list(core)->next);
    ck_assert(!key_delete(core, KEY_API, keys_list(core)->id, &err));
    ck_assert_int_eq(err.kind, ERR_CONFLICT);
    ck_assert(keys_set_first(core, two, &err));
    ck_assert_ptr_null(keys_list(core)->next);
    ck_assert(keys_check(core, two, false));
    ck_assert(!keys_check(core, one, false));
}
END_TEST

START_TEST(names_and_numbers_of_keys_are_bounded) {
    char text[KEY_TEXT], name[KEY_NAME + 2];
    memset(name, 'n', KEY_NAME + 1);
    name[KEY_NAME + 1] = '\0';
    ck_assert_ptr_null(key_create(core, KEY_API, name, text, &err));
    ck_assert_ptr_null(key_create(core, KEY_API, "", text, &err));
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert(store_begin(store, &err));
    for (int i = 0; i < KEYS_MAX; i++)
        ck_assert_ptr_nonnull(key_create(core, KEY_API, name + 1, text, &err));
    ck_assert(store_commit(store, &err));
    ck_assert_ptr_null(key_create(core, KEY_API, "one more", text, &err));
    ck_assert_int_eq(err.kind, ERR_LIMIT);
}
END_TEST

/* ---- volumes ---- */

START_TEST(a_volume_from_its_making_to_its_end) {
    char token[VOLUME_TOKEN], again[VOLUME_TOKEN], id[ID_UUID];
    const struct volume *volume = volume_create(core, "data", &err);
    ck_assert_msg(volume != NULL, "%s", err.message);
    memcpy(id, volume->id, sizeof(id));
    ck_assert(volume_token(core, volume, token, &err));
    ck_assert_ptr_null(volume_create(core, "data", &err));
    ck_assert_str_eq(err.message, "Volume with name 'data' already exists");
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_ptr_null(volume_create(core, "a b", &err));
    ck_assert_ptr_null(volume_create(core, "", &err));
    ck_assert_uint_eq(fake.volumes, 1);
    stop_core();
    start_core();
    volume = volume_find(core, id, &err);
    ck_assert_ptr_nonnull(volume);
    ck_assert_str_eq(volume->name, "data");
    ck_assert(volume_token(core, volume, again, &err));
    ck_assert_str_eq(token, again);
    ck_assert(volume_delete(core, id, &err));
    ck_assert(!volume_delete(core, id, &err));
    ck_assert_int_eq(err.kind, ERR_NOT_FOUND);
    ck_assert(!volume_delete(core, "data", &err));
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_uint_eq(fake.volumes, 0);
}
END_TEST

START_TEST(a_volume_that_cannot_be_made_is_not_there) {
    fake.refuse_create = true;
    ck_assert_ptr_null(volume_create(core, "data", &err));
    ck_assert_int_eq(err.kind, ERR_NO_SPACE);
    ck_assert_ptr_null(volumes_list(core));
    ck_assert_uint_eq(fake.swept_volumes, 1);
}
END_TEST

START_TEST(mounts_are_found_by_name_and_ordered_from_outside) {
    struct pairs names = {NULL, 0}, mounts;
    const struct volume *one = volume_create(core, "one", &err);
    ck_assert(pairs_put(&names, "/a/b", "one"));
    ck_assert_ptr_nonnull(volume_create(core, "two", &err));
    ck_assert(pairs_put(&names, "/a", "two"));
    ck_assert(volumes_resolve(core, &names, &mounts, &err));
    ck_assert_str_eq(mounts.at[0], "/a");
    ck_assert_str_eq(mounts.at[3], one->id);
    pairs_free(&mounts);
    ck_assert(pairs_put(&names, "/c", "three"));
    ck_assert(!volumes_resolve(core, &names, &mounts, &err));
    ck_assert_int_eq(err.kind, ERR_INVALID);
    pairs_free(&names);
}
END_TEST

START_TEST(where_volumes_can_be_mounted) {
    static const char *const good[] = {"/a", "/mnt/data", "/process", "/home/user/.x", "/..a"};
    static const char *const bad[] = {"",           "a",    "/",       "/a/",   "//a",
                                      "/a//b",      "/a/.", "/./a",    "/a/..", "/proc",
                                      "/proc/self", "/sys", "/dev/shm"};
    char longest[AGENT_MOUNT + 1];
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(plan_check_mount(good[i], &err), "%s", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!plan_check_mount(bad[i], &err), "%s", bad[i]);
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    longest[AGENT_MOUNT] = '\0';
    ck_assert(!plan_check_mount(longest, &err));
    longest[AGENT_MOUNT - 1] = '\0';
    ck_assert(plan_check_mount(longest, &err));
}
END_TEST

/* ---- sealing ---- */

START_TEST(what_is_sealed_opens_with_its_key_and_name_alone) {
    unsigned char key[SEAL_KEY] = {1}, other[SEAL_KEY] = {2};
    unsigned char sealed[5 + SEAL_MORE], value[5];
    ck_assert(seal(key, "a", "value", 5, sealed, &err));
    ck_assert_ptr_null(memmem(sealed, sizeof(sealed), "value", 5));
    ck_assert(unseal(key, "a", sealed, sizeof(sealed), value));
    ck_assert_mem_eq(value, "value", 5);
    ck_assert(!unseal(other, "a", sealed, sizeof(sealed), value));
    ck_assert(!unseal(key, "b", sealed, sizeof(sealed), value));
    ck_assert(!unseal(key, "a", sealed, sizeof(sealed) - 1, value));
    ck_assert(!unseal(key, "a", sealed, SEAL_MORE - 1, value));
    for (size_t i = 0; i < sizeof(sealed); i++) {
        sealed[i] ^= 1;
        ck_assert(!unseal(key, "a", sealed, sizeof(sealed), value));
        sealed[i] ^= 1;
    }
}
END_TEST

/* ---- secrets ---- */

struct seen {
    char id[64], name[SECRET_NAME + 1], label[64];
    int64_t version;
    unsigned count;
};

static void on_secret(void *ctx, const struct secret_row *row) {
    struct seen *seen = ctx;
    const char *label = pairs_get(&row->metadata, "label");
    seen->count++;
    seen->version = row->version;
    snprintf(seen->id, sizeof(seen->id), "%s", row->id);
    snprintf(seen->name, sizeof(seen->name), "%s", row->name);
    snprintf(seen->label, sizeof(seen->label), "%s", label ? label : "");
}

START_TEST(a_secret_from_its_making_to_its_end) {
    struct seen seen = {.count = 0};
    struct stat st;
    struct pairs metadata = {NULL, 0};
    ck_assert(pairs_put(&metadata, "label", "x"));
    const struct secret_request request = {"My-Key", "hunter22hunter22", &metadata};
    const struct secret_request again = {NULL, "hunter33hunter33", NULL};
    ck_assert_msg(secret_create(core, &request, on_secret, &seen, &err), "%s", err.message);
    ck_assert_str_eq(seen.name, "my-key");
    ck_assert_int_eq(stat(key_path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert(!secret_create(core, &request, on_secret, &seen, &err));
    ck_assert_int_eq(err.kind, ERR_CONFLICT);
    ck_assert(secret_update(core, "MY-KEY", &again, on_secret, &seen, &err));
    ck_assert_int_eq(seen.version, 2);
    ck_assert_str_eq(seen.label, "x");
    ck_assert(!in_state("hunter22hunter22"));
    ck_assert(!in_state("hunter33hunter33"));
    stop_core();
    start_core();
    ck_assert(secret_get(core, seen.id, on_secret, &seen, &err));
    ck_assert_int_eq(seen.version, 2);
    ck_assert(secret_delete(core, "my-key", &err));
    ck_assert(!secret_get(core, seen.id, on_secret, &seen, &err));
    ck_assert_str_eq(err.message, "Secret not found");
    pairs_free(&metadata);
}
END_TEST

START_TEST(secrets_are_checked) {
    static const struct {
        const char *name, *value;
    } bad[] = {
        {"", "v"},      {"a b", "v"}, {"a/b", "v"},      {"sec_x", "v"},
        {"SEC_x", "v"}, {"n", ""},    {"\xc3\xa4", "v"},
    };
    struct seen seen = {.count = 0};
    struct pairs many = {NULL, 0};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct secret_request request = {bad[i].name, bad[i].value, NULL};
        ck_assert(!secret_create(core, &request, on_secret, &seen, &err));
        ck_assert_int_eq(err.kind, ERR_INVALID);
        ck_assert(strncmp(err.message, "Invalid secrets request", 23) == 0);
    }
    for (int i = 0; i <= SECRET_PAIRS; i++) {
        char key[8];
        snprintf(key, sizeof(key), "%d", i);
        ck_assert(pairs_put(&many, key, ""));
    }
    const struct secret_request request = {"n", "v", &many};
    ck_assert(!secret_create(core, &request, on_secret, &seen, &err));
    ck_assert_uint_eq(seen.count, 0);
    pairs_free(&many);
}
END_TEST

START_TEST(a_lost_key_is_noticed) {
    struct seen seen = {.count = 0};
    const struct secret_request one = {"one", "v", NULL}, two = {"two", "v", NULL};
    ck_assert(secret_create(core, &one, on_secret, &seen, &err));
    ck_assert_int_eq(unlink(key_path), 0);
    ck_assert(!secret_create(core, &two, on_secret, &seen, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "lost"));
    ck_assert(io_write_file(key_path, "01234567890123456789012345678901", SEAL_KEY, 0600, &err));
    ck_assert(!secret_create(core, &two, on_secret, &seen, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "not the key"));
    ck_assert(secret_delete(core, "one", &err));
    ck_assert(secret_create(core, &two, on_secret, &seen, &err));
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("keys");
    tcase_add_checked_fixture(cases, set_up, core_tear_down);
    tcase_add_test(cases, a_key_opens_until_it_is_deleted);
    tcase_add_test(cases, a_token_opens_only_as_a_bearer);
    tcase_add_test(cases, the_next_daemon_knows_the_keys);
    tcase_add_test(cases, there_is_one_first_key);
    tcase_add_test(cases, names_and_numbers_of_keys_are_bounded);
    tcase_add_test(cases, a_volume_from_its_making_to_its_end);
    tcase_add_test(cases, a_volume_that_cannot_be_made_is_not_there);
    tcase_add_test(cases, mounts_are_found_by_name_and_ordered_from_outside);
    tcase_add_test(cases, where_volumes_can_be_mounted);
    tcase_add_test(cases, what_is_sealed_opens_with_its_key_and_name_alone);
    tcase_add_test(cases, a_secret_from_its_making_to_its_end);
    tcase_add_test(cases, secrets_are_checked);
    tcase_add_test(cases, a_lost_key_is_noticed);
    return unit_run("keys", cases);
}
