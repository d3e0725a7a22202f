/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/context: which server is in force, for every order of precedence, and that no file of
 * somebody else can break a command.
 */
#include "cli/context.h"
#include "common/io.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LOCAL_KEY "e2b_00112233445566778899aabbccddeeff00112233"

static char home[64];
static struct context context;
static struct error err;

/* An own HOME with a backend that has a key, and nothing else in the environment. */
static void setup(void) {
    char path[128];
    ck_assert_int_eq(clearenv(), 0);
    strcpy(home, "/tmp/e2b-context-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    setenv("HOME", home, 1);
    snprintf(path, sizeof(path), "%s/state", home);
    setenv("E2B_HOME", path, 1);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/state/api-key", home);
    ck_assert(io_write_file(path, LOCAL_KEY "\n", strlen(LOCAL_KEY) + 1, 0600, &err));
    snprintf(path, sizeof(path), "%s/.e2b", home);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    err = (struct error)ERROR_INIT;
}

static void teardown(void) {
    static const char *const made[] = {"state/api-key", "state", ".e2b/config.json", ".e2b", ""};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        snprintf(path, sizeof(path), "%s/%s", home, made[i]);
        remove(path);
    }
    context_free(&context);
}

static void login(const char *config) {
    char path[128];
    snprintf(path, sizeof(path), "%s/.e2b/config.json", home);
    ck_assert(io_write_file(path, config, strlen(config), 0600, &err));
}

static bool resolve(const char *chosen) {
    context_free(&context);
    return context_resolve(&context, chosen, "--context", &err);
}

static void expect_local(const char *reason) {
    ck_assert_msg(resolve(NULL), "%s", err.message);
    ck_assert_str_eq(context.name, "local");
    ck_assert_int_eq(context.target.kind, TARGET_LOCAL);
    ck_assert_str_eq(context.reason, reason);
}

static void expect_remote(const char *chosen, const char *name, const char *url, const char *key) {
    ck_assert_msg(resolve(chosen), "%s", err.message);
    ck_assert_str_eq(context.name, name);
    ck_assert_int_eq(context.target.kind, TARGET_REMOTE);
    ck_assert_str_eq(context.target.api_url, url);
    ck_assert_str_eq(context.target.api_key, key);
}

START_TEST(nothing_said_is_local) {
    expect_local("nothing else is chosen");
    setenv("E2B_API_KEY", "", 1);
    setenv("E2B_API_URL", "", 1);
    expect_local("nothing else is chosen");
    setenv("E2B_DEBUG", "true", 1);
    setenv("E2B_DOMAIN", "example.org", 1);
    expect_local("nothing else is chosen");
}
END_TEST

START_TEST(a_key_is_the_hosted_service) {
    setenv("E2B_API_KEY", "e2b_abc", 1);
    expect_remote(NULL, "environment", "https://api.e2b.app", "e2b_abc");
    ck_assert_str_eq(context.target.domain, "e2b.app");
    ck_assert_ptr_null(context.target.sandbox_url);
    setenv("E2B_DOMAIN", "example.org", 1);
    expect_remote(NULL, "environment", "https://api.example.org", "e2b_abc");
    setenv("E2B_SANDBOX_URL", "http://sandbox:1", 1);
    setenv("E2B_API_URL", "http://api:2", 1);
    expect_remote(NULL, "environment", "http://api:2", "e2b_abc");
    ck_assert_str_eq(context.target.sandbox_url, "http://sandbox:1");
}
END_TEST

START_TEST(debugging_is_this_machine) {
    setenv("E2B_API_KEY", "e2b_abc", 1);
    setenv("E2B_DEBUG", "true", 1);
    expect_remote(NULL, "environment", "http://localhost:3000", "e2b_abc");
    ck_assert_str_eq(context.target.sandbox_url, "http://localhost:49983");
    setenv("E2B_DEBUG", "false", 1);
    expect_remote(NULL, "environment", "https://api.e2b.app", "e2b_abc");
}
END_TEST

START_TEST(the_backends_own_key_is_local) {
    static const char *const urls[] = {"http://127.0.0.1:4711", "http://localhost:1/",
                                       "http://[::1]:4711"};
    setenv("E2B_API_KEY", LOCAL_KEY, 1);
    expect_local("E2B_API_KEY is the local backend's own");
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        setenv("E2B_API_URL", urls[i], 1);
        expect_local("E2B_API_KEY is the local backend's own");
    }
    setenv("E2B_API_URL", "http://127.0.0.1.example.org:1", 1);
    expect_remote(NULL, "environment", "http://127.0.0.1.example.org:1", LOCAL_KEY);
    setenv("E2B_API_URL", "http://127.0.0.1:4711", 1);
    setenv("E2B_API_KEY", "e2b_abc", 1);
    expect_remote(NULL, "environment", "http://127.0.0.1:4711", "e2b_abc");
}
END_TEST

