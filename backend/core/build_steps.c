/* SPDX-License-Identifier: Apache-2.0
 *
 * See build_steps.h.
 */
#include "backend/core/build_steps.h"
#include "common/buf.h"
#include "common/ids.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { EXPAND_DEPTH = 32, LINE_MAX_SIZE = 8 << 20 };

#define STANDARD_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char run_script[] = "if [ -x /bin/bash ]; then s=/bin/bash; else s=/bin/sh; fi\n"
                                 "exec \"$s\" -l -c \"$1\"\n";

/* The archive comes on standard input. It is unpacked on the disk of the target, given its owner
 * and mode, and only then put in place: a directory's contents into the target, whose own links to
 * directories are followed. What the target does not have yet is renamed, which costs nothing, but
 * for files beside each other: a program started for each would cost more than a copy. After a
 * failure nothing is removed: that goes with the sandbox, and why it failed can still be seen. */
static const char copy_script[] =
    "set -e\n"
    "src=$1 dest=$2 user=$3 mode=$4 zip=$5 base=$6\n"
    "umask 022\n"
    "[ -n \"$base\" ] || base=$(sed -n \"s|^$user:[^:]*:[^:]*:[^:]*:[^:]*:\\([^:]*\\):.*|\\1|p\" "
    "/etc/passwd)\n"
    "case $dest in /*) ;; *) dest=${base:-/}/$dest ;; esac\n"
    "new=$(mktemp -d /.e2b-copy.XXXXXX)\n"
    "tar -x${zip}of - -C \"$new\"\n"
    "from=$new/$src\n"
    "[ -e \"$from\" ] || [ -L \"$from\" ] || "
    "{ echo \"'$src' is not in the uploaded files\" >&2; exit 1; }\n"
    "case $user in\n"
    "*:*) chown -hR \"$user\" \"$from\" ;;\n"
    "*) chown -hR \"$user:$user\" \"$from\" 2>/dev/null || chown -hR \"$user:\" \"$from\" ;;\n"
    "esac\n"
    "if [ -n \"$mode\" ] && [ ! -L \"$from\" ]; then\n"
    "  if [ -d \"$from\" ]; then chmod -R \"$mode\" \"$from\"; else chmod \"$mode\" \"$from\"; fi\n"
    "fi\n"
    "if [ -d \"$from\" ] && [ ! -L \"$from\" ]; then\n"
    "  from=$(cd \"$from\" && pwd -P)\n"
    "  if [ ! -d \"$dest\" ]; then\n"
    "    mkdir -p \"$dest\"; dest=$(cd \"$dest\" && pwd -P); rmdir \"$dest\"\n"
    "    chmod 755 \"$from\"; mv \"$from\" \"$dest\"; rm -rf \"$new\"; exit\n"
    "  fi\n"
    "  keep=; tar --help 2>&1 | grep -q keep-directory-symlink && keep=--keep-directory-symlink\n"
    "  cd \"$from\"\n"
    "  left=100\n"
    "  for name in ./* ./.[!.]* ./..?*; do\n"
    "    [ -e \"$name\" ] || [ -L \"$name\" ] || continue\n"
    "    if [ $left -gt 0 ] && [ -d \"$name\" ] && [ ! -L \"$name\" ] && "
    "[ ! -e \"$dest/$name\" ] && [ ! -L \"$dest/$name\" ]; then\n"
    "      mv \"$name\" \"$dest/\"; left=$((left - 1))\n"
    "    else printf '%s\\0' \"$name\"; fi\n"
    "  done > \"$new.names\"\n"
    "  if [ -s \"$new.names\" ]; then\n"
    "    if [ -n \"$keep\" ]; then tar -c --null -T \"$new.names\" -f - | "
    "tar -xp $keep --no-overwrite-dir -f - -C \"$dest\"; else cp -a . \"$dest/\"; fi\n"
    "  fi\n"
    "  rm -f \"$new.names\"\n"
    "else\n"
    "  case $dest in */) mkdir -p \"$dest\" ;; esac\n"
    "  if [ -d \"$dest\" ]; then dest=$dest/$(basename \"$from\"); fi\n"
    "  mkdir -p \"$(dirname \"$dest\")\"\n"
    "  mv -f \"$from\" \"$dest\"\n"
    "fi\n"
    "rm -rf \"$new\"\n";

