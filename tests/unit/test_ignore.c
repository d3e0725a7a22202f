/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/pack: .dockerignore as Docker reads it, and the files that a COPY takes from a folder.
 */
#include "cli/pack/ignore.h"
#include "cli/pack/tree.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* ---- patterns ---------------------------------------------------------------------------------
 */

static const struct {
    const char *pattern, *path;
    bool matches;
} globs[] = {
    {"a", "a", true},
    {"a", "b", false},
    {"a", "a/b", false},
    {"*", "a", true},
    {"*", "a/b", false},
    {"*/b", "a/b", true},
    {"a*c", "abbc", true},
    {"a*c", "a/c", false},
    {"a?c", "abc", true},
    {"a?c", "a/c", false},
    {"a?c", "aéc", true},
    {"[a-c]x", "bx", true},
    {"[^a-c]x", "bx", false},
    {"[!a-c]x", "dx", true},
    {"[]x]", "]", true},
    {"[é-ü]", "ö", true},
    {"[a-c]", "/", false},
    {"\\*", "*", true},
    {"\\*", "a", false},
    {"**", "a/b/c", true},
    {"**/c", "c", true},
    {"**/c", "a/b/c", true},
    {"**/c", "a/bc", false},
    {"a/**", "a/b/c", true},
    {"a/**", "a", false},
    {"a/**/b", "a/b", true},
    {"a/**/b", "a/x/y/b", true},
    {"a/**/b", "a/xb", false},
    {"**/*.log", "x/y.log", true},
    {"**/*.log", "y.log", true},
    {"*.log", "x/y.log", false},
    {"a**b", "ab", true},
    {"a**b", "ax/b", true},
    {"**/a/**/b/**", "x/a/y/b/z", true},
    {"日*", "日本", true},
    {"*本", "日本", true},
    {"*x", "日本", false},
    {"", "", true},
};

START_TEST(patterns_match_as_in_docker) {
    struct error err = ERROR_INIT;
    struct glob *glob = glob_compile(globs[_i].pattern, GLOB_DOCKER, &err);
    ck_assert_msg(glob != NULL, "%s", err.message);
    ck_assert_msg(glob_match(glob, globs[_i].path) == globs[_i].matches, "%s on %s",
                  globs[_i].pattern, globs[_i].path);
    glob_free(glob);
}
END_TEST

START_TEST(hostile_patterns_cost_little) {
    char pattern[GLOB_MAX + 2] = "", path[4000];
    struct error err = ERROR_INIT;
    for (size_t i = 0; i + 6 < 600; i += 5)
        strcat(pattern, "**a*b");
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    struct glob *glob = glob_compile(pattern, GLOB_DOCKER, &err);
    ck_assert(glob != NULL && !glob_match(glob, path));
    glob_free(glob);
    memset(pattern, 'a', GLOB_MAX + 1);
    pattern[GLOB_MAX + 1] = '\0';
    ck_assert(!glob_compile(pattern, GLOB_DOCKER, &err));
    ck_assert(!glob_compile("a[b", GLOB_DOCKER, &err));
}
END_TEST

/* ---- rules ------------------------------------------------------------------------------------
 */

