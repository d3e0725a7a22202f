/* SPDX-License-Identifier: Apache-2.0
 *
 * The two halves of the base template. Both run inside the holder namespace, on an empty directory.
 */
#ifndef E2B_IMAGE_BASE_PARTS_H
#define E2B_IMAGE_BASE_PARTS_H

#include "backend/image/maker.h"

/* The root directory: everything but /usr. `host_sudo`: the host's own sudo is what runs inside,
 * so it needs its configuration. */
bool base_make_root(const struct maker *m, bool host_sudo, struct error *err);

struct base_usr {
    bool skeleton; /* the host's /usr shows as nobody's: directories and setuid programs of our own
                    */
    bool python;   /* make `python` mean python3 */
    int sudo;      /* an open program to become usr/bin/sudo; -1: none */
};

/* The layer above the host's /usr. */
bool base_make_usr(const struct maker *m, const struct base_usr *usr, struct error *err);

#endif
