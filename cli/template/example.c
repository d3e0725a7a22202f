/* SPDX-License-Identifier: Apache-2.0
 *
 * Two programs, each under a rule as wide as it.
 */
#include "cli/template/example.h"

#include "common/util.h"

#include <string.h>

enum { LINE_MAX_LEN = 512, LEFT = 3, RIGHT = 2 };

static void rule(FILE *out, size_t count) {
    while (count--)
        fputs("─", out);
}

static void print_program(FILE *out, const char *title, const char *const *lines, size_t count,
                          const char *name) {
    char texts[8][LINE_MAX_LEN];
    size_t width = strlen(title) + 4, space;
    for (size_t i = 0; i < count; i++) {
        const char *hole = strchr(lines[i], '@');
        snprintf(texts[i], LINE_MAX_LEN, "%.*s%s%s", (int)strcspn(lines[i], "@"), lines[i],
                 hole ? name : "", hole ? hole + 1 : "");
        width = MAX(width, strlen(texts[i]) + LEFT + RIGHT);
    }
    space = width - 1 - strlen(title) - 2;
    fputc(' ', out);
    rule(out, space / 2);
    fprintf(out, " %s ", title);
    rule(out, space - space / 2);
    fprintf(out, "\n%*s\n", (int)width, "");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%*s%-*s\n", LEFT, "", (int)width - LEFT, texts[i]);
}

void example_print(FILE *out, const char *name) {
    static const char *const python[] = {
        "from e2b import Sandbox, AsyncSandbox",
        "",
        "# Create sync sandbox",
        "sandbox = Sandbox.create(\"@\")",
        "",
        "# Create async sandbox",
        "sandbox = await AsyncSandbox.create(\"@\")",
    };
    static const char *const javascript[] = {
        "import { Sandbox } from 'e2b'",
        "",
        "// Create sandbox",
        "const sandbox = await Sandbox.create('@')",
    };
    fprintf(out, "\nTry it: e2b sandbox create %s\n\n", name);
    print_program(out, "Python SDK", python, ARRAY_LEN(python), name);
    fputc('\n', out);
    print_program(out, "JS SDK", javascript, ARRAY_LEN(javascript), name);
    fputc('\n', out);
}
