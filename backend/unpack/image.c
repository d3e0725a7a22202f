/* SPDX-License-Identifier: Apache-2.0
 *
 * What kind of image it is, and its layers: an OCI layout (directory or archive), an archive of
 * `docker save`, or else a root file system. The parts of an archive are put into files without a
 * name, so nothing has to be removed after whatever happens.
 */
#include "backend/unpack/unpack.h"
#include "common/buf.h"
#include "common/io.h"
#include "common/json.h"
#include "common/within.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

enum { LOOK_AT = 64, MAX_JSON = 4 << 20, MAX_NAME = 256, MAX_COMMAND = 64 << 10 };

struct parts {
    bool is_directory;
    struct unpack_counts counts;
    size_t count;
    struct part {
        char name[MAX_NAME];
        char target[MAX_NAME]; /* of a link: the name of another part */
        int fd;                /* -1: a link */
    } all[UNPACK_MAX_PARTS];
};

bool unpack_fail(struct archive *archive, struct error *err) {
    const char *why = archive_error_string(archive);
    return error_set(err, archive_errno(archive) == ENOSPC ? ERR_NO_SPACE : ERR_INVALID,
                     "the archive cannot be read: %s", why ? why : "it is damaged");
}

void unpack_support_filters(struct archive *archive) {
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_filter_bzip2(archive);
}

static struct archive *open_archive(int fd, struct error *err) {
    struct archive *archive = archive_read_new();
    if (!archive) {
        error_errno(err, ENOMEM, "cannot read an archive");
        return NULL;
    }
    unpack_support_filters(archive);
    archive_read_support_format_tar(archive);
    if (archive_read_open_fd(archive, fd, 256 << 10) == ARCHIVE_OK)
        return archive;
    unpack_fail(archive, err);
    archive_read_free(archive);
    return NULL;
}

bool unpack_count(struct unpack_counts *counts, struct archive *archive, int64_t more,
                  struct error *err) {
    int64_t read = counts->read + archive_filter_bytes(archive, -1);
    counts->bytes += more;
    if (counts->bytes > unpack_max_bytes)
        return error_set(err, ERR_TOO_LARGE, "the image has more than %lld GB",
                         (long long)unpack_max_bytes >> 30);
    if (counts->bytes > unpack_free_bytes && counts->bytes / UNPACK_MAX_RATIO > read)
        return error_set(
            err, ERR_TOO_LARGE,
            "the archive holds more than %d times its own size: it is meant to fill a disk",
            UNPACK_MAX_RATIO);
    return true;
}

/* ---- what is it? ---- */

static const char *without_dot(const char *name) {
    while (strncmp(name, "./", 2) == 0)
        name += 2;
    return name;
}

static bool is_mark(const char *name) {
    static const char *const marks[] = {"manifest.json", "oci-layout", "index.json",
                                        "repositories"};
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (strcmp(name, marks[i]) == 0)
            return true;
    return strncmp(name, "blobs/", 6) == 0 || strspn(name, "0123456789abcdef") == 64;
}

