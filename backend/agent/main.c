/* SPDX-License-Identifier: Apache-2.0
 *
 * One binary, two ways in: started by the daemon it is the zygote (which makes the agents), started
 * inside a sandbox under the name sudo it is that.
 */
#include "backend/agent/parts.h"

#include <string.h>

int main(int argc, char **argv) {
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *name = argc > 0 ? (slash ? slash + 1 : argv[0]) : "";
    return strcmp(name, AGENT_ZYGOTE_NAME) == 0 ? zygote_main() : sudo_main(argc, argv);
}
