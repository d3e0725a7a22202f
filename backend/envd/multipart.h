/* SPDX-License-Identifier: Apache-2.0
 *
 * A multipart/form-data body, taken apart as it arrives: pure parsing of the caller's bytes, which
 * may be cut anywhere and stopped anywhere. Memory is bounded by the head of one part.
 */
#ifndef E2B_ENVD_MULTIPART_H
#define E2B_ENVD_MULTIPART_H

#include "common/buf.h"
#include "common/http1.h"

enum {
    MULTIPART_MAX_BOUNDARY = 70, /* RFC 2046 */
    MULTIPART_MAX_HEAD = 16 << 10,
};

enum multipart_event {
    MULTIPART_MORE,     /* all bytes are used up */
    MULTIPART_PART,     /* a part begins: `name` and `filename` tell which */
    MULTIPART_DATA,     /* a piece of it */
    MULTIPART_PART_END, /* it is complete */
    MULTIPART_END,      /* so is the body; what follows means nothing */
    MULTIPART_BAD,
};

struct multipart {
    char delimiter[4 + MULTIPART_MAX_BOUNDARY + 1]; /* CR LF - - boundary */
    size_t delimiter_len;
    int state;
    size_t matched; /* bytes of the delimiter that the last ones were */
    size_t assumed; /* of them: not there, or not part of the data, should it not be one */
    struct buf head;
    struct buf name, filename; /* of the part; filename.data is NULL if it has none */
};

/* By the request's Content-Type; false without a usable boundary. */
bool multipart_init(struct multipart *m, struct slice content_type);
void multipart_free(struct multipart *m);
/* Deals with some of the bytes: *used says how many; *data is the piece of MULTIPART_DATA (it may
 * point into `m`). Call again until MULTIPART_MORE. */
enum multipart_event multipart_next(struct multipart *m, const char *bytes, size_t len,
                                    size_t *used, struct slice *data);
/* Has the body come to its end properly? */
bool multipart_is_complete(const struct multipart *m);

#endif
