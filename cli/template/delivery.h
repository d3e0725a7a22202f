/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a build on their way: hashed, then what the server lacks packed, while what is
 * packed already goes out.
 */
#ifndef E2B_CLI_TEMPLATE_DELIVERY_H
#define E2B_CLI_TEMPLATE_DELIVERY_H

#include "cli/template/buildlog.h"
#include "cli/template/project.h"

/* Hashes the files of every COPY. */
bool delivery_hash(struct project *project, struct buildlog *log, struct error *err);
/* Asks for each hash, and uploads what is not there. */
bool delivery_send(struct project *project, const struct invocation *in, const char *template_id,
                   struct buildlog *log, struct error *err);

#endif
