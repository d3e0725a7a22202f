/* SPDX-License-Identifier: Apache-2.0
 *
 * pair ROUNDS NAME COMMAND... :: NAME COMMAND... [:: ...]: runs the commands in turn, round after
 * round, so that whatever else the machine does meets all of them alike. Prints for each one
 * "NAME p50 p95 p99 max" in microseconds of wall time, the start of the program included.
 */
#include "common/clock.h"
#include "common/util.h"
#include "tests/bench/stats.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

enum { MAX_COMMANDS = 16, WARM_UP = 2 };

extern char **environ;

struct command {
    const char *name;
    char **argv;
    int64_t *times;
};

static int parse(char **argv, struct command commands[MAX_COMMANDS]) {
    int count = 0;
    while (*argv && count < MAX_COMMANDS) {
        commands[count].name = *argv++;
        commands[count].argv = argv;
        count++;
        while (*argv && strcmp(*argv, "::") != 0)
            argv++;
        if (*argv)
            *argv++ = NULL;
    }
    return count;
}

static int64_t run(const struct command *command, posix_spawn_file_actions_t *files) {
    pid_t pid;
    int status;
    int64_t began = clock_mono_us();
    if (posix_spawnp(&pid, command->argv[0], files, NULL, command->argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "pair: %s failed\n", command->name);
        exit(1);
    }
    return clock_mono_us() - began;
}

int main(int argc, char **argv) {
    struct command commands[MAX_COMMANDS];
    posix_spawn_file_actions_t files;
    int rounds = argc > 3 ? atoi(argv[1]) : 0;
    int count = rounds > 0 ? parse(argv + 2, commands) : 0;
    if (count == 0) {
        fprintf(stderr, "usage: pair ROUNDS NAME COMMAND... [:: NAME COMMAND...]\n");
        return 2;
    }
    posix_spawn_file_actions_init(&files);
    const char *null = getenv("BENCH_NULL");
    posix_spawn_file_actions_addopen(&files, 0, null ? null : "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, null ? null : "/dev/null", O_WRONLY, 0);
    for (int i = 0; i < count; i++)
        commands[i].times = calloc((size_t)rounds, sizeof(int64_t));
    for (int round = -WARM_UP; round < rounds; round++)
        for (int i = 0; i < count; i++) {
            int64_t took = run(&commands[i], &files);
            if (round >= 0)
                commands[i].times[round] = took;
        }
    for (int i = 0; i < count; i++) {
        stats_print(commands[i].name, commands[i].times, (size_t)rounds);
        free(commands[i].times);
    }
    posix_spawn_file_actions_destroy(&files);
    return 0;
}
