/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what a download is asked for. A range that is served lies inside the file, a time
 * that was printed reads back as the same, and any list of codings leads to one of three answers.
 */
#include "backend/envd/coding.h"
#include "backend/envd/media_type.h"
#include "backend/envd/range.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool truth) {
    if (!truth)
        abort();
}

static void check_range(struct slice text, int64_t size) {
    struct file_range r = range_parse(text, size);
    need(r.status == 200 || r.status == 206 || r.status == 416);
    if (r.status == 206)
        need(r.start >= 0 && r.len > 0 && r.start <= size - r.len);
    if (r.status == 200)
        need(r.start == 0 && r.len == size);
}

static void check_date(struct slice text) {
    char printed[HTTP_DATE];
    int64_t when, again;
    if (!http_date_parse(text, &when) || !http_date_format(when, printed))
        return;
    need(http_date_parse((struct slice){printed, strlen(printed)}, &again) && again == when);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct http1_head head;
    struct slice text = {(const char *)data, size};
    size_t used;
    int64_t file = 0;
    memcpy(&file, data, MIN(size, (size_t)7));
    check_range(text, 10);
    check_range(text, file);
    check_date(text);
    enum coding coding = coding_choose(&text);
    need(coding == CODING_IDENTITY || coding == CODING_GZIP || coding == CODING_NONE);
    need(media_type_of_bytes(data, MIN(size, (size_t)MEDIA_SNIFF)) != NULL);
    if (http1_parse_request(text.at, text.len, &head, &used) == HTTP1_OK) {
        struct file_range r = range_decide(&head, 1000, 1000000000);
        need(r.status != 206 || range_is_asked(&head));
    }
    return 0;
}
