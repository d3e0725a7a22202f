/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template/listing.h"

#include "client/client.h"
#include "common/buf.h"

#include <stdio.h>
#include <string.h>

json_t *listing_templates(const struct invocation *in, struct error *err) {
    const char *project = option_string(in, "project");
    cleanup_response struct response response = {0};
    cleanup_free char *path = NULL;
    if (!project)
        project = option_string(in, "team");
    cleanup_free char *encoded = project ? client_encode(project) : NULL;
    if (asprintf(&path, "/templates%s%s", encoded ? "?teamID=" : "", encoded ? encoded : "") < 0)
        abort();
    if (!client_call(in->client, "GET", path, NULL, &response, err))
        return NULL;
    if (!json_is_array(response.json)) {
        error_set(err, ERR_INTERNAL, "the server's answer is no list");
        return NULL;
    }
    return json_incref(response.json);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *listing_names(const json_t *template) {
    const json_t *aliases = json_object_get(template, "aliases");
    size_t count = json_array_size(aliases), used = 0;
    cleanup_free const char **names = calloc(count + 1, sizeof(*names));
    cleanup_buf struct buf text = BUF_INIT(1 << 20);
    for (size_t i = 0; names && i < count; i++) {
        const char *name = json_string_value(json_array_get(aliases, i));
        if (name)
            names[used++] = name;
    }
    if (used)
        qsort(names, used, sizeof(*names), by_text);
    for (size_t i = 0; i < used; i++)
        if (!buf_printf(&text, "%s%s", i ? ", " : "", names[i]))
            break;
    return buf_steal(&text);
}
