/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/resource.h"

#include "cli/output.h"
#include "cli/table.h"
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 100, CELL = 64 };

/* ---- calls ---- */

bool resource_call(struct client *client, const char *method, const char *prefix, const char *id,
                   const char *suffix, const json_t *body, struct response *response,
                   struct error *err) {
    cleanup_free char *name = client_encode(id);
    cleanup_free char *path = NULL;
    if (!name || asprintf(&path, "%s/%s%s", prefix, name, suffix) < 0) {
        path = NULL;
        return error_errno(err, ENOMEM, "cannot ask for %s", id);
    }
    return client_call(client, method, path, body, response, err);
}

static bool add_page(struct client *client, const char *path, char **token, json_t *all,
                     struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_free char *after = *token ? client_encode(*token) : NULL;
    cleanup_free char *full = NULL;
    if (asprintf(&full, "%s?limit=%d%s%s", path, PAGE, after ? "&nextToken=" : "",
                 after ? after : "") < 0) {
        full = NULL;
        return error_errno(err, ENOMEM, "cannot ask for %s", path);
    }
    if (!client_call(client, "GET", full, NULL, &response, err))
        return false;
    if (json_array_extend(all, response.json) < 0)
        return error_set(err, ERR_INTERNAL, "the server's answer is no list");
    free(*token);
    *token = steal_ptr(&response.next_token);
    return true;
}

json_t *resource_list(struct client *client, const char *path, struct error *err) {
    cleanup_json json_t *all = json_array();
    cleanup_free char *token = NULL;
    do {
        if (!add_page(client, path, &token, all, err))
            return NULL;
    } while (token);
    return steal_ptr(&all);
}

/* ---- lists ---- */

static void add_row(struct table *table, const json_t *object,
                    const struct resource_column *columns) {
    char room[RESOURCE_COLUMNS][CELL];
    const char *cells[RESOURCE_COLUMNS];
    char *printed[RESOURCE_COLUMNS] = {NULL};
    for (size_t i = 0; i < table->columns; i++) {
        const json_t *value = json_object_get(object, columns[i].key);
        cells[i] = json_string_value(value);
        if (cells[i] && columns[i].show)
            cells[i] = columns[i].show(cells[i], room[i]);
        else if (!cells[i] && value && !json_is_null(value))
            cells[i] = printed[i] =
                json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    }
    table_add(table, cells);
    for (size_t i = 0; i < table->columns; i++)
        free(printed[i]);
}

void resource_table(const json_t *list, const struct resource_column *columns, const char *none) {
    const char *headers[RESOURCE_COLUMNS];
    cleanup_table struct table table = {0};
    size_t count = 0;
    if (!json_array_size(list)) {
        puts(none);
        return;
    }
    for (; columns[count].header; count++)
        headers[count] = columns[count].header;
    table_init(&table, headers, count);
    for (size_t i = 0; i < json_array_size(list); i++)
        add_row(&table, json_array_get(list, i), columns);
    table_print(&table, stdout);
}

void resource_print(const struct invocation *in, const json_t *list,
                    const struct resource_column *columns, const char *none) {
    if (output_wants_json(in))
        output_json(stdout, list);
    else
        resource_table(list, columns, none);
}

/* ---- one of them ---- */

void resource_print_one(const struct invocation *in, const json_t *object,
                        const struct field *fields) {
    if (output_wants_json(in))
        output_json(stdout, object);
    else
        fields_print(stdout, object, fields);
}

int resource_info(struct invocation *in, const char *prefix, const struct field *fields,
                  struct error *err) {
    cleanup_response struct response response = {0};
    if (!resource_call(in->client, "GET", prefix, in->args[0], "", NULL, &response, err))
        return -1;
    resource_print_one(in, response.json, fields);
    return EXIT_OK;
}

/* ---- arguments ---- */

json_t *resource_pairs(const struct invocation *in, const char *option) {
    const char *const *pairs;
    size_t count = option_list(in, option, &pairs);
    json_t *object = count ? json_object() : NULL;
    for (size_t i = 0; i < count; i++) {
        const char *value = strchr(pairs[i], '=');
        cleanup_free char *key = strndup(pairs[i], (size_t)(value - pairs[i]));
        json_object_set_new(object, key, json_string(value + 1));
    }
    return object;
}

static bool delete_one(struct client *client, const char *prefix,
                       char *(*id_of)(struct client *client, const char *name, struct error *err),
                       const char *name, struct error *err) {
    cleanup_response struct response response = {0};
    cleanup_free char *id = id_of ? id_of(client, name, err) : NULL;
    if (id_of && !id)
        return false;
    return resource_call(client, "DELETE", prefix, id ? id : name, "", NULL, &response, err);
}

int resource_delete(struct invocation *in, const char *prefix,
                    char *(*id_of)(struct client *client, const char *name, struct error *err),
                    const char *what, const char *done, struct error *err) {
    int status = EXIT_OK;
    for (int i = 0; i < in->arg_count; i++) {
        if (delete_one(in->client, prefix, id_of, in->args[i], err)) {
            printf("%s %s has been %s\n", what, in->args[i], done);
            continue;
        }
        if (err->kind != ERR_NOT_FOUND)
            return error_wrap(err, "%s %s", what, in->args[i]) - 1;
        fflush(stdout);
        fprintf(stderr, "%s %s wasn't found\n", what, in->args[i]);
        status = EXIT_NOT_FOUND;
    }
    return status;
}

char *resource_read(const char *file, size_t max, size_t *len, struct error *err) {
    cleanup_buf struct buf bytes = BUF_INIT(max + 1);
    cleanup_close int opened = -1;
    if (file && strcmp(file, "-") != 0) {
        opened = open(file, O_RDONLY | O_CLOEXEC);
        if (opened < 0) {
            error_errno(err, errno, "cannot open %s", file);
            return NULL;
        }
    }
    bool whole = io_read_all(opened < 0 ? STDIN_FILENO : opened, &bytes);
    *len = bytes.len;
    if (whole && bytes.len <= max)
        return buf_steal(&bytes);
    if (whole || errno == EFBIG)
        error_set(err, ERR_TOO_LARGE, "more than %zu bytes", max);
    else
        error_errno(err, errno, "cannot read %s", file ? file : "standard input");
    return NULL;
}
