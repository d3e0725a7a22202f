/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the two sides of file operations that meet what they cannot trust: messages that the
 * daemon gets out of a sandbox, and paths that the helper inside gets from a client.
 */
#include "backend/agent/files_job.h"
#include "backend/core/files_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool truth) {
    if (!truth)
        abort();
}

static void check_message(const char *bytes, size_t len) {
    struct files_message message;
    struct file_info info;
    if (!files_message_parse(&message, bytes, len, -1))
        return;
    while (files_message_next(&message, &info)) {
        need(strlen(info.path) < FILES_PATH && info.event < FILES_EVENTS);
        need(!info.target || strlen(info.target) <= FILES_PATH);
        need(info.metadata_len <= FILES_METADATA && !info.metadata[info.metadata_len]);
        need(strlen(info.owner) <= UINT16_MAX && strlen(info.group) <= UINT16_MAX);
    }
}

/* A clean path has no empty, "." or ".." component, and cleaning it changes nothing. */
static void check_path(const char *text) {
    static const struct user user = {.home = "/home/user"};
    char path[FILES_PATH], again[FILES_PATH];
    if (files_resolve(&user, text, path))
        return;
    need(path[0] == '/');
    if (text[0] == '/')
        files_clean(path);
    need(!strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../"));
    need(path[1] == '\0' || path[strlen(path) - 1] != '/');
    strcpy(again, path);
    files_clean(again);
    need(strcmp(again, path) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cleanup_free char *text = strndup((const char *)data, size);
    check_message((const char *)data, MIN(size, (size_t)FILES_MESSAGE));
    if (text)
        check_path(text);
    return 0;
}
