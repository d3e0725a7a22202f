/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/core/network_rules.h"

#include "backend/runtime/prefix.h"
#include "common/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char everything[] = "0.0.0.0/0";

static void free_list(char **list, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

void network_rules_free(struct network_rules *rules) {
    free_list(rules->allow, rules->allow_count);
    free_list(rules->deny, rules->deny_count);
    *rules = (struct network_rules){.internet = false};
}

static bool add(char ***list, size_t *count, const struct prefix *prefix, struct error *err) {
    char text[PREFIX_TEXT];
    prefix_print(prefix, text);
    if (*count == NETWORK_MAX_RULES)
        return error_set(err, ERR_INVALID, "more than %d network rules", NETWORK_MAX_RULES);
    char **more = realloc(*list, (*count + 1) * sizeof(**list));
    if (more)
        *list = more;
    char *copy = more ? strdup(text) : NULL;
    if (!copy)
        return error_errno(err, ENOMEM, "cannot keep the network rules");
    (*list)[(*count)++] = copy;
    return true;
}

static bool refuse_domain(const struct network_rules *rules, const char *text, struct error *err) {
    if (!network_rules_deny_all(rules))
        return error_set(err, ERR_INVALID,
                         "When specifying allowed domains in allow out, you must include "
                         "'ALL_TRAFFIC' in deny out to block all other traffic.");
    error_set(
        err, ERR_INVALID,
        "allowOut: '%s' is no IPv4 address or CIDR, and this backend has no egress proxy that "
        "could filter by domain or IPv6",
        text);
    return error_hint(err, "give the addresses, or use the hosted service for this sandbox");
}

bool network_rules_allow(struct network_rules *rules, const char *text, struct error *err) {
    struct prefix prefix;
    if (!prefix_parse(text, &prefix))
        return refuse_domain(rules, text, err);
    return add(&rules->allow, &rules->allow_count, &prefix, err);
}

bool network_rules_deny(struct network_rules *rules, const char *text, struct error *err) {
    struct prefix prefix;
    if (!prefix_parse(text, &prefix))
        return error_set(err, ERR_INVALID, "invalid denied CIDR %s", text);
    return add(&rules->deny, &rules->deny_count, &prefix, err);
}

bool network_rules_deny_all(const struct network_rules *rules) {
    for (size_t i = 0; i < rules->deny_count; i++)
        if (strcmp(rules->deny[i], everything) == 0)
            return true;
    return !rules->internet;
}

struct plan_network network_rules_plan(const struct network_rules *rules) {
    return (struct plan_network){
        .internet = rules->internet,
        .allow = (const char *const *)rules->allow,
        .allow_count = rules->allow_count,
        .deny = (const char *const *)rules->deny,
        .deny_count = rules->deny_count,
    };
}

/* ---- in the store -----------------------------------------------------------------------------
 */

static bool put_list(struct pairs *pairs, const char *key, char *const *list, size_t count) {
    cleanup_buf struct buf text = BUF_INIT(NETWORK_MAX_RULES * PREFIX_TEXT);
    for (size_t i = 0; i < count; i++)
        if (!buf_printf(&text, "%s ", list[i]))
            return false;
    return !count || pairs_put(pairs, key, text.data);
}

bool network_rules_to_pairs(const struct network_rules *rules, struct pairs *pairs) {
    *pairs = (struct pairs){NULL, 0};
    return (rules->internet || pairs_put(pairs, "internet", "no")) &&
           put_list(pairs, "allow", rules->allow, rules->allow_count) &&
           put_list(pairs, "deny", rules->deny, rules->deny_count) &&
           (!rules->is_private || pairs_put(pairs, "ports", "private")) &&
           (!*rules->mask_host || pairs_put(pairs, "host", rules->mask_host));
}

static bool take_list(struct network_rules *rules, const char *text,
                      bool (*take)(struct network_rules *, const char *, struct error *)) {
    struct error ignored = ERROR_INIT;
    cleanup_free char *copy = strdup(text ? text : "");
    char *rest = NULL;
    if (!copy)
        return false;
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        if (!take(rules, word, &ignored))
            return false;
    return true;
}

bool network_rules_from_pairs(struct network_rules *rules, const struct pairs *pairs) {
    const char *host = pairs_get(pairs, "host");
    *rules = (struct network_rules){
        .internet = !pairs_get(pairs, "internet"),
        .is_private = pairs_get(pairs, "ports") != NULL,
    };
    snprintf(rules->mask_host, sizeof(rules->mask_host), "%s", host ? host : "");
    return take_list(rules, pairs_get(pairs, "deny"), network_rules_deny) &&
           take_list(rules, pairs_get(pairs, "allow"), network_rules_allow);
}