static const char workdir_script[] =
    "mkdir -p \"$1\" && { chown \"$2:$2\" \"$1\" || chown \"$2\" \"$1\" || true; } 2>/dev/null\n";

/* Writes the user's name: one that was given as a number has one, too. */
static const char user_script[] =
    "u=$1\n"
    "name_of() { sed -n \"s|^\\([^:]*\\):[^:]*:$1:.*|\\1|p\" /etc/passwd | head -n 1; }\n"
    "case $u in\n"
    "*[!0-9]*) n=$(sed -n \"s|^\\($u\\):.*|\\1|p\" /etc/passwd) ;;\n"
    "*) n=$(name_of \"$u\"); [ -n \"$n\" ] || set -- \"u$u\" \"$2\" \"-u $u\"; u=$1 ;;\n"
    "esac\n"
    "if [ -z \"$n\" ]; then n=$u\n"
    /* a map of one id and no more: everybody is root */
    "  { read -r inside outside ids; read -r more; } < /proc/self/uid_map\n"
    "  if [ \"$ids$more\" = 1 ]; then mkdir -p /etc \"/home/$u\" && "
    "echo \"$u:x:0:0::/home/$u:/bin/sh\" >> /etc/passwd || exit 1\n"
    "  elif command -v useradd >/dev/null; then "
    "useradd --create-home --shell /bin/bash $3 \"$u\" >&2 || exit 1\n"
    "  elif command -v adduser >/dev/null; then adduser -D $3 \"$u\" >&2 || exit 1\n"
    "  else\n"
    "    i=${3#-u }; i=${i:-1000}\n"
    "    while [ -n \"$(name_of $i)\" ]; do i=$((i + 1)); done\n"
    "    mkdir -p /etc \"/home/$u\" && echo \"$u:x:$i:$i::/home/$u:/bin/sh\" >> /etc/passwd &&\n"
    "    echo \"$u:x:$i:\" >> /etc/group && chown \"$i:$i\" \"/home/$u\" || exit 1\n"
    "  fi\n"
    "fi\n"
    "if [ \"$2\" = true ]; then\n"
    "  f=/etc/sudoers.d/$n; l=\"$n ALL=(ALL:ALL) NOPASSWD: ALL\"\n"
    "  [ \"$(cat \"$f\" 2>/dev/null)\" = \"$l\" ] || "
    "{ mkdir -p /etc/sudoers.d && echo \"$l\" > \"$f\" && chmod 0440 \"$f\" || exit 1; }\n"
    "fi\n"
    "echo \"$n\"\n";

static const char finalize_script[] =
    "printf 'ENV_ID=%s\\nTEMPLATE_ID=%s\\nBUILD_ID=%s\\n' \"$1\" \"$1\" \"$2\" > /.e2b\n"
    "for d in /usr/local /code; do [ ! -d $d ] || chmod 777 $d 2>/dev/null; done\n"
    "exit 0\n";

void step_command_free(struct step_command *command) {
    for (size_t i = 0; i < ARRAY_LEN(command->owned); i++)
        free(command->owned[i]);
    *command = (struct step_command){.user = NULL};
}

bool step_runs(const struct build_step *step) {
    return step->type != STEP_ENV && step->type != STEP_ARG;
}

static bool no_memory(struct error *err) {
    return error_errno(err, ENOMEM, "cannot prepare the step");
}

static void begin(struct step_command *command, const char *user, const char *script) {
    *command =
        (struct step_command){.user = user, .cwd = "", .argv = {"/bin/sh", "-c", script, "sh"}};
    if (strcmp(user, "root") == 0)
        command->cwd = "/";
}

