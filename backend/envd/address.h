/* SPDX-License-Identifier: Apache-2.0
 *
 * Which sandbox, and which port of it, a request is for: said by its Host, "PORT-ID.domain", or by
 * headers. Pure parsing; whether there is such a sandbox is not known here.
 */
#ifndef E2B_ENVD_ADDRESS_H
#define E2B_ENVD_ADDRESS_H

#include "common/http1.h"
#include "common/ids.h"

enum address_kind {
    ADDRESS_NONE, /* not for a sandbox */
    ADDRESS_SANDBOX,
    ADDRESS_NO_PORT, /* by headers, but without the port */
    ADDRESS_BAD_ID,
    ADDRESS_BAD_PORT,
};

struct address {
    char id[ID_SANDBOX];
    unsigned port;
};

enum address_kind address_find(const struct http1_head *head, struct address *address);

#endif
