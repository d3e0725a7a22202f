/* SPDX-License-Identifier: Apache-2.0
 *
 * Where fuzz targets of the unpacker let it write: a directory `root`, and `beside` it files that
 * it must not touch. A change of those is seen by their times too, so chmod, link and rename count.
 */
#ifndef E2B_TESTS_FUZZ_SCRATCH_H
#define E2B_TESTS_FUZZ_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Descriptors that stay open; the directory goes when the program ends. */
struct scratch {
    int top, root, beside;
};
const struct scratch *scratch_open(void);

/* Before each input: empties the root but for a few files, and links that lead to `beside`. */
void scratch_fill_root(void);

/* An owned descriptor of the input, in which every header of a tar has the right checksum. */
int scratch_archive(const uint8_t *data, size_t size);

/* After it: aborts if anything was touched, or a descriptor is open that was not before. */
void scratch_check(void);
/* Is it one of the files beside the root? */
bool scratch_is_beside(int fd);

void need(bool truth);

#endif
