/* SPDX-License-Identifier: Apache-2.0
 *
 * `template import`: an image on this machine's disk becomes a template of the local backend.
 */
#include "cli/interrupt.h"
#include "cli/template/buildlog.h"
#include "cli/template/follow.h"
#include "cli/template/template.h"
#include "common/json.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct option_spec options[] = {
    {.name = "start",
     .type = OPTION_BOOL,
     .help = "start the image's ENTRYPOINT and CMD in every sandbox made from the template"},
    {.name = "ready-cmd",
     .type = OPTION_STRING,
     .value = "ready-command",
     .help = "exits 0 when what --start starts is ready (default: sleep 20)"},
    BUILDLOG_OPTION,
    {0},
};

static bool begin(const struct invocation *in, struct response *response, struct error *err) {
    char path[PATH_MAX];
    if (!realpath(in->args[1], path))
        return error_errno(err, errno, "cannot find %s", in->args[1]);
    cleanup_json json_t *body =
        json_pack("{s:s, s:s, s:b, s:s*}", "name", in->args[0], "path", path, "start",
                  option_bool(in, "start"), "readyCmd", option_string(in, "ready-cmd"));
    if (!body)
        return error_set(err, ERR_USAGE, "the name and the path must be UTF-8");
    return client_call(in->client, "POST", "/local/images", body, response, err);
}

static int import_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    struct buildlog log;
    const char *template_id = NULL, *build_id = NULL;
    interrupt_catch();
    buildlog_start(&log, in);
    if (!begin(in, &response, err) ||
        !json_get_string(response.json, "templateID", &template_id, err) ||
        !json_get_string(response.json, "buildID", &build_id, err))
        return -1;
    struct build_follow follow = {.client = in->client,
                                  .template_id = template_id ? template_id : "",
                                  .build_id = build_id ? build_id : "",
                                  .log = &log};
    build_follow_run(&follow, err);
    if (interrupt_signal()) {
        build_follow_interrupted(&follow, true);
        return interrupt_status();
    }
    return err->kind == ERR_NONE && build_follow_verdict(&follow, err) ? EXIT_OK : -1;
}

const struct command command_template_import = {
    .name = "import",
    .summary = "make a template of an image on this machine's disk",
    .description =
        "FILE is what `docker save` or `podman save` wrote, an OCI layout (a directory or an "
        "archive), or a root file system as a tar archive, plain or compressed by gzip, xz, bzip2 "
        "or zstd. Its parts are checked against the digests in it. The image's environment, "
        "working directory and user are those of its sandboxes; where it names no user that is "
        "`user`, as in all sandboxes. Nothing of it is started unless --start says so. The name "
        "may have a tag, so that a Dockerfile's FROM finds it: `e2b template import debian:12 "
        "FILE`.",
    .arguments = "<name> <file>",
    .min_args = 2,
    .max_args = 2,
    .flags = COMMAND_API | COMMAND_LOCAL | COMMAND_MAY_START,
    .options = options,
    .examples = (const char *const[]){"e2b template import debian:12 debian.tar",
                                      "then: e2b sandbox create debian:12", NULL},
    .handler = import_run,
};
