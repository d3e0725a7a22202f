/* SPDX-License-Identifier: Apache-2.0
 *
 * The main of a fuzz target that is not fuzzed: feeds it every file of its corpus directory, as a
 * test in TAP. A crash ends the plan early, which the runner reports with the last name printed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LARGEST_INPUT = 1 << 20 };

static int replay(const char *directory, const char *name, int number) {
    char path[4096];
    static uint8_t input[LARGEST_INPUT];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    if (!file) {
        printf("not ok %d - %s cannot be read\n", number, name);
        return 1;
    }
    size_t size = fread(input, 1, sizeof(input), file);
    fclose(file);
    printf("# %s\n", name);
    fflush(stdout);
    /* A copy of exactly its size, so that a sanitizer sees the first byte read past the end. */
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        return 1;
    for (size_t i = 0; i < size; i++)
        exact[i] = input[i];
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    printf("ok %d - %s\n", number, name);
    return 0;
}

static int not_hidden(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv) {
    struct dirent **entries;
    int count = argc == 2 ? scandir(argv[1], &entries, not_hidden, alphasort) : -1;
    if (count < 0) {
        fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
        return 2;
    }
    printf("1..%d\n", count);
    int failed = 0;
    for (int i = 0; i < count; i++) {
        failed |= replay(argv[1], entries[i]->d_name, i + 1);
        free(entries[i]);
    }
    free(entries);
    return failed;
}
