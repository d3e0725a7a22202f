/* SPDX-License-Identifier: Apache-2.0
 *
 * What a sandbox starts from, and the names by which it is called: "[namespace/]alias[:tag]" or
 * "id[:tag]".
 */
#ifndef E2B_CORE_TEMPLATE_H
#define E2B_CORE_TEMPLATE_H

#include "common/error.h"

struct template {
    const char *id, *build_id, *alias;
    const char *default_user, *default_workdir; /* workdir NULL: the user's home */
};

/* ERR_NOT_FOUND with the contract's text, ERR_INVALID for what cannot be a name. */
const struct template *template_resolve(const char *reference, struct error *err);
const struct template *template_by_id(const char *id);

#endif