/* ---- RUN ---- */

static bool has_part(const char *path, const char *part, size_t len) {
    while (*path) {
        size_t at = strcspn(path, ":");
        if (at == len && strncmp(path, part, len) == 0)
            return true;
        path += at + (path[at] == ':');
    }
    return false;
}

/* The usual directories stay reachable, whatever PATH was set to. */
static bool add_path(struct buf *text, const char *path) {
    bool ok = buf_puts(text, "PATH='");
    for (const char *at = path; ok && *at; at++)
        ok = *at == '\'' ? buf_puts(text, "'\\''") : buf_add(text, at, 1);
    for (const char *at = STANDARD_PATH; ok && *at;) {
        size_t len = strcspn(at, ":");
        if (!has_part(path, at, len))
            ok = buf_printf(text, ":%.*s", (int)len, at);
        at += len + (at[len] == ':');
    }
    return ok && buf_puts(text, "'; export PATH; ");
}

bool step_shell(const char *line, const struct build_state *state, struct step_command *command,
                struct error *err) {
    const char *path = pairs_get(&state->env, "PATH");
    cleanup_buf struct buf text = BUF_INIT(LINE_MAX_SIZE);
    begin(command, state->user, run_script);
    command->cwd = state->workdir;
    command->argv[4] = line;
    if (!path)
        return true;
    /* A login shell sets it by /etc/profile. */
    if (!add_path(&text, path) || !buf_puts(&text, line))
        return no_memory(err);
    command->owned[0] = buf_steal(&text);
    command->argv[4] = command->owned[0];
    return command->owned[0] || no_memory(err);
}

/* ---- COPY ---- */

/* Up to the first wildcard; of a name that has one, the directory it is in. */
static char *source_of(const char *pattern) {
    size_t len = strcspn(pattern, "*?[{");
    if (!pattern[len])
        return strdup(pattern);
    while (len && pattern[len - 1] != '/')
        len--;
    return len ? strndup(pattern, len) : strdup(".");
}

static bool prepare_copy(const struct build_step *step, const struct build_state *state,
                         bool is_gzip, struct step_command *command, struct error *err) {
    begin(command, "root", copy_script);
    command->owned[0] = source_of(step->args[0]);
    command->argv[4] = command->owned[0];
    command->argv[5] = step->args[1];
    command->argv[6] = step->count > 2 && *step->args[2] ? step->args[2] : state->user;
    command->argv[7] = step->count > 3 ? step->args[3] : "";
    command->argv[8] = is_gzip ? "z" : "";
    command->argv[9] = state->workdir;
    return command->owned[0] || no_memory(err);
}

/* ---- WORKDIR, USER ---- */

static char *join(const char *base, const char *path) {
    char *joined = NULL;
    if (*path == '/')
        return strdup(path);
    size_t len = strlen(base);
    if (asprintf(&joined, "%s%s%s", len ? base : "", len && base[len - 1] == '/' ? "" : "/", path) <
        0)
        return NULL;
    return joined;
}

char *step_destination(const struct build_step *step, const struct build_state *state) {
    return *state->workdir ? join(state->workdir, step->args[1]) : strdup(step->args[1]);
}

static bool prepare_workdir(const struct build_step *step, const struct build_state *state,
                            struct step_command *command, struct error *err) {
    begin(command, "root", workdir_script);
    command->owned[0] = join(state->workdir, step->args[0]);
    command->argv[4] = command->owned[0];
    command->argv[5] = state->user;
    return command->owned[0] || no_memory(err);
}

static bool is_user_name(const char *name, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (!isascii(name[i]) || !(isalnum(name[i]) || strchr("-_.", name[i])))
            return false;
    return len > 0 && len < 64 && name[0] != '-';
}