/* By its first names; false with ERR_NONE: a root file system. */
static bool is_image_archive(int fd, struct error *err) {
    struct archive_entry *entry;
    struct archive *archive = open_archive(fd, err);
    bool found = false;
    int result = ARCHIVE_OK;
    for (int i = 0; archive && i < LOOK_AT && !found &&
                    (result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK;
         i++)
        found =
            archive_entry_pathname(entry) && is_mark(without_dot(archive_entry_pathname(entry)));
    if (archive && result < ARCHIVE_WARN)
        unpack_fail(archive, err);
    if (archive)
        archive_read_free(archive);
    return found;
}

/* ---- parts ---- */

static bool spool(struct archive *archive, struct parts *parts, struct part *part,
                  struct error *err) {
    part->fd = openat(UNPACK_SPOOL, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (part->fd < 0)
        return error_errno(err, errno, "cannot keep a part of the image");
    char bytes[64 << 10];
    la_ssize_t n;
    while ((n = archive_read_data(archive, bytes, sizeof(bytes))) > 0) {
        if (!unpack_count(&parts->counts, archive, n, err))
            return false;
        if (!io_write_all(part->fd, bytes, (size_t)n))
            return error_errno(err, errno, "cannot keep a part of the image");
    }
    return n == 0 || unpack_fail(archive, err);
}

/* What a link in the folder of `name` leads to; "" if that is not below the image. */
static void resolve(const char *name, const char *link, char target[static MAX_NAME]) {
    const char *slash = strrchr(name, '/');
    int folder = slash ? (int)(slash - name) : 0;
    for (; strncmp(link, "../", 3) == 0; link += 3) {
        if (!folder) {
            target[0] = '\0';
            return;
        }
        while (folder && name[--folder] != '/')
            ;
    }
    snprintf(target, MAX_NAME, "%.*s%s%s", folder, name, folder ? "/" : "", link);
}

/* `docker save` wrote a layer that is there twice as a link to the first. */
static bool take_part(struct archive *archive, struct parts *parts, struct archive_entry *entry,
                      struct error *err) {
    const char *name = archive_entry_pathname(entry), *link = archive_entry_symlink(entry);
    bool is_file = archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry);
    if (!name || strlen(name) >= MAX_NAME || (!is_file && !link))
        return true;
    if (parts->count == UNPACK_MAX_PARTS)
        return error_set(err, ERR_TOO_LARGE, "the image has more than %d parts", UNPACK_MAX_PARTS);
    struct part *part = &parts->all[parts->count++];
    part->fd = -1;
    snprintf(part->name, sizeof(part->name), "%s", without_dot(name));
    if (is_file)
        return spool(archive, parts, part, err);
    resolve(without_dot(name), link, part->target);
    return true;
}

static bool take_apart(struct parts *parts, struct error *err) {
    struct archive_entry *entry;
    struct archive *archive =
        lseek(UNPACK_SOURCE, 0, SEEK_SET) == 0 ? open_archive(UNPACK_SOURCE, err) : NULL;
    int result = ARCHIVE_FATAL;
    bool ok = archive != NULL;
    while (ok && (result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
        ok = take_part(archive, parts, entry, err);
    if (ok && result != ARCHIVE_EOF)
        ok = unpack_fail(archive, err);
    if (archive)
        archive_read_free(archive);
    return ok;
}

static const struct part *find_part(const struct parts *parts, const char *name) {
    for (size_t i = 0; i < parts->count; i++)
        if (strcmp(parts->all[i].name, name) == 0)
            return &parts->all[i];
    return NULL;
}

/* An owned descriptor; -1: it is not there. */
static int open_part(const struct parts *parts, const char *name) {
    if (parts->is_directory)
        return open_within(UNPACK_SOURCE, name, O_RDONLY | O_NONBLOCK,
                           RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
    const struct part *part = find_part(parts, name);
    if (part && part->fd < 0)
        part = find_part(parts, part->target);
    return part && part->fd >= 0 ? fcntl(part->fd, F_DUPFD_CLOEXEC, 16) : -1;
}

static bool check_text(const struct buf *text, const char *name, const char *expected,
                       struct error *err) {
    struct digest digest;
    if (!digest_begin(&digest, expected, err))
        return false;
    digest_add(&digest, text->data, text->len);
    return digest_end(&digest, name, err);
}

static json_t *read_json(const struct parts *parts, const char *name, const char *digest,
                         struct error *err) {
    cleanup_buf struct buf text = BUF_INIT(MAX_JSON);
    cleanup_close int fd = open_part(parts, name);
    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0 || !io_read_all(fd, &text)) {
        error_set(err, ERR_INVALID, "the image has no readable '%s'", name);
        return NULL;
    }
    if (!check_text(&text, name, digest, err))
        return NULL;
    json_t *json = json_parse(text.data ? text.data : "", text.len, err);
    if (!json)
        error_wrap(err, "%s", name);
    return json;
}

static bool add_layer(struct unpack_image *image, const struct parts *parts, const char *name,
                      const char *digest, struct error *err) {
    struct stat st;
    if (image->count == UNPACK_MAX_LAYERS)
        return error_set(err, ERR_TOO_LARGE, "the image has more than %d layers",
                         UNPACK_MAX_LAYERS);
    int fd = name ? open_part(parts, name) : -1;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close_fd(&fd);
        return error_set(err, ERR_INVALID, "the image lacks its layer '%s'", name ? name : "");
    }
    struct unpack_layer *layer = &image->layers[image->count++];
    *layer = (struct unpack_layer){.fd = fd};
    snprintf(layer->digest, sizeof(layer->digest), "%s", digest);
    return true;
}

/* What it tells of the layers, which are there already. */
static bool take_config(struct unpack_image *image, const struct parts *parts, const char *name,
                        const char *digest, struct error *err) {
    cleanup_json json_t *whole = name ? read_json(parts, name, digest, err) : NULL;
    if (!whole)
        return err->kind ? false : error_set(err, ERR_INVALID, "the image has no configuration");
    const json_t *ids = json_object_get(json_object_get(whole, "rootfs"), "diff_ids");
    if (ids && json_array_size(ids) != image->count)
        return error_set(err, ERR_INVALID,
                         "the image's configuration tells of %zu layers, and it has %zu",
                         json_array_size(ids), image->count);
    for (size_t i = 0; ids && i < image->count; i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        snprintf(image->layers[i].diff_id, UNPACK_DIGEST, "%s", id ? id : "none");
    }
    image->config = json_incref(json_object_get(whole, "config"));
    return true;
}

/* ---- docker save ---- */

/* The digest that a name in such an archive is made of: "HEX.json", "blobs/sha256/HEX". */
static void digest_of_name(const char *name, char digest[static UNPACK_DIGEST]) {
    static const char blobs[] = "blobs/sha256/";
    const char *hex = strncmp(name, blobs, strlen(blobs)) == 0 ? name + strlen(blobs) : name;
    const size_t len = strspn(hex, "0123456789abcdef");
    const bool is_named = len == 64 && strcmp(hex + len, hex == name ? ".json" : "") == 0;
    snprintf(digest, UNPACK_DIGEST, "%s%.*s", is_named ? "sha256:" : "", is_named ? 64 : 0, hex);
}

static bool find_docker(struct unpack_image *image, const struct parts *parts, struct error *err) {
    char digest[UNPACK_DIGEST];
    cleanup_json json_t *manifest = read_json(parts, "manifest.json", "", err);
    const json_t *first = json_array_get(manifest, 0);
    const char *config = json_string_value(json_object_get(first, "Config"));
    size_t i;
    json_t *layer;
    if (!manifest)
        return false;
    json_array_foreach(json_object_get(first, "Layers"), i, layer) {
        const char *name = json_string_value(layer);
        digest_of_name(name ? name : "", digest);
        if (!add_layer(image, parts, name, digest, err))
            return false;
    }
    digest_of_name(config ? config : "", digest);
    return take_config(image, parts, config, digest, err);
}

/* ---- OCI ---- */

static const char *digest_in(const json_t *descriptor) {
    const char *digest = json_string_value(json_object_get(descriptor, "digest"));
    return digest ? digest : "";
}

static bool blob_name(const json_t *descriptor, char name[static MAX_NAME]) {
    const char *digest = digest_in(descriptor);
    const char *colon = strchr(digest, ':');
    if (!colon || strspn(colon + 1, "0123456789abcdef") != strlen(colon + 1) ||
        strlen(digest) > 200)
        return false;
    snprintf(name, MAX_NAME, "blobs/%.*s/%s", (int)(colon - digest), digest, colon + 1);
    return true;
}

static bool fits(const json_t *descriptor) {
    static const char *const names[][2] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}};
    const json_t *platform = json_object_get(descriptor, "platform");
    const char *wanted = json_string_value(json_object_get(platform, "architecture"));
    struct utsname host;
    uname(&host);
    for (size_t i = 0; wanted && i < ARRAY_LEN(names); i++)
        if (strcmp(host.machine, names[i][0]) == 0)
            return strcmp(wanted, names[i][1]) == 0;
    return true;
}

