/* SPDX-License-Identifier: Apache-2.0
 *
 * Which coding a response gets (Accept-Encoding, RFC 9110, 12.5.3).
 */
#ifndef E2B_ENVD_CODING_H
#define E2B_ENVD_CODING_H

#include "common/http1.h"

enum coding {
    CODING_IDENTITY,
    CODING_GZIP,
    CODING_NONE, /* nothing that we have would do: 406 */
};

/* `value` NULL: no header. Compresses only for a client that means it: names gzip and no other
 * coding, or refuses plain bytes. What HTTP libraries send by default ("gzip, deflate, br") gets
 * the file as it is, which is faster on a local connection than any compressor. */
enum coding coding_choose(const struct slice *value);

#endif