/* A group behind the name is left out: a sandbox takes the user's own. */
static bool prepare_user(const struct build_step *step, struct step_command *command,
                         struct error *err) {
    size_t len = strcspn(step->args[0], ":");
    if (!is_user_name(step->args[0], len))
        return error_set(err, ERR_INVALID, "'%.100s' is no user", step->args[0]);
    begin(command, "root", user_script);
    command->owned[0] = strndup(step->args[0], len);
    command->argv[4] = command->owned[0];
    command->argv[5] = step->count > 1 ? step->args[1] : "";
    return command->owned[0] || no_memory(err);
}

bool step_prepare(const struct build_step *step, const struct build_state *state, bool is_gzip,
                  struct step_command *command, struct error *err) {
    switch (step->type) {
    case STEP_RUN:
        if (!step_shell(step->args[0], state, command, err))
            return false;
        if (step->count > 1 && *step->args[1])
            command->user = step->args[1];
        return true;
    case STEP_COPY:
        return prepare_copy(step, state, is_gzip, command, err);
    case STEP_WORKDIR:
        return prepare_workdir(step, state, command, err);
    case STEP_USER:
        return prepare_user(step, command, err);
    case STEP_ENV:
    case STEP_ARG:
        break;
    }
    return error_set(err, ERR_INTERNAL, "command type %s is not implemented", step->name);
}

void step_finalize(const char *template_id, const char *build_id, struct step_command *command) {
    begin(command, "root", finalize_script);
    command->argv[4] = template_id;
    command->argv[5] = build_id;
}

/* ---- ENV ---- */

static const char *value_of(const struct build_state *state, const char *name) {
    static const char *const of_root[][2] = {
        {"PATH", STANDARD_PATH},
        {"HOME", "/root"},
        {"USER", "root"},
        {"LOGNAME", "root"},
        {"IFS", " \t\n"}}; /* "${IFS+$}" is how a client says "$" */
    const char *found = pairs_get(&state->env, name);
    if (!found)
        found = pairs_get(&state->args, name);
    for (size_t i = 0; !found && i < ARRAY_LEN(of_root); i++)
        if (strcmp(of_root[i][0], name) == 0)
            found = of_root[i][1];
    return found;
}

static size_t name_length(const char *text) {
    size_t len = 0;
    while (isascii(text[len]) &&
           (isalpha(text[len]) || text[len] == '_' || (len && isdigit(text[len]))))
        len++;
    return len;
}

static bool expand(const char *text, size_t len, const struct build_state *state, int depth,
                   struct buf *to);

/* What ${NAME<rest> stands for, up to `end`. */
static bool expand_braced(const char *value, const char *rest, const char *end,
                          const struct build_state *state, int depth, struct buf *to) {
    const bool colon = *rest == ':';
    const char *word = rest + colon + 1;
    const bool counts = value && (!colon || *value);
    if (rest == end)
        return !value || buf_puts(to, value);
    if (rest[colon] == '-' && counts)
        return buf_puts(to, value);
    return (rest[colon] == '+' && !counts) ||
           expand(word, (size_t)(end - word), state, depth + 1, to);
}

/* The brace that closes, behind those of the references in the word; NULL: there is none. */
static const char *closing_brace(const char *at, const char *end) {
    for (size_t open = 0; at < end; at++) {
        if (*at == '}' && !open--)
            return at;
        open += *at == '{' && at[-1] == '$';
    }
    return NULL;
}

/* $NAME and ${NAME}, also with - :- + :+ and a word; everything else stays as it is. Returns what
 * was used of the `left` bytes at `text`, which begin with '$'; 0: it is none. */
static size_t expand_one(const char *text, size_t left, const struct build_state *state, int depth,
                         struct buf *to) {
    char name[256];
    const bool braced = text[1] == '{';
    const char *start = text + 1 + braced, *rest;
    size_t len = name_length(start), used;
    if (!len || len >= sizeof(name))
        return 0;
    memcpy(name, start, len);
    name[len] = '\0';
    rest = start + len;
    used = (size_t)(rest - text);
    const char *value = value_of(state, name);
    if (!braced)
        return !value || buf_puts(to, value) ? used : 0;
    const char *end = depth < EXPAND_DEPTH ? closing_brace(rest, text + left) : NULL;
    const char operation = rest[*rest == ':'];
    if (!end || (rest != end && operation != '-' && operation != '+'))
        return 0;
    return expand_braced(value, rest, end, state, depth, to) ? (size_t)(end - text) + 1 : 0;
}

