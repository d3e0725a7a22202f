/* SPDX-License-Identifier: Apache-2.0
 *
 * `webhook verify`: is a signature that of a body?
 */
#include "cli/webhook/webhook.h"

#include <stdio.h>

enum { MAX_BODY = 16 << 20 };

static const struct option_spec options[] = {
    {.name = "secret-file",
     .type = OPTION_PATH,
     .value = "file",
     .help = "the webhook's secret, in a file (required)"},
    {.name = "signature",
     .type = OPTION_STRING,
     .value = "text",
     .help = "what the header e2b-signature said (required)"},
    {0},
};

static int verify_run(struct invocation *in, struct error *err) {
    const char *file = option_string(in, "secret-file"),
               *signature = option_string(in, "signature");
    size_t len;
    bool valid = false;
    if (!file || !signature)
        return error_set(err, ERR_USAGE, "--secret-file and --signature are needed") - 1;
    cleanup_secret char *secret = webhook_secret_read(file, err);
    cleanup_free char *body = secret ? resource_read(NULL, MAX_BODY, &len, err) : NULL;
    if (!body || !webhook_verify(secret, body, len, signature, &valid, err)) {
        err->kind = ERR_USAGE; /* another status than that of a signature which is not valid */
        return -1;
    }
    puts(valid ? "The signature is valid" : "The signature is NOT valid");
    return valid ? EXIT_OK : EXIT_FAILED;
}

const struct command command_webhook_verify = {
    .name = "verify",
    .summary = "check the signature of a delivery",
    .description =
        "The body, byte for byte as it came, is read from standard input. Exits 1 if the "
        "signature is not valid, 2 if that cannot be said.",
    .options = options,
    .examples =
        (const char *const[]){
            "e2b webhook verify --secret-file secret.txt --signature \"$SIGNATURE\" <body.json",
            "check what a receiver saved", NULL},
    .handler = verify_run,
};
