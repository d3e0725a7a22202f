/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a function of ours in a child that has entered the holder user namespace as its root, with
 * all rights over files of the sandboxes' ids and none over anybody else's. Blocks until it ends.
 */
#ifndef E2B_IMAGE_HOLDER_RUN_H
#define E2B_IMAGE_HOLDER_RUN_H

#include "common/error.h"

/* `holder` is the user namespace. The child sees the caller's memory
 * and descriptors as they are; what it changes in memory is lost, but for *err. */
bool holder_run(int holder, bool (*work)(void *ctx, struct error *err), void *ctx,
                struct error *err);

#endif