START_TEST(a_login_is_the_cloud) {
    login("{\"version\": 2, \"projectApiKey\": \"e2b_login\"}");
    expect_remote(NULL, "cloud", "https://api.e2b.app", "e2b_login");
    ck_assert_str_eq(context.reason, "~/.e2b/config.json");
    setenv("E2B_API_KEY", "e2b_env", 1);
    expect_remote(NULL, "environment", "https://api.e2b.app", "e2b_env");
    unsetenv("E2B_API_KEY");
    setenv("E2B_API_URL", "http://other:1", 1);
    expect_remote(NULL, "environment", "http://other:1", "e2b_login");
    login("{\"version\": 1, \"teamApiKey\": \"e2b_team\"}");
    unsetenv("E2B_API_URL");
    expect_remote(NULL, "cloud", "https://api.e2b.app", "e2b_team");
}
END_TEST

START_TEST(a_name_decides_over_all) {
    login("{\"version\": 2, \"projectApiKey\": \"e2b_login\"}");
    setenv("E2B_API_KEY", "e2b_env", 1);
    ck_assert(resolve("local"));
    ck_assert_int_eq(context.target.kind, TARGET_LOCAL);
    expect_remote("cloud", "cloud", "https://api.e2b.app", "e2b_env");
    setenv("E2B_API_KEY", LOCAL_KEY, 1);
    setenv("E2B_API_URL", "http://127.0.0.1:4711", 1);
    setenv("E2B_DOMAIN", "localhost:4711", 1);
    expect_remote("cloud", "cloud", "https://api.e2b.app", "e2b_login");
    ck_assert(!resolve("moon"));
    ck_assert_int_eq(err.kind, ERR_NOT_FOUND);
}
END_TEST

START_TEST(without_a_key_there_is_no_cloud) {
    ck_assert(!resolve("cloud"));
    ck_assert_int_eq(err.kind, ERR_UNAUTHENTICATED);
    ck_assert_ptr_nonnull(strstr(err.hint, "E2B_API_KEY"));
    setenv("E2B_API_URL", "http://other:1", 1);
    ck_assert(!resolve(NULL));
    ck_assert_int_eq(err.kind, ERR_UNAUTHENTICATED);
}
END_TEST

static const struct {
    const char *config;
    bool warns;
} strange[] = {
    {"", true},
    {"{bad", true},
    {"[]", true},
    {"\"text\"", true},
    {"{}", true},
    {"{\"version\": 3, \"projectApiKey\": \"x\"}", true},
    {"{\"version\": \"2\", \"projectApiKey\": \"x\"}", true},
    {"{\"version\": 2}", false},
    {"{\"version\": 2, \"projectApiKey\": \"\"}", false},
    {"{\"version\": 2, \"projectApiKey\": 7}", false},
};

START_TEST(a_strange_login_is_none) {
    login(strange[_i].config);
    expect_local("nothing else is chosen");
    ck_assert_msg(!context.warning[0] == !strange[_i].warns, "%s: '%s'", strange[_i].config,
                  context.warning);
}
END_TEST

START_TEST(a_key_cannot_carry_a_header) {
    setenv("E2B_API_KEY", "e2b_abc\r\nX-Evil: 1", 1);
    ck_assert(!resolve(NULL));
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_ptr_null(strstr(err.message, "e2b_abc"));
}
END_TEST

int main(void) {
    TCase *all = tcase_create("context");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, nothing_said_is_local);
    tcase_add_test(all, a_key_is_the_hosted_service);
    tcase_add_test(all, debugging_is_this_machine);
    tcase_add_test(all, the_backends_own_key_is_local);
    tcase_add_test(all, a_login_is_the_cloud);
    tcase_add_test(all, a_name_decides_over_all);
    tcase_add_test(all, without_a_key_there_is_no_cloud);
    tcase_add_loop_test(all, a_strange_login_is_none, 0, (int)ARRAY_LEN(strange));
    tcase_add_test(all, a_key_cannot_carry_a_header);
    return unit_run("context", all);
}
