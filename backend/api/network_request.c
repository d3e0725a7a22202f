/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/api/network_request.h"

#include <stdio.h>
#include <string.h>

static bool is_empty(const json_t *value) {
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_array(value) && !json_array_size(value)) ||
           (json_is_object(value) && !json_object_size(value));
}

static bool refuse(struct error *err, const char *field, const char *missing) {
    error_set(err, ERR_INVALID, "\"%s\" is not supported by this backend: it has no %s", field,
              missing);
    return error_hint(err, "leave it out, or use the hosted service for this sandbox");
}

static bool check_unbuilt(const json_t *network, struct error *err) {
    static const struct {
        const char *field, *missing;
    } fields[] = {
        {"egressProxy", "egress proxy"},
        {"rules", "egress proxy that could rewrite requests"},
        {"httpsPorts", "TLS towards the ports of sandboxes"},
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (!is_empty(json_object_get(network, fields[i].field)))
            return refuse(err, fields[i].field, fields[i].missing);
    return true;
}

static bool take_list(const json_t *network, const char *field, struct network_rules *rules,
                      bool (*take)(struct network_rules *, const char *, struct error *),
                      struct error *err) {
    json_t *list = NULL, *entry;
    size_t i;
    if (!json_get_array(network, field, &list, err))
        return false;
    json_array_foreach(list, i, entry) {
        if (!json_is_string(entry))
            return error_set(err, ERR_INVALID, "\"%s\" must be a list of strings", field);
        if (!take(rules, json_string_value(entry), err))
            return false;
    }
    return true;
}

/* It becomes a header of requests: nothing that could end that line. */
static bool take_host(const json_t *network, struct network_rules *rules, struct error *err) {
    const char *host = "";
    if (!json_get_string(network, "maskRequestHost", &host, err))
        return false;
    for (const char *at = host; *at; at++)
        if (*at <= ' ' || *at == 127)
            return error_set(err, ERR_INVALID, "\"maskRequestHost\" is no host name");
    if (strlen(host) >= sizeof(rules->mask_host))
        return error_set(err, ERR_INVALID, "\"maskRequestHost\" is too long");
    snprintf(rules->mask_host, sizeof(rules->mask_host), "%s", host);
    return true;
}

static bool parse(const json_t *outer, const json_t *network, struct network_rules *rules,
                  struct error *err) {
    bool is_public = true;
    *rules = (struct network_rules){.internet = true};
    if (!json_get_bool(outer, "allow_internet_access", &rules->internet, err) ||
        !json_get_bool(network, "allowPublicTraffic", &is_public, err))
        return false;
    rules->is_private = !is_public;
    return check_unbuilt(network, err) && take_host(network, rules, err) &&
           take_list(network, "denyOut", rules, network_rules_deny, err) &&
           take_list(network, "allowOut", rules, network_rules_allow, err);
}

bool network_request_parse(const json_t *outer, const json_t *network, struct network_rules *rules,
                           struct error *err) {
    if (parse(outer, network, rules, err))
        return true;
    network_rules_free(rules);
    return false;
}

static json_t *print_list(char *const *list, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

json_t *network_request_print(const struct network_rules *rules) {
    json_t *object = json_object();
    json_object_set_new(object, "allowPublicTraffic", json_boolean(!rules->is_private));
    if (rules->allow_count)
        json_object_set_new(object, "allowOut", print_list(rules->allow, rules->allow_count));
    if (rules->deny_count)
        json_object_set_new(object, "denyOut", print_list(rules->deny, rules->deny_count));
    if (*rules->mask_host)
        json_object_set_new(object, "maskRequestHost", json_string(rules->mask_host));
    return object;
}
