/* SPDX-License-Identifier: Apache-2.0
 *
 * The modes that chmod understands: "0755", "u=rwX,go=rX".
 */
#ifndef E2B_AGENT_MODE_H
#define E2B_AGENT_MODE_H

#include "common/util.h"

#include <sys/types.h>

/* Changes the permissions in *mode, whose file type counts for "X". False: `text` is no mode. */
bool mode_apply(const char *text, mode_t *mode);

#endif
