/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: images, whose manifests name their layers. As an archive and as a directory of what
 * is in it, each is refused with words or has layers that are files of its own, and leaves nothing
 * behind.
 */
#include "backend/unpack/unpack.h"
#include "tests/fuzz/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_layers(const struct unpack_image *image) {
    struct stat st;
    need(image->count > 0 && image->count <= UNPACK_MAX_LAYERS);
    for (size_t i = 0; i < image->count; i++)
        need(fstat(image->layers[i].fd, &st) == 0 && S_ISREG(st.st_mode) &&
             !scratch_is_beside(image->layers[i].fd));
}

static void find(int source) {
    struct error err = ERROR_INIT;
    struct unpack_image image = {.count = 0};
    need(dup2(source, UNPACK_SOURCE) == UNPACK_SOURCE);
    bool found = unpack_find_image(&image, &err);
    need(found ? err.kind == ERR_NONE : err.kind != ERR_NONE && err.message[0]);
    if (found) {
        json_t *description = unpack_describe(&image);
        need(json_is_object(json_object_get(description, "env")));
        json_decref(description);
        check_layers(&image);
    }
    unpack_image_free(&image);
}

static void find_in_both(const struct scratch *scratch, const uint8_t *data, size_t size) {
    struct unpack_counts counts = {0};
    struct error ignored = ERROR_INIT;
    cleanup_close int archive = scratch_archive(data, size);
    find(archive);
    const struct unpack_layer layer = {.fd = archive};
    unpack_layer(scratch->root, &layer, &counts, &ignored);
    find(scratch->root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int fd = UNPACK_SOURCE; fd <= UNPACK_SPOOL; fd++) /* nobody else may come to have them */
        need(fcntl(fd, F_GETFD) >= 0 || dup2(0, fd) == fd);
    const struct scratch *scratch = scratch_open();
    scratch_fill_root();
    need(dup2(scratch->beside, UNPACK_SPOOL) == UNPACK_SPOOL);
    find_in_both(scratch, data, size);
    scratch_check();
    return 0;
}
