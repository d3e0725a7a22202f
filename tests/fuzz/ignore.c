/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: .dockerignore. The first line is a path, the rest is the file. Neither reading may
 * fail without words; what Docker ignores below a folder that cannot reopen stays ignored.
 */
#include "cli/pack/ignore.h"

#include <stdio.h>
#include <string.h>

enum { FILE_LIMIT = 4096, PATH_LIMIT = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool truth) {
    if (!truth)
        abort();
}

static void ask(const struct ignore *ignore, const char *path) {
    bool *above = calloc(ignore->count + 1, sizeof(bool));
    bool *here = calloc(ignore->count + 1, sizeof(bool));
    char below[PATH_LIMIT + 2];
    need(above && here);
    bool ignored = ignore_path(ignore, path, NULL, here);
    snprintf(below, sizeof(below), "%s/x", path);
    bool reopens = ignore_reopens(ignore, path);
    bool below_ignored = ignore_path(ignore, below, here, above);
    if (!ignore->is_compat && *path && ignored && !reopens)
        need(below_ignored);
    free(above);
    free(here);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    const char *end = memchr(text, '\n', size);
    size_t len = end ? (size_t)(end - text) : size, rest = end ? size - len - 1 : 0;
    char path[PATH_LIMIT];
    if (rest > FILE_LIMIT)
        return 0;
    snprintf(path, sizeof(path), "%.*s", (int)MIN(len, sizeof(path) - 1), text);
    for (int compat = 0; compat < 2; compat++) {
        struct error err = ERROR_INIT;
        struct ignore ignore;
        if (!ignore_parse(&ignore, "x", text + size - rest, rest, compat, &err)) {
            need(err.kind != ERR_NONE && err.message[0]);
            continue;
        }
        ask(&ignore, path);
        ignore_free(&ignore);
    }
    return 0;
}
