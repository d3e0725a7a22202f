/* SPDX-License-Identifier: Apache-2.0
 *
 * The edge at which an error becomes text.
 */
#include "cli/report.h"

#include "cli/command.h"
#include "cli/output.h"

#include <jansson.h>
#include <stdio.h>

const struct report_code report_codes[] = {
    {EXIT_OK, "done"},
    {EXIT_FAILED, "failed for a reason that has no status of its own"},
    {EXIT_USAGE, "the command line was wrong: nothing was done"},
    {EXIT_AUTH, "no credentials, wrong ones, or not allowed"},
    {EXIT_NOT_FOUND, "the sandbox, template or other thing does not exist"},
    {EXIT_CONFLICT, "the thing is in a state that does not allow it"},
    {EXIT_LIMIT, "a limit was reached: too many, too large, or no space left"},
    {EXIT_SERVER, "the server cannot be reached, or failed"},
    {EXIT_UNSUPPORTED, "this host or server cannot do it"},
    {EXIT_TIMEOUT, "it took longer than allowed"},
    {0, NULL},
};

int report_status(const struct error *err) {
    switch (err->kind) {
    case ERR_USAGE:
        return EXIT_USAGE;
    case ERR_UNAUTHENTICATED:
    case ERR_FORBIDDEN:
        return EXIT_AUTH;
    case ERR_NOT_FOUND:
    case ERR_GONE:
        return EXIT_NOT_FOUND;
    case ERR_CONFLICT:
        return EXIT_CONFLICT;
    case ERR_TOO_LARGE:
    case ERR_LIMIT:
    case ERR_NO_SPACE:
        return EXIT_LIMIT;
    case ERR_UNAVAILABLE:
        return EXIT_SERVER;
    case ERR_UNSUPPORTED:
        return EXIT_UNSUPPORTED;
    case ERR_TIMEOUT:
        return EXIT_TIMEOUT;
    case ERR_NONE:
    case ERR_INVALID:
    case ERR_INTERNAL:
        break;
    }
    return err->http_status >= 500 ? EXIT_SERVER : EXIT_FAILED;
}

static void report_json(const struct error *err) {
    json_t *object = json_pack("{s:s+, s:s, s:s?}", "error", err->message, "", "code",
                               error_kind_name(err->kind), "hint", err->hint[0] ? err->hint : NULL);
    /* A message that is no UTF-8 makes no string: the code alone says enough then. */
    if (!object)
        object = json_pack("{s:n, s:s, s:n}", "error", "code", error_kind_name(err->kind), "hint");
    json_dumpf(object, stderr, JSON_COMPACT);
    fputc('\n', stderr);
    json_decref(object);
}

void report_error(const struct error *err, bool as_json) {
    if (as_json)
        return report_json(err);
    fprintf(stderr, "%serror:%s ", output_style(stderr, STYLE_RED),
            output_style(stderr, STYLE_END));
    output_safe(stderr, err->message, "\n");
    fputc('\n', stderr);
    if (!err->hint[0])
        return;
    /* A mistake in typing is answered as the official command line does. */
    fputs(err->kind == ERR_USAGE ? "(" : "hint: ", stderr);
    output_safe(stderr, err->hint, "\n");
    fputs(err->kind == ERR_USAGE ? ")\n" : "\n", stderr);
}