/* The manifest for this machine, through at most one index in the index. */
static json_t *find_manifest(const struct parts *parts, const char *index_name, const char *digest,
                             int depth, struct error *err) {
    char name[MAX_NAME];
    size_t i;
    json_t *at;
    cleanup_json json_t *index = read_json(parts, index_name, digest, err);
    json_array_foreach(json_object_get(index, "manifests"), i, at) {
        if (!fits(at) || !blob_name(at, name))
            continue;
        json_t *manifest = read_json(parts, name, digest_in(at), err);
        if (manifest && json_object_get(manifest, "layers"))
            return manifest;
        bool is_index = manifest && json_object_get(manifest, "manifests");
        json_decref(manifest);
        if (is_index && depth < 2)
            return find_manifest(parts, name, digest_in(at), depth + 1, err);
    }
    if (!err->kind)
        error_set(err, ERR_INVALID, "the image has nothing for this machine's processor");
    return NULL;
}

static bool find_oci(struct unpack_image *image, const struct parts *parts, struct error *err) {
    char name[MAX_NAME];
    size_t i;
    json_t *layer;
    cleanup_json json_t *manifest = find_manifest(parts, "index.json", "", 0, err);
    if (!manifest)
        return false;
    json_array_foreach(json_object_get(manifest, "layers"), i, layer) {
        if (!add_layer(image, parts, blob_name(layer, name) ? name : NULL, digest_in(layer), err))
            return false;
    }
    const json_t *config = json_object_get(manifest, "config");
    return take_config(image, parts, blob_name(config, name) ? name : NULL, digest_in(config), err);
}

