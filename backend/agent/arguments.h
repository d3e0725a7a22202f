/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the arguments memfd of a spawn or a helper (protocol.h). Everything is mapped, nothing
 * copied; for processes that end or exec soon, so nothing is released.
 */
#ifndef E2B_AGENT_ARGUMENTS_H
#define E2B_AGENT_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

struct arguments {
    const char *user, *cwd, *tag;
    char **argv; /* cmd, args; NULL-terminated. Of a helper argv[0] is "" */
    size_t argc;
    char **env; /* NULL-terminated; ARGUMENTS_SPARE more entries have room behind it */
    size_t env_count;
};

enum { ARGUMENTS_SPARE = 8 };

/* False with errno; EPROTO when it is not well-formed. */
bool arguments_read(int memfd, struct arguments *arguments);

#endif