static bool expand(const char *text, size_t len, const struct build_state *state, int depth,
                   struct buf *to) {
    for (const char *end = text + len; text < end;) {
        size_t used = *text == '$' ? expand_one(text, (size_t)(end - text), state, depth, to) : 0;
        if (!used && !buf_add(to, text, 1))
            return false;
        text += used ? used : 1;
    }
    return true;
}

static char *expand_value(const char *text, const struct build_state *state) {
    cleanup_buf struct buf to = BUF_INIT(1 << 20);
    if (!expand(text, strlen(text), state, 0, &to))
        return NULL;
    return to.len ? buf_steal(&to) : strdup("");
}

static bool set_one(struct pairs *env, const char *name, const char *value) {
    for (size_t i = 0; i < env->count; i++)
        if (strcmp(env->at[2 * i], name) == 0) {
            char *copy = strdup(value);
            free(env->at[2 * i + 1]);
            env->at[2 * i + 1] = copy;
            return copy != NULL;
        }
    return pairs_put(env, name, value);
}

static bool apply_env(const struct build_step *step, struct build_state *state, struct error *err) {
    struct pairs *to = step->type == STEP_ARG ? &state->args : &state->env;
    for (size_t i = 0; i + 1 < step->count; i += 2) {
        const char *name = step->args[i];
        if (!*name || strchr(name, '='))
            return error_set(err, ERR_INVALID, "'%.100s' is no name of a variable", name);
        cleanup_free char *value = expand_value(step->args[i + 1], state);
        if (!value || !set_one(to, name, value))
            return no_memory(err);
    }
    return true;
}

static bool replace(char **slot, char *value, struct error *err) {
    if (!value)
        return no_memory(err);
    free(*slot);
    *slot = value;
    return true;
}

bool step_apply(const struct build_step *step, struct build_state *state, const char *last,
                struct error *err) {
    if (step->type == STEP_ENV || step->type == STEP_ARG)
        return apply_env(step, state, err);
    if (step->type == STEP_WORKDIR)
        return replace(&state->workdir, join(state->workdir, step->args[0]), err);
    if (step->type == STEP_USER)
        return replace(&state->user, strdup(last), err);
    return true;
}

/* ---- text and key ---- */

char *step_describe(const struct build_step *step, const char *from) {
    cleanup_buf struct buf text = BUF_INIT(64 << 10);
    bool ok = buf_puts(&text, step->name) && (!from || buf_printf(&text, " --from=%s", from));
    for (size_t i = 0; ok && i < step->count; i++)
        if (*step->args[i])
            ok = buf_printf(&text, " %.2000s", step->args[i]);
    return ok ? buf_steal(&text) : strdup(step->name);
}

bool step_key(const char *previous, const struct build_step *step, char key[static KEPT_KEY],
              struct error *err) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(md, previous, strlen(previous) + 1) == 1 &&
              EVP_DigestUpdate(md, step->name, strlen(step->name) + 1) == 1;
    for (size_t i = 0; ok && i < step->count; i++)
        ok = EVP_DigestUpdate(md, step->args[i], strlen(step->args[i]) + 1) == 1;
    ok = ok && EVP_DigestUpdate(md, step->files_hash, strlen(step->files_hash) + 1) == 1 &&
         EVP_DigestFinal_ex(md, digest, NULL) == 1;
    EVP_MD_CTX_free(md);
    if (!ok)
        return error_set(err, ERR_INTERNAL, "cannot name a layer");
    ids_hex(digest, 32, key);
    return true;
}
