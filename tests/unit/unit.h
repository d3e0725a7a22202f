/* SPDX-License-Identifier: Apache-2.0
 *
 * What every unit test's main() ends with.
 */
#ifndef E2B_TESTS_UNIT_H
#define E2B_TESTS_UNIT_H

#include <check.h>

/* Runs the cases; the exit status of the program. */
static inline int unit_run(const char *name, TCase *cases) {
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#endif
