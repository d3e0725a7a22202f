/* SPDX-License-Identifier: Apache-2.0
 *
 * The words around a terminal session, and the web page of the hosted service.
 */
#include "cli/sandbox/session.h"

#include "cli/context.h"
#include "cli/output.h"
#include "cli/sandbox/process.h"
#include "cli/sandbox/verdict.h"

bool session_possible(struct error *err) {
    if (isatty(STDIN_FILENO))
        return true;
    error_set(err, ERR_USAGE, "standard input is no terminal");
    return error_hint(err, "create one with `e2b sandbox create --detach`, run commands with "
                           "`e2b sandbox exec`, or both with `e2b sandbox run`");
}

/* The hosted service shows its sandboxes on the web. */
static void print_dashboard(const struct invocation *in, const struct handle *handle) {
    const char *base = getenv("E2B_DASHBOARD_BASE"), *domain = getenv("E2B_DOMAIN");
    char url[512];
    if (in->context->target.kind == TARGET_LOCAL)
        return;
    if (base && *base)
        snprintf(url, sizeof(url), "%s/inspect/sandbox/%s", base, handle->address.id);
    else
        snprintf(url, sizeof(url), "https://%s/dashboard/inspect/sandbox/%s",
                 domain && *domain ? domain : "e2b.dev", handle->address.id);
    printf("\nUse the following link to inspect this Sandbox live inside the E2B Dashboard️:\n"
           "↪ \033]8;;%s\007%s\033]8;;\007\n",
           url, url);
}

int session_run(struct invocation *in, const struct handle *handle, const char *where,
                int64_t renew_s, struct error *err) {
    cleanup_json json_t *process = process_describe(in, NULL, 0, PROCESS_SHELL, true);
    const struct attach attach = {
        .client = in->client,
        .sandbox = &handle->address,
        .user = option_string(in, "user"),
        .process = process,
        .tty = true,
        .input = true,
        .renew_s = renew_s,
    };
    struct attach_end end;
    print_dashboard(in, handle);
    printf("\nTerminal connecting to %s %s%s%s\n", where, output_style(stdout, STYLE_BOLD),
           handle->address.id, output_style(stdout, STYLE_END));
    if (!attach_run(&attach, &end, err))
        return -1;
    printf("\nClosing terminal connection to %s %s%s%s\n", where, output_style(stdout, STYLE_BOLD),
           handle->address.id, output_style(stdout, STYLE_END));
    return verdict_shell(&end);
}
