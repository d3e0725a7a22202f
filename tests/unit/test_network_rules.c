/* SPDX-License-Identifier: Apache-2.0
 *
 * Prefixes and rules: what is accepted, in whose words the rest is refused, and what a restart
 * finds.
 */
#include "backend/core/network_rules.h"
#include "backend/runtime/prefix.h"
#include "tests/unit/unit.h"

#include <string.h>

START_TEST(prefixes_have_one_form) {
    static const struct {
        const char *text, *normal; /* NULL: refused */
    } cases[] = {
        {"1.2.3.4", "1.2.3.4/32"},
        {"1.2.3.4/24", "1.2.3.0/24"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"255.255.255.255/1", "128.0.0.0/1"},
        {"1.2.3.4/33", NULL},
        {"1.2.3.4/", NULL},
        {"1.2.3.4/ 8", NULL},
        {"1.2.3.4/-1", NULL},
        {"1.2.3", NULL},
        {"example.com", NULL},
        {"::1", NULL},
        {"", NULL},
        {"1.2.3.4/00000000000000000000000000000008", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct prefix prefix;
        char text[PREFIX_TEXT];
        ck_assert_msg(prefix_parse(cases[i].text, &prefix) == (cases[i].normal != NULL), "%s",
                      cases[i].text);
        if (!cases[i].normal)
            continue;
        prefix_print(&prefix, text);
        ck_assert_str_eq(text, cases[i].normal);
    }
}
END_TEST

START_TEST(a_prefix_covers_what_is_inside_it) {
    struct prefix wide, narrow, other, all;
    prefix_parse("10.0.0.0/8", &wide);
    prefix_parse("10.1.0.0/16", &narrow);
    prefix_parse("11.0.0.0/16", &other);
    prefix_parse("0.0.0.0/0", &all);
    ck_assert(prefix_covers(&wide, &narrow) && prefix_covers(&wide, &wide));
    ck_assert(prefix_covers(&all, &other));
    ck_assert(!prefix_covers(&narrow, &wide) && !prefix_covers(&wide, &other));
}
END_TEST

START_TEST(domains_are_refused_in_the_words_that_fit) {
    struct network_rules rules = {.internet = true};
    struct error err = ERROR_INIT;
    ck_assert(!network_rules_allow(&rules, "example.com", &err));
    ck_assert_ptr_nonnull(strstr(err.message, "you must include 'ALL_TRAFFIC' in deny out"));
    ck_assert(network_rules_deny(&rules, "0.0.0.0/0", &err));
    ck_assert(!network_rules_allow(&rules, "example.com", &err));
    ck_assert_ptr_nonnull(strstr(err.message, "no egress proxy"));
    ck_assert(!network_rules_deny(&rules, "example.com", &err));
    ck_assert_str_eq(err.message, "invalid denied CIDR example.com");
    network_rules_free(&rules);
}
END_TEST

START_TEST(the_store_keeps_all_of_them) {
    struct network_rules rules = {.internet = false, .is_private = true, .mask_host = "h:${PORT}"};
    struct network_rules again;
    struct error err = ERROR_INIT;
    struct pairs pairs;
    ck_assert(network_rules_allow(&rules, "1.2.3.4", &err));
    ck_assert(network_rules_allow(&rules, "5.0.0.0/8", &err));
    ck_assert(network_rules_deny(&rules, "6.0.0.0/8", &err));
    ck_assert(network_rules_to_pairs(&rules, &pairs));
    ck_assert(network_rules_from_pairs(&again, &pairs));
    ck_assert(!again.internet && again.is_private);
    ck_assert_str_eq(again.mask_host, "h:${PORT}");
    ck_assert_uint_eq(again.allow_count, 2);
    ck_assert_str_eq(again.allow[1], "5.0.0.0/8");
    ck_assert_str_eq(again.deny[0], "6.0.0.0/8");
    network_rules_free(&rules);
    network_rules_free(&again);
    pairs_free(&pairs);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("rules");
    tcase_add_test(tests, prefixes_have_one_form);
    tcase_add_test(tests, a_prefix_covers_what_is_inside_it);
    tcase_add_test(tests, domains_are_refused_in_the_words_that_fit);
    tcase_add_test(tests, the_store_keeps_all_of_them);
    return unit_run("network_rules", tests);
}
