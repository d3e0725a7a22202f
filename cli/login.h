/* SPDX-License-Identifier: Apache-2.0
 *
 * ~/.e2b/config.json, where the official command line keeps a login. Whatever stands there is
 * somebody else's: a file that makes no sense means "not logged in", never a failure.
 */
#ifndef E2B_CLI_LOGIN_H
#define E2B_CLI_LOGIN_H

#include "common/util.h"

/* The API key of the chosen project, free()d by the caller, or NULL. `warning` says why a file that
 * is there does not count. */
char *login_key(char *warning, size_t size);

#endif
