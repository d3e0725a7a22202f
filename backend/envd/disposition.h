/* SPDX-License-Identifier: Apache-2.0
 *
 * Media types and dispositions with parameters (RFC 2045, 2183, 2231, 6266): what an upload says of
 * its parts, and what a download says of its file.
 */
#ifndef E2B_ENVD_DISPOSITION_H
#define E2B_ENVD_DISPOSITION_H

#include "common/buf.h"
#include "common/http1.h"

/* Is the value's first word `type`, in any case? "multipart/form-data; boundary=x" */
bool disposition_is(struct slice value, const char *type);
/* Appends the parameter's value, unquoted; `name*` (RFC 2231, UTF-8) goes before `name`. False if
 * there is none or the value is malformed. */
bool disposition_param(struct slice value, const char *name, struct buf *out);
/* "inline; filename=a.txt": bare, quoted or encoded as the name needs it. */
bool disposition_inline(const char *filename, struct buf *out);

#endif
