/* SPDX-License-Identifier: Apache-2.0
 *
 * What every unit test's main() ends with.
 */
#ifndef E2B_TESTS_UNIT_H
#define E2B_TESTS_UNIT_H

#include <check.h>

enum { UNIT_PATIENCE_S = 60 }; /* only ends a test that waits in vain: machines are busy */

/* Runs the cases up to NULL; the exit status of the program. */
static inline int unit_run_all(const char *name, TCase *const *cases) {
    Suite *suite = suite_create(name);
    for (; *cases; cases++) {
        tcase_set_timeout(*cases, UNIT_PATIENCE_S);
        suite_add_tcase(suite, *cases);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#define unit_run(name, ...) unit_run_all(name, (TCase *const[]){__VA_ARGS__, NULL})

#endif
