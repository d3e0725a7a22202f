/* SPDX-License-Identifier: Apache-2.0
 *
 * The accounts of the base template: the host's system users and groups, none of its people, and
 * `user`. All passwords are locked.
 */
#ifndef E2B_IMAGE_BASE_ACCOUNTS_H
#define E2B_IMAGE_BASE_ACCOUNTS_H

#include "backend/image/maker.h"

enum { BASE_USER_ID = 1000 };

/* Writes etc/{passwd,group,shadow,gshadow,subuid,subgid}. */
bool base_make_accounts(const struct maker *m, struct error *err);

#endif
