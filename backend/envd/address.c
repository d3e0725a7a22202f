/* SPDX-License-Identifier: Apache-2.0
 *
 * See address.h. A Host that names a sandbox wins over headers: the SDK's headers may stay on a
 * request that a program sends to another sandbox's host name.
 */
#include "backend/envd/address.h"

#include <string.h>

/* "<id>" or the older "<id>-<client>"; the client part means nothing any more. */
static bool parse_id(struct slice text, char id[static ID_SANDBOX]) {
    const char *dash = memchr(text.at, '-', text.len);
    size_t len = dash ? (size_t)(dash - text.at) : text.len;
    if (!len || len >= ID_SANDBOX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return false;
        id[i] = c;
    }
    id[len] = '\0';
    return true;
}

static enum address_kind parse(struct slice port, struct slice id, struct address *address) {
    uint64_t number;
    if (!parse_id(id, address->id))
        return ADDRESS_BAD_ID;
    if (!slice_number(port, &number) || number == 0 || number > 65535)
        return ADDRESS_BAD_PORT;
    address->port = (unsigned)number;
    return ADDRESS_SANDBOX;
}

/* The left-most label "DIGITS-ID" of a name that has further labels; others are not of this form.
 */
static bool split_host(struct slice host, struct slice *port, struct slice *id) {
    const char *dot = memchr(host.at, '.', host.len);
    struct slice label = {host.at, dot ? (size_t)(dot - host.at) : 0};
    const char *dash = memchr(label.at, '-', label.len);
    if (!dash || dash == label.at)
        return false;
    *port = (struct slice){label.at, (size_t)(dash - label.at)};
    *id = (struct slice){dash + 1, label.len - port->len - 1};
    for (size_t i = 0; i < port->len; i++)
        if (port->at[i] < '0' || port->at[i] > '9')
            return false;
    return true;
}

enum address_kind address_find(const struct http1_head *head, struct address *address) {
    const struct slice *host = http1_find(head, "host");
    struct slice port, id;
    if (host && split_host(*host, &port, &id))
        return parse(port, id, address);
    const struct slice *named_id = http1_find(head, "e2b-sandbox-id");
    const struct slice *named_port = http1_find(head, "e2b-sandbox-port");
    if (!named_id)
        return ADDRESS_NONE;
    return named_port ? parse(*named_port, *named_id, address) : ADDRESS_NO_PORT;
}