static const struct {
    const char *file, *path;
    bool ignored;
} rules[] = {
    {"a", "a", true},
    {"a", "a/b", true}, /* what a folder loses is lost below it */
    {"/a", "a", true},
    {"./a/", "a/b", true},
    {"a/../b", "b", true},
    {"# a\n#a", "a", false},
    {"  a  \r\n", "a", true},
    {"a\n!a/b", "a/b", false},
    {"a\n!a/b", "a/c", true},
    {"!a\na", "a", true}, /* the last one wins */
    {"a\n!a\na/x", "a/x", true},
    {"*\n! b", "b", false},
    {"*.md\n!README*.md\nREADME-secret.md", "README-x.md", false},
    {"*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true},
    {"**/*.log", "a/b/c.log", true},
    {".\n/", "a", false},
    {"\xef\xbb\xbf"
     "a",
     "a", true},
};

static bool is_ignored(const struct ignore *ignore, const char *path) {
    bool above[32] = {false}, here[32];
    char part[256];
    bool ignored = false;
    for (const char *at = path; at;) {
        at = strchr(at, '/');
        snprintf(part, sizeof(part), "%.*s", (int)(at ? at - path : (ptrdiff_t)strlen(path)), path);
        ignored = ignore_path(ignore, part, above, here);
        memcpy(above, here, ignore->count);
        at = at ? at + 1 : NULL;
    }
    return ignored;
}

START_TEST(the_last_rule_wins) {
    struct error err = ERROR_INIT;
    struct ignore ignore;
    ck_assert(ignore_parse(&ignore, ".dockerignore", rules[_i].file, strlen(rules[_i].file), false,
                           &err));
    ck_assert_msg(is_ignored(&ignore, rules[_i].path) == rules[_i].ignored, "%s on %s",
                  rules[_i].file, rules[_i].path);
    ignore_free(&ignore);
}
END_TEST

START_TEST(wrong_rules_are_said_with_their_line) {
    struct error err = ERROR_INIT;
    struct ignore ignore;
    ck_assert(!ignore_parse(&ignore, ".dockerignore", "a\n!\n", 4, false, &err));
    ck_assert_str_eq(err.message, ".dockerignore:2: a pattern is missing behind the '!'");
    ck_assert(!ignore_parse(&ignore, ".dockerignore", "a[\n", 3, false, &err));
    ck_assert(!ignore_parse(&ignore, ".dockerignore", "a\0b", 3, false, &err));
}
END_TEST

/* ---- trees ------------------------------------------------------------------------------------
 */

static char root[] = "/tmp/e2b-test-ignore-XXXXXX";
static int context = -1;

static void make(const char *path) {
    char part[256];
    for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
        mkdirat(context, part, 0755);
    }
    if (path[strlen(path) - 1] != '/')
        close(openat(context, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
}

static void setup(void) {
    static const char *const files[] = {"a.txt",   "b.txt", ".hidden", "d/x", "d/e/y",
                                        "d/e/f/z", "e/",    "d.txt",   "d-"};
    strcpy(root + sizeof(root) - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    context = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        make(files[i]);
    symlinkat("d", context, "link");
    symlinkat("/etc", context, "out");
}

static void teardown(void) {
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
    close_fd(&context);
}

static const struct {
    const char *source, *ignore, *paths; /* NULL: nothing matches */
} trees[] = {
    {"a.txt", "", "a.txt"},
    {"/a.txt", "", "a.txt"},
    {"./d//e/", "", "d/e d/e/f d/e/f/z d/e/y"},
    {"d", "", "d d/e d/e/f d/e/f/z d/e/y d/x"},
    {"d", "d/e", "d d/x"},
    {"d", "d\n!d/e/f", "d d/e d/e/f d/e/f/z"},
    {"d", "d/*\n!d/x", "d d/x"},
    {"d", "d", NULL},
    {".", "*\n!e", " e"},
    {".", "**/e\nlink\nout", " .hidden a.txt b.txt d d- d.txt d/x"},
    {"*.txt", "", "a.txt b.txt d.txt"},
    {"*.txt", "b*", "a.txt d.txt"},
    {"d/*", "", "d/e d/e/f d/e/f/z d/e/y d/x"},
    {"*/e/y", "", "d/e/y"},
    {"**/z", "", "d/e/f/z"},
    {"link", "", "link"},
    {"link/x", "", "link/x"},
    {"a.txt/", "", NULL},
    {"nothing", "", NULL},
    {"nothing/at/all", "", NULL},
    {"no*", "", NULL},
};

START_TEST(trees_are_what_the_pattern_and_the_rules_leave) {
    struct error err = ERROR_INIT;
    struct ignore ignore;
    struct tree tree;
    char paths[1024] = "";
    const char *source = trees[_i].source;
    ck_assert(ignore_parse(&ignore, "x", trees[_i].ignore, strlen(trees[_i].ignore), false, &err));
    bool ok = tree_select(&tree, context, glob_is_pattern(source) ? TREE_PATTERN : TREE_PATH,
                          source, &ignore, &err);
    ck_assert_msg(ok == (trees[_i].paths != NULL), "%s: %s", source, err.message);
    ck_assert(ok || err.kind == ERR_NOT_FOUND);
    for (size_t i = 0; ok && i < tree.count; i++) {
        strcat(paths, i ? " " : "");
        strcat(paths, tree.entries[i].path);
    }
    if (ok)
        ck_assert_str_eq(paths, trees[_i].paths);
    tree_free(&tree);
    ignore_free(&ignore);
}
END_TEST

START_TEST(what_cannot_be_packed_is_refused) {
    struct error err = ERROR_INIT;
    struct ignore none = {0};
    struct tree tree;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/d/socket", root);
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
    close(sock);
    ck_assert(!tree_select(&tree, context, TREE_PATH, "d", &none, &err));
    ck_assert_str_eq(err.message, "d/socket is a socket: it cannot be part of a template");
    ck_assert(!tree_select(&tree, context, TREE_PATH, "out/hostname", &none, &err));
    ck_assert_str_eq(err.message, "out leads out of the build context");
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("ignore");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, patterns_match_as_in_docker, 0, (int)ARRAY_LEN(globs));
    tcase_add_test(cases, hostile_patterns_cost_little);
    tcase_add_loop_test(cases, the_last_rule_wins, 0, (int)ARRAY_LEN(rules));
    tcase_add_test(cases, wrong_rules_are_said_with_their_line);
    tcase_add_loop_test(cases, trees_are_what_the_pattern_and_the_rules_leave, 0,
                        (int)ARRAY_LEN(trees));
    tcase_add_test(cases, what_cannot_be_packed_is_refused);
    return unit_run("ignore", cases);
}
