/* SPDX-License-Identifier: Apache-2.0
 *
 * e2b.toml: the few keys that a build understands. Whatever else stands in it is another program's.
 */
#ifndef E2B_CLI_TEMPLATE_SETTINGS_H
#define E2B_CLI_TEMPLATE_SETTINGS_H

#include "common/error.h"

struct settings {
    char *name; /* NULL: not said, as the others */
    char *dockerfile;
    char *start_command, *ready_command;
    int64_t cpus, memory_mb; /* 0: not said */
};

bool settings_parse(struct settings *settings, const char *file, const char *text, size_t len,
                    struct error *err);
void settings_free(struct settings *settings);
#define cleanup_settings cleanup(settings_free)

#endif