static bool find_in_parts(struct unpack_image *image, const struct parts *parts,
                          struct error *err) {
    cleanup_close int docker = open_part(parts, "manifest.json");
    if (docker >= 0 ? !find_docker(image, parts, err) : !find_oci(image, parts, err))
        return false;
    return image->count || error_set(err, ERR_INVALID, "the image has no layers");
}

bool unpack_find_image(struct unpack_image *image, struct error *err) {
    struct stat st;
    struct parts *parts = calloc(1, sizeof(*parts));
    if (!parts || fstat(UNPACK_SOURCE, &st) < 0) {
        free(parts);
        return error_errno(err, errno, "cannot read the image");
    }
    bool ok;
    parts->is_directory = S_ISDIR(st.st_mode);
    if (parts->is_directory) {
        ok = find_in_parts(image, parts, err);
    } else if (is_image_archive(UNPACK_SOURCE, err)) {
        ok = take_apart(parts, err) && find_in_parts(image, parts, err);
    } else {
        ok = err->kind == ERR_NONE;
        image->layers[image->count++].fd = fcntl(UNPACK_SOURCE, F_DUPFD_CLOEXEC, 16);
    }
    for (size_t i = 0; i < parts->count; i++)
        close_fd(&parts->all[i].fd);
    free(parts);
    return ok;
}

void unpack_image_free(struct unpack_image *image) {
    for (size_t i = 0; i < image->count; i++)
        close_fd(&image->layers[i].fd);
    json_decref(image->config);
}

/* ---- how it is meant to be run ---- */

static const char *text_of(const json_t *config, const char *key) {
    const char *text = json_string_value(json_object_get(config, key));
    return text ? text : "";
}

static json_t *environment(const json_t *config) {
    json_t *env = json_object(), *entry;
    size_t i;
    json_array_foreach(json_object_get(config, "Env"), i, entry) {
        const char *text = json_string_value(entry), *equals = text ? strchr(text, '=') : NULL;
        if (!equals || equals == text)
            continue;
        cleanup_free char *key = strndup(text, (size_t)(equals - text));
        if (key)
            json_object_set_new(env, key, json_string(equals + 1));
    }
    return env;
}

/* Each a word for a shell, as they stand in the two lists. */
static bool add_words(struct buf *command, const json_t *words) {
    size_t i;
    json_t *word;
    bool ok = true;
    json_array_foreach(words, i, word) {
        const char *text = json_string_value(word);
        ok = ok && text && buf_puts(command, command->len ? " '" : "'");
        for (; ok && *text; text++)
            ok = *text == '\'' ? buf_puts(command, "'\\''") : buf_add(command, text, 1);
        ok = ok && buf_puts(command, "'");
    }
    return ok;
}

json_t *unpack_describe(const struct unpack_image *image) {
    cleanup_buf struct buf command = BUF_INIT(MAX_COMMAND);
    bool ok = add_words(&command, json_object_get(image->config, "Entrypoint")) &&
              add_words(&command, json_object_get(image->config, "Cmd"));
    return json_pack("{s:o, s:s, s:s, s:s}", "env", environment(image->config), "user",
                     text_of(image->config, "User"), "workdir",
                     text_of(image->config, "WorkingDir"), "command",
                     ok && command.len ? command.data : "");
}
