/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of this machine's disk as templates. Only over the Unix socket: whoever asks names a file,
 * and we read it with our own rights.
 */
#include "backend/daemon/daemon.h"

#include "backend/core/build_run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static bool open_image(const char *path, const char *ready, struct build_spec *spec,
                       struct error *err) {
    struct stat st;
    if (*path != '/')
        return error_set(err, ERR_INVALID, "the path of an image must be absolute");
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(err, errno, "cannot open %s", path);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return error_set(err, ERR_INVALID, "%s is neither a file nor a directory", path);
    bool ok = build_spec_new(spec, 1);
    spec->start_cmd = strdup("");
    spec->ready_cmd = strdup(spec->starts_image ? ready : "");
    spec->from_file = strdup(path);
    spec->file = steal_fd(&fd);
    if (!ok || !spec->from_file || !spec->start_cmd || !spec->ready_cmd)
        return error_errno(err, ENOMEM, "cannot import an image");
    return true;
}

static struct build *import(struct daemon *daemon, const json_t *body, struct error *err) {
    const char *name = NULL, *path = NULL, *ready = "sleep 20";
    struct build_spec spec = {.file = -1};
    if (!json_get_string(body, "name", &name, err) || !json_get_string(body, "path", &path, err) ||
        !json_get_string(body, "readyCmd", &ready, err) ||
        !json_get_bool(body, "start", &spec.starts_image, err))
        return NULL;
    if (!name || !path) {
        error_set(err, ERR_INVALID, "\"name\" and \"path\" are needed");
        return NULL;
    }
    const struct build_request request = {.name = name, .cpus = 2, .memory_mb = 1024};
    struct build *build =
        open_image(path, ready, &spec, err) ? build_new(daemon->core, &request, err) : NULL;
    if (build && !build_start(daemon->core, build, &spec, err))
        build = NULL;
    build_spec_free(&spec);
    return build;
}

static void post_image(struct call *call) {
    struct error err = ERROR_INIT;
    if (local_refuse_strangers(call))
        return;
    const struct build *build = import(call->ctx, call->json, &err);
    if (build)
        exchange_reply_json(
            call->x, 202,
            json_pack("{s:s, s:s}", "templateID", build->recipe->id, "buildID", build->id));
    else
        exchange_reply_error(call->x, &err);
}

const struct route local_image_routes[] = {
    {"POST", "/local/images", ROUTE_JSON, post_image},
    {0},
};
