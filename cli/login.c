/* SPDX-License-Identifier: Apache-2.0
 *
 * Version 2 says project where version 1 said team.
 */
#include "cli/login.h"

#include "common/io.h"
#include "common/json.h"
#include "common/paths.h"

#include <stdio.h>
#include <string.h>

static json_t *read_config(char *warning, size_t size) {
    const char *home = getenv("HOME");
    struct error err = ERROR_INIT;
    char path[PATHS_MAX];
    cleanup_buf struct buf text = BUF_INIT(1 << 20);
    if (!home || snprintf(path, sizeof(path), "%s/.e2b/config.json", home) >= (int)sizeof(path))
        return NULL;
    if (access(path, F_OK) < 0)
        return NULL;
    json_t *config =
        io_read_file(path, &text, &err) && text.len ? json_parse(text.data, text.len, &err) : NULL;
    if (!config)
        snprintf(warning, size, "%s is ignored: %s", path,
                 err.kind != ERR_NONE ? err.message : "it is empty");
    return config;
}

char *login_key(char *warning, size_t size) {
    cleanup_json json_t *config = read_config(warning, size);
    if (!config)
        return NULL;
    json_int_t version = json_integer_value(json_object_get(config, "version"));
    const char *field = version == 2 ? "projectApiKey" : version == 1 ? "teamApiKey" : NULL;
    const char *key = field ? json_string_value(json_object_get(config, field)) : NULL;
    if (key && *key)
        return strdup(key);
    if (!field)
        snprintf(warning, size,
                 "Your CLI authentication config is deprecated. You have been signed out.");
    return NULL;
}
