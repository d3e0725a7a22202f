/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors as people and scripts meet them: text or one line of JSON on standard error, and the exit
 * status of each kind.
 */
#ifndef E2B_CLI_REPORT_H
#define E2B_CLI_REPORT_H

#include "common/error.h"

void report_error(const struct error *err, bool as_json);
int report_status(const struct error *err);
/* The table behind `e2b help exit-codes`. */
struct report_code {
    int status;
    const char *meaning;
};
extern const struct report_code report_codes[]; /* ended by a row without meaning */

#endif
