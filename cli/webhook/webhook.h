/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands below `e2b webhook`. A secret is read from a file or standard input, never from the
 * command line; one that is made here is shown once.
 */
#ifndef E2B_CLI_WEBHOOK_WEBHOOK_H
#define E2B_CLI_WEBHOOK_WEBHOOK_H

#include "cli/command.h"
#include "cli/event/types.h"
#include "cli/resource.h"

#define WEBHOOKS_PATH "/events/webhooks"
enum { WEBHOOK_MAX_SECRET = 512, WEBHOOK_SECRET = 48 };

extern const struct command command_webhook_add;
extern const struct command command_webhook_deliveries;
extern const struct command command_webhook_listen;
extern const struct command command_webhook_resend;
extern const struct command command_webhook_stats;
extern const struct command command_webhook_trigger;
extern const struct command command_webhook_update;
extern const struct command command_webhook_verify;

/* From a file ("-": standard input), without the line end; wiped by webhook_secret_free. */
char *webhook_secret_read(const char *file, struct error *err);
void webhook_secret_free(char **secret);
#define cleanup_secret cleanup(webhook_secret_free)
void webhook_secret_make(char secret[static WEBHOOK_SECRET]);

/* Is it the signature of the body? Needs libcrypto, which is loaded now. */
bool webhook_verify(const char *secret, const void *body, size_t len, const char *signature,
                    bool *valid, struct error *err);

/* The signature's module: the one symbol of e2b-sign.so. */
#define WEBHOOK_SIGN_SYMBOL "webhook_sign"

#endif
