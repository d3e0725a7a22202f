/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pack/pack.h"

#include "common/paths.h"

#include <dlfcn.h>

const struct pack_api *pack_load(struct error *err) {
    char path[PATHS_MAX];
    if (!paths_program("e2b-pack.so", path, err))
        return NULL;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct pack_api *api = module ? dlsym(module, PACK_SYMBOL) : NULL;
    if (api)
        return api;
    error_set(err, ERR_UNSUPPORTED, "cannot load the part that packs files: %s", dlerror());
    error_hint(err, "are libarchive, libdeflate and libcrypto installed?");
    return NULL;
}
