/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what an upload says. A form must come out the same in whatever pieces it arrives,
 * and memory must stay bounded; metadata headers that are accepted fit into extended attributes.
 *
 * The first byte chooses the size of the pieces, the next line is the Content-Type (or the head).
 */
#include "backend/envd/disposition.h"
#include "backend/envd/multipart.h"
#include "backend/envd/upload_metadata.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool truth) {
    if (!truth)
        abort();
}

/* Events and data, with neighbouring pieces of data as one. */
struct story {
    struct buf told;
    enum multipart_event last;
};

static void tell(struct story *s, const struct multipart *m, enum multipart_event event,
                 struct slice data) {
    const char letter = "mPdEeB"[event];
    bool ok = true;
    if (event == MULTIPART_MORE)
        return;
    if (event != MULTIPART_DATA || s->last != MULTIPART_DATA)
        ok = buf_add(&s->told, &letter, 1);
    if (event == MULTIPART_DATA)
        ok = ok && buf_add(&s->told, data.at, data.len);
    if (event == MULTIPART_PART)
        ok = ok && buf_add(&s->told, m->name.data, m->name.len) &&
             buf_add(&s->told, m->filename.data, m->filename.len);
    need(ok);
    s->last = event;
}

static void parse(struct story *s, struct slice type, struct slice body, size_t piece) {
    struct multipart m;
    if (multipart_init(&m, type)) {
        for (size_t at = 0;
             at < body.len && s->last != MULTIPART_BAD && s->last != MULTIPART_END;) {
            size_t used = 0, len = MIN(piece, body.len - at);
            struct slice part;
            enum multipart_event event = multipart_next(&m, body.at + at, len, &used, &part);
            need(used <= len && (used || event == MULTIPART_DATA));
            need(part.len <= len + sizeof(m.delimiter));
            tell(s, &m, event, part);
            at += used;
        }
        need(multipart_is_complete(&m) == (s->last == MULTIPART_END));
    }
    multipart_free(&m);
}

static void check_form(struct slice type, struct slice body, size_t piece) {
    struct story whole = {.told = BUF_INIT(1 << 20)}, pieces = {.told = BUF_INIT(1 << 20)};
    parse(&whole, type, body, body.len);
    parse(&pieces, type, body, piece);
    need(whole.told.len == pieces.told.len);
    need(!whole.told.len || memcmp(whole.told.data, pieces.told.data, whole.told.len) == 0);
    buf_free(&whole.told);
    buf_free(&pieces.told);
}

static void check_metadata(const char *text, size_t len) {
    static struct upload_metadata metadata;
    static struct http1_head head;
    struct error err = ERROR_INIT;
    size_t used, total = 0;
    if (http1_parse_request(text, len, &head, &used) != HTTP1_OK ||
        !upload_metadata_read(&head, &metadata, &err))
        return;
    for (size_t i = 0; i < metadata.count; i++) {
        need(strlen(metadata.pairs[i]) <= METADATA_MAX_TOTAL);
        total += strlen(metadata.pairs[i]);
    }
    need(metadata.count % 2 == 0 && total <= METADATA_MAX_TOTAL);
}

/* What is written for a file name is read back as the same name. */
static void check_disposition(const char *text) {
    cleanup_buf struct buf made = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
    if (!disposition_inline(text, &made))
        return;
    need(!strpbrk(made.data, "\r\n"));
    struct slice value = {made.data, made.len};
    need(disposition_is(value, "inline"));
    need(!*text || (disposition_param(value, "filename", &again) && strcmp(again.data, text) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 64 << 10)
        return 0;
    cleanup_free char *text = strndup((const char *)data, size);
    const char *rest = (const char *)data + 1;
    const char *line = memchr(rest, '\n', size - 1);
    if (line)
        check_form((struct slice){rest, (size_t)(line - rest)},
                   (struct slice){line + 1, size - 2 - (size_t)(line - rest)},
                   (size_t)data[0] % 16 + 1);
    check_metadata(rest, size - 1);
    if (text)
        check_disposition(text);
    return 0;
}
