/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the small texts of requests: base64, queries and percent-encoding, times and
 * durations, JSON. What decodes must stay inside the room that the callers give it, and what was
 * printed must read back as the same.
 */
#include "backend/http/query.h"
#include "common/base64.h"
#include "common/clock.h"
#include "common/json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Only times of our own are printed: after 1970 and with four digits of year. */
static const int64_t YEAR_10000_MS = 253402300800000;

static void need(bool truth) {
    if (!truth)
        abort();
}

static void check_base64(const char *text, size_t len) {
    cleanup_free uint8_t *out = malloc(base64_decoded_size(len));
    cleanup_free uint8_t *again = malloc(base64_decoded_size(len + 4));
    size_t out_len = 0, again_len = 0;
    if (!out || !again || !base64_decode(text, len, out, &out_len))
        return;
    cleanup_free char *encoded = malloc(base64_encoded_size(out_len));
    if (!encoded)
        return;
    base64_encode(out, out_len, encoded);
    need(base64_decode(encoded, strlen(encoded), again, &again_len));
    need(again_len == out_len && memcmp(out, again, out_len) == 0);
}

static void check_query(const char *text, size_t len) {
    struct slice rest = {text, len}, key, value;
    cleanup_free char *out = malloc(len + 1);
    while (out && query_next(&rest, &key, &value)) {
        need(key.len <= len && value.len <= len);
        if (query_decode(value, out, true))
            need(strlen(out) <= value.len);
        if (query_decode(key, out, false))
            need(strlen(out) <= key.len);
    }
}

static void check_times(const char *text) {
    struct error err;
    int64_t when, again, seconds;
    char printed[CLOCK_TEXT];
    if (clock_parse(text, &when, &err) && when >= 0 && when < YEAR_10000_MS)
        need(clock_parse(clock_format(when, printed), &again, &err) && again == when);
    if (clock_parse_duration(text, &seconds, &err))
        need(seconds >= 0);
}

static void check_json(const char *text, size_t len) {
    struct error err;
    cleanup_json json_t *value = json_parse(text, len, &err);
    if (!value)
        return;
    cleanup_free char *printed = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    need(printed != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_base64(text, size);
    check_query(text, size);
    check_times(text);
    check_json(text, size);
    free(text);
    return 0;
}
