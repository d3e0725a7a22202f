/* SPDX-License-Identifier: Apache-2.0
 *
 * What `base` has above the host's /usr, where that shows as owned by nobody: copies of the
 * programs that live by their setuid bit. See backend/image/base_usr.c.
 */
#ifndef E2B_TEMPLATES_BASE_USR_H
#define E2B_TEMPLATES_BASE_USR_H

static const char *const setuid_programs[] = {"su", "passwd", "chsh", "chfn", "gpasswd", "newgrp"};

#endif
