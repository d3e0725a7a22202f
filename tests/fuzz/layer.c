/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: layers of images. Whatever an archive says, it is unpacked below the root directory
 * or refused with words; a second time over what the first left as well.
 */
#include "backend/unpack/unpack.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct scratch *scratch = scratch_open();
    struct unpack_counts counts = {0};
    scratch_fill_root();
    for (int i = 0; i < 2; i++) {
        struct error err = ERROR_INIT;
        cleanup_close int fd = scratch_archive(data, size);
        const struct unpack_layer layer = {.fd = fd};
        need(unpack_layer(scratch->root, &layer, &counts, &err) == (err.kind == ERR_NONE));
        need(err.kind == ERR_NONE || err.message[0]);
    }
    scratch_check();
    return 0;
}
