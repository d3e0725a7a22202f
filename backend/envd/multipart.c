/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/multipart.h"
#include "backend/envd/disposition.h"

#include <string.h>

enum state {
    PREAMBLE, /* as DATA, but nobody wants it */
    DATA,
    BEHIND, /* behind a delimiter: "--", or white space and the end of the line */
    BEHIND_DASH,
    BEHIND_CR,
    HEAD, /* lines up to an empty one */
    EPILOGUE,
    BAD,
};

bool multipart_init(struct multipart *m, struct slice content_type) {
    *m = (struct multipart){.head = BUF_INIT(MULTIPART_MAX_HEAD),
                            .name = BUF_INIT(MULTIPART_MAX_HEAD),
                            .filename = BUF_INIT(MULTIPART_MAX_HEAD)};
    cleanup_buf struct buf boundary = BUF_INIT(MULTIPART_MAX_BOUNDARY);
    if (!disposition_param(content_type, "boundary", &boundary) || !boundary.len)
        return false;
    for (size_t i = 0; i < boundary.len; i++)
        if (boundary.data[i] < ' ' || boundary.data[i] > '~')
            return false;
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.data, boundary.len);
    m->delimiter_len = 4 + boundary.len;
    m->matched = m->assumed = 2; /* the first one may stand at the very beginning */
    m->state = PREAMBLE;
    return true;
}

void multipart_free(struct multipart *m) {
    buf_free(&m->head);
    buf_free(&m->name);
    buf_free(&m->filename);
}

bool multipart_is_complete(const struct multipart *m) {
    return m->state == EPILOGUE;
}

/* Looks for the delimiter. Sets *used, and *data to what lies before it. A boundary holds no CR, so
 * that a match that fails can start again only at the byte that broke it. True: found. */
static bool find_delimiter(struct multipart *m, const char *bytes, size_t len, size_t *used,
                           struct slice *data) {
    size_t i = 0;
    if (!m->matched) {
        const char *cr = memchr(bytes, '\r', len);
        i = cr ? (size_t)(cr - bytes) : len;
        *data = (struct slice){bytes, i};
        *used = i;
        if (i || !len)
            return false;
    }
    while (i < len && m->matched < m->delimiter_len && bytes[i] == m->delimiter[m->matched]) {
        i++;
        m->matched++;
    }
    *used = i;
    *data = (struct slice){bytes, 0};
    if (m->matched == m->delimiter_len) {
        m->matched = m->assumed = 0;
        return true;
    }
    if (i < len) {
        /* What had matched was data: it reads as the delimiter does. */
        *data = (struct slice){m->delimiter + m->assumed, m->matched - m->assumed};
        m->matched = m->assumed = 0;
    }
    return false;
}

static enum multipart_event in_data(struct multipart *m, const char *bytes, size_t len,
                                    size_t *used, struct slice *data) {
    bool wanted = m->state == DATA;
    bool found = find_delimiter(m, bytes, len, used, data);
    if (found)
        m->state = BEHIND;
    if (found && wanted)
        return MULTIPART_PART_END;
    return wanted && data->len ? MULTIPART_DATA : MULTIPART_MORE;
}

static void behind(struct multipart *m, char c) {
    switch (m->state) {
    case BEHIND:
        m->state = c == '-' ? BEHIND_DASH : c == '\r' ? BEHIND_CR : BEHIND;
        if (c != '-' && c != '\r' && c != ' ' && c != '\t')
            m->state = BAD;
        break;
    case BEHIND_DASH:
        m->state = c == '-' ? EPILOGUE : BAD;
        break;
    default:
        m->state = c == '\n' ? HEAD : BAD;
        m->head.len = 0;
    }
}

static bool parse_disposition(struct multipart *m, struct slice value) {
    if (!disposition_is(value, "form-data"))
        return false;
    disposition_param(value, "name", &m->name);
    if (!disposition_param(value, "filename", &m->filename))
        buf_free(&m->filename);
    return true;
}

static bool parse_head(struct multipart *m) {
    static const char field[] = "content-disposition";
    buf_free(&m->name);
    buf_free(&m->filename);
    const char *at = m->head.data, *end = at + m->head.len;
    while (at < end) {
        const char *line_end = memchr(at, '\r', (size_t)(end - at));
        struct slice line = {at, (size_t)(line_end - at)};
        const char *colon = memchr(at, ':', line.len);
        if (!line.len)
            return true;
        if (!colon || line_end[1] != '\n')
            return false;
        struct slice name = {at, (size_t)(colon - at)};
        struct slice value = {colon + 1, line.len - name.len - 1};
        if (slice_is_nocase(name, field) && !parse_disposition(m, value))
            return false;
        at = line_end + 2;
    }
    return true;
}

static bool head_is_complete(const struct buf *head) {
    return (head->len == 2 && memcmp(head->data, "\r\n", 2) == 0) ||
           (head->len >= 4 && memcmp(head->data + head->len - 4, "\r\n\r\n", 4) == 0);
}

static enum multipart_event in_head(struct multipart *m, const char *bytes, size_t len,
                                    size_t *used) {
    for (*used = 0; *used < len;) {
        if (!buf_add(&m->head, bytes + (*used)++, 1)) {
            m->state = BAD;
            return MULTIPART_BAD;
        }
        if (!head_is_complete(&m->head))
            continue;
        m->state = parse_head(m) ? DATA : BAD;
        /* In an empty part the line end of the head is the delimiter's as well. */
        m->matched = m->assumed = 2;
        return m->state == DATA ? MULTIPART_PART : MULTIPART_BAD;
    }
    return MULTIPART_MORE;
}

enum multipart_event multipart_next(struct multipart *m, const char *bytes, size_t len,
                                    size_t *used, struct slice *data) {
    size_t total = 0;
    enum multipart_event event = MULTIPART_MORE;
    *data = (struct slice){bytes, 0};
    while (event == MULTIPART_MORE && total < len) {
        size_t step = 1;
        if (m->state == PREAMBLE || m->state == DATA)
            event = in_data(m, bytes + total, len - total, &step, data);
        else if (m->state == HEAD)
            event = in_head(m, bytes + total, len - total, &step);
        else if (m->state == EPILOGUE || m->state == BAD)
            step = len - total;
        else
            behind(m, bytes[total]);
        total += step;
        if (m->state == BAD)
            event = MULTIPART_BAD;
        else if (m->state == EPILOGUE)
            event = MULTIPART_END;
    }
    *used = total;
    return event;
}
