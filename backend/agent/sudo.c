/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox's sudo, for a user who may become anybody anyway and has no password: what scripts
 * use of it. Setuid root. Where only one id is mapped there is nobody to become, and the command
 * runs as it is.
 */
#include "backend/agent/parts.h"
#include "backend/agent/users.h"
#include "common/util.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>

#define SAFE_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { MAX_GROUPS = 128, MAX_KEPT = 64 };

struct sudo {
    const char *user, *directory;
    bool keep_environment, login, shell, set_home, validate;
    struct user target;
    char kept[MAX_KEPT][32]; /* names given by --preserve-env=A,B */
    size_t kept_count;
};

static noreturn void give_up(int status, const char *what, const char *why) {
    fprintf(stderr, "sudo: %s%s%s\n", what, why ? ": " : "", why ? why : "");
    exit(status);
}

static void keep_names(struct sudo *s, const char *list) {
    while (*list && s->kept_count < MAX_KEPT) {
        size_t len = strcspn(list, ",");
        if (len < sizeof(s->kept[0]))
            memcpy(s->kept[s->kept_count++], list, len);
        list += len + (list[len] == ',');
    }
}

static int parse(struct sudo *s, int argc, char **argv) {
    static const struct option options[] = {
        {"user", required_argument, NULL, 'u'},
        {"chdir", required_argument, NULL, 'D'},
        {"preserve-env", optional_argument, NULL, 'E'},
        {"login", no_argument, NULL, 'i'},
        {"shell", no_argument, NULL, 's'},
        {"set-home", no_argument, NULL, 'H'},
        {"non-interactive", no_argument, NULL, 'n'},
        {"stdin", no_argument, NULL, 'S'},
        {"reset-timestamp", no_argument, NULL, 'k'},
        {"validate", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "+u:D:p:EisHnSkv", options, NULL)) != -1;) {
        switch (c) {
        case 'u':
            s->user = optarg;
            break;
        case 'D':
            s->directory = optarg;
            break;
        case 'E':
            s->keep_environment |= !optarg;
            keep_names(s, optarg ? optarg : "");
            break;
        case 'i':
            s->login = true;
            break;
        case 's':
            s->shell = true;
            break;
        case 'H':
            s->set_home = true;
            break;
        case 'v':
        case 'k':
            s->validate = true;
            break;
        case 'n': /* there is never a password to ask for */
        case 'S':
        case 'p':
            break;
        default:
            fputs("usage: sudo [-EHnS] [-u user] [-D directory] "
                  "[-i | -s] [VAR=value] [command [argument...]]\n",
                  stderr);
            exit(1);
        }
    }
    return optind;
}

static bool is_kept(const struct sudo *s, const char *entry) {
    static const char *const always[] = {"TERM", "COLORTERM", "LANG", "LANGUAGE", "DISPLAY", "TZ"};
    size_t len = strcspn(entry, "=");
    if (strncmp(entry, "LC_", 3) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (strlen(always[i]) == len && strncmp(always[i], entry, len) == 0)
            return true;
    for (size_t i = 0; i < s->kept_count; i++)
        if (strlen(s->kept[i]) == len && strncmp(s->kept[i], entry, len) == 0)
            return true;
    return false;
}

static void set(const char *name, const char *value) {
    if (setenv(name, value, 1) < 0)
        give_up(1, "cannot set the environment", strerror(errno));
}

static void set_environment(const struct sudo *s, const struct user *caller) {
    char id[16];
    size_t kept = 0;
    for (size_t i = 0; environ[i]; i++)
        if (s->keep_environment || is_kept(s, environ[i]))
            environ[kept++] = environ[i];
    environ[kept] = NULL;
    set("PATH", SAFE_PATH);
    if (!s->keep_environment || s->set_home || s->login)
        set("HOME", s->target.home);
    set("USER", s->target.name);
    set("LOGNAME", s->target.name);
    set("SHELL", "/bin/bash");
    set("SUDO_USER", caller->name);
    snprintf(id, sizeof(id), "%u", caller->uid);
    set("SUDO_UID", id);
    snprintf(id, sizeof(id), "%u", caller->gid);
    set("SUDO_GID", id);
}

static void become(const struct sudo *s) {
    uint32_t groups[MAX_GROUPS];
    size_t count = users_groups(&s->target, groups, MAX_GROUPS);
    if (setgroups(count, groups) < 0 ||
        setresgid(s->target.gid, s->target.gid, s->target.gid) < 0 ||
        setresuid(s->target.uid, s->target.uid, s->target.uid) < 0)
        give_up(1, "cannot change the user", strerror(errno));
}

/* How many ids the namespace maps: one means that there is nobody to become. */
static bool has_ids(void) {
    unsigned inside, outside, count, total = 0;
    FILE *map = fopen("/proc/self/uid_map", "re");
    if (!map)
        return true;
    while (fscanf(map, "%u %u %u", &inside, &outside, &count) == 3)
        total += MIN(count, 2u);
    fclose(map);
    return total != 1;
}

static void take_assignments(char ***argv) {
    for (; **argv; (*argv)++) {
        char *equals = strchr(**argv, '=');
        if (!equals || equals == **argv)
            return;
        *equals = '\0';
        set(**argv, equals + 1);
    }
}

static noreturn void run(const struct sudo *s, char **command) {
    static char shell[] = "/bin/bash", login_name[] = "-bash", as_given[] = "exec \"$@\"";
    static char dash_c[] = "-c";
    const bool by_shell = s->login || s->shell;
    char *name = s->login ? login_name : shell;
    size_t count = 0;
    while (command[count])
        count++;
    char **in_shell = calloc(count + 5, sizeof(char *));
    if (!in_shell)
        give_up(1, "out of memory", NULL);
    in_shell[0] = name;
    if (count) {
        in_shell[1] = dash_c;
        in_shell[2] = as_given;
        in_shell[3] = shell;
        memcpy(in_shell + 4, command, count * sizeof(char *));
    }
    execvp(by_shell ? shell : command[0], by_shell ? in_shell : command);
    give_up(errno == ENOENT ? 127 : 126, by_shell ? shell : command[0],
            errno == ENOENT ? "command not found" : strerror(errno));
}

int sudo_main(int argc, char **argv) {
    static struct sudo s = {.user = "root"};
    struct user caller = {.uid = getuid(), .gid = getgid()};
    users_name_of(caller.uid, caller.name);
    char **command = argv + parse(&s, argc, argv);
    if (!users_find(s.user, &s.target))
        give_up(1, "unknown user", s.user);
    if (s.validate && !*command)
        return 0;
    const bool change = has_ids();
    if (change && geteuid() != 0)
        give_up(1, "it must be owned by root and have the setuid bit set", NULL);
    set_environment(&s, &caller);
    take_assignments(&command);
    if (!*command && !s.shell && !s.login)
        give_up(1, "a command is missing", "try sudo -s");
    if (change)
        become(&s);
    const char *directory = s.directory ? s.directory : s.login ? s.target.home : NULL;
    if (directory && chdir(directory) < 0)
        give_up(1, directory, strerror(errno));
    run(&s, command);
}
