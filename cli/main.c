/* SPDX-License-Identifier: Apache-2.0
 *
 * Prepares the process: three open descriptors, so that a socket never becomes "standard output";
 * a closed pipe is an error to handle and no signal; characters have the user's width.
 */
#include "cli/command.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>

static bool open_standard_files(void) {
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO && fcntl(fd, F_SETFD, 0) == 0);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

int main(int argc, char **argv) {
    if (!open_standard_files())
        return EXIT_FAILED;
    signal(SIGPIPE, SIG_IGN);
    setlocale(LC_CTYPE, "");
    return command_main(argc, argv);
}
