/* SPDX-License-Identifier: Apache-2.0
 *
 * What /files reads in a request and says in an answer, piece by piece: dates, ranges, codings,
 * dispositions, forms, media types, permissions, signatures.
 */
#include "backend/envd/coding.h"
#include "backend/envd/disposition.h"
#include "backend/envd/entry.h"
#include "backend/envd/gunzip.h"
#include "backend/envd/media_type.h"
#include "backend/envd/multipart.h"
#include "backend/envd/range.h"
#include "backend/envd/signature.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>

static struct slice slice(const char *text) {
    return (struct slice){text, strlen(text)};
}

START_TEST(dates_in_all_three_forms) {
    static const char *const same[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    };
    static const char *const wrong[] = {
        "",
        "784111777",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, or later",
    };
    char text[HTTP_DATE];
    int64_t time;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        ck_assert_msg(http_date_parse(slice(same[i]), &time), "%s", same[i]);
        ck_assert_int_eq(time, 784111777);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_msg(!http_date_parse(slice(wrong[i]), &time), "%s", wrong[i]);
    ck_assert_str_eq(http_date_format(784111777, text), same[0]);
    ck_assert_ptr_null(http_date_format(INT64_MAX, text));
}
END_TEST

START_TEST(ranges) {
    static const struct {
        const char *text;
        int64_t size;
        int status;
        int64_t start, len;
    } cases[] = {
        {"bytes=0-0", 10, 206, 0, 1},
        {"bytes=5-", 10, 206, 5, 5},
        {"bytes=-3", 10, 206, 7, 3},
        {"bytes=-30", 10, 206, 0, 10},
        {"bytes= 2 - 3 ", 10, 206, 2, 2},
        {"bytes=9-99", 10, 206, 9, 1},
        {"bytes=10-", 10, 416, 0, 0},
        {"bytes=-0", 10, 416, 0, 0},
        {"bytes=3-2", 10, 416, 0, 0},
        {"bytes=", 10, 416, 0, 0},
        {"bytes=-", 10, 416, 0, 0},
        {"bytes=a-b", 10, 416, 0, 0},
        {"bytes=+1-2", 10, 416, 0, 0},
        {"bits=0-1", 10, 416, 0, 0},
        {"bytes=0-1,3-4", 10, 200, 0, 10},
        {"bytes=0-1", 0, 200, 0, 0},
        {"bytes=1-18446744073709551615", 10, 206, 1, 9},
        {"bytes=1-18446744073709551616", 10, 416, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct file_range r = range_parse(slice(cases[i].text), cases[i].size);
        ck_assert_msg(
            r.status == cases[i].status && r.start == cases[i].start && r.len == cases[i].len,
            "%s: %d %lld+%lld", cases[i].text, r.status, (long long)r.start, (long long)r.len);
    }
}
END_TEST

START_TEST(codings) {
    static const struct {
        const char *text;
        enum coding coding;
    } cases[] = {
        {"", CODING_IDENTITY},
        {"gzip", CODING_GZIP},
        {"x-gzip", CODING_GZIP},
        {"gzip, identity", CODING_GZIP},
        {"gzip;q=0.001", CODING_GZIP},
        {"gzip;q=0.4, identity;q=0.5", CODING_IDENTITY},
        {"gzip;q=0", CODING_IDENTITY},
        {"gzip;q=nonsense", CODING_IDENTITY},
        {"gzip, deflate, br", CODING_IDENTITY},
        {"gzip, deflate;q=0", CODING_GZIP},
        {"*", CODING_IDENTITY},
        {"identity;q=0", CODING_NONE},
        {"identity;q=0, gzip;q=0, *", CODING_NONE},
        {"identity;q=0, *;q=0.1", CODING_GZIP},
        {"*;q=0", CODING_NONE},
        {"*;q=0, identity", CODING_IDENTITY},
        {"br, *;q=0", CODING_NONE},
        {",,;q=1,", CODING_IDENTITY},
    };
    ck_assert_int_eq(coding_choose(NULL), CODING_IDENTITY);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice value = slice(cases[i].text);
        ck_assert_msg(coding_choose(&value) == cases[i].coding, "%s", cases[i].text);
    }
}
END_TEST

START_TEST(parameters_of_dispositions) {
    static const struct {
        const char *text, *value; /* NULL: none */
    } cases[] = {
        {"form-data; name=file; filename=a.txt", "a.txt"},
        {"form-data; filename=\"a b.txt\"; name=file", "a b.txt"},
        {"form-data; FileName=\"q\\\"uo\\\\te\"", "q\"uo\\te"},
        {"form-data; filename=\"C:\\dir\\f\"", "C:\\dir\\f"},
        {"form-data; filename=\"dir/ü;x=1\"", "dir/ü;x=1"},
        {"form-data; filename=plain; filename*=UTF-8'en'%e2%82%ac", "\xe2\x82\xac"},
        {"form-data; filename=plain; filename*=latin1''x", "plain"},
        {"form-data; filename=plain; filename*=utf-8''%zz", "plain"},
        {"form-data; filename=plain; filename*=utf-8''%00", "plain"},
        {"form-data; filename=\"open", NULL},
        {"form-data; filename", NULL},
        {"form-data; filename=a b", NULL},
        {"form-data", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_buf struct buf out = BUF_INIT(1000);
        bool found = disposition_param(slice(cases[i].text), "filename", &out);
        ck_assert_msg(found == (cases[i].value != NULL), "%s", cases[i].text);
        if (found)
            ck_assert_str_eq(out.data, cases[i].value);
    }
    ck_assert(disposition_is(slice("Form-Data ; x=1"), "form-data"));
    ck_assert(!disposition_is(slice("form-dat"), "form-data"));
}
END_TEST

/* The events of a form, a letter each, cut into pieces of every size. */
static void check_form(const char *body, const char *events) {
    size_t len = strlen(body);
    for (size_t piece = 1; piece <= len; piece++) {
        struct multipart m;
        cleanup_buf struct buf told = BUF_INIT(1000);
        enum multipart_event event = MULTIPART_MORE;
        ck_assert(multipart_init(&m, slice("multipart/form-data; boundary=XX")));
        for (size_t at = 0; at < len && event != MULTIPART_BAD;) {
            size_t used;
            struct slice data;
            event = multipart_next(&m, body + at, MIN(piece, len - at), &used, &data);
            const char letter = "\0(\0)$!"[event];
            at += used;
            ck_assert(letter == '\0' || buf_add(&told, &letter, 1));
            ck_assert(event != MULTIPART_DATA || buf_add(&told, data.at, data.len));
            if (event == MULTIPART_END)
                break;
        }
        multipart_free(&m);
        ck_assert_msg(strcmp(told.data ? told.data : "", events) == 0, "by %zu: %s", piece,
                      told.data);
    }
}

START_TEST(forms) {
    check_form("--XX\r\nA: b\r\n\r\ndata\r\n--XX--\r\n", "(data)$");
    check_form("--XX\r\n\r\n1\r\n--XX\r\n\r\n2\r\n--XX--", "(1)(2)$");
    check_form("ignored\r\n--XX \t\r\n\r\n\r\n--XX--ignored", "()$");
    check_form("--XX\r\n\r\n--XX--", "()$");
    check_form("--XX\r\n\r\n\r\n\r\n-\r--X\r\n--X\r\n--XY\r\n--XX--",
               "(\r\n\r\n-\r--X\r\n--X\r\n--XY)$");
    check_form("--XX\r\n\r\n\r\r\n\r\n--XX--", "(\r\r\n)$");
    check_form("--XX\r\n\r\nno end", "(no end");
    check_form("--XXY\r\n", "!");
    check_form("--XX-Y", "!");
    check_form("--XX\r\nno colon\r\n\r\n", "!");
    check_form("--XX\r\nContent-Disposition: attachment\r\n\r\n", "!");
    check_form("no delimiter at all", "");
}
END_TEST

START_TEST(media_types) {
    ck_assert_str_eq(media_type_of_name("a/b.tar.GZ"), "application/gzip");
    ck_assert_ptr_null(media_type_of_name("noextension"));
    ck_assert_ptr_null(media_type_of_name("odd.ext"));
    ck_assert_str_eq(media_type_of_bytes("", 0), "text/plain; charset=utf-8");
    ck_assert_str_eq(media_type_of_bytes("  <HTML>", 8), "text/html; charset=utf-8");
    ck_assert_str_eq(media_type_of_bytes("<htmlx", 6), "text/plain; charset=utf-8");
    ck_assert_str_eq(media_type_of_bytes("\n<?xml v", 8), "text/xml; charset=utf-8");
    ck_assert_str_eq(media_type_of_bytes("RIFF1234WEBPVP", 14), "image/webp");
    ck_assert_str_eq(media_type_of_bytes("a\0b", 3), "application/octet-stream");
}
END_TEST

START_TEST(permissions_as_go_writes_them) {
    static const struct {
        uint32_t mode;
        const char *text;
    } cases[] = {
        {S_IFREG | 0644, "-rw-r--r--"},   {S_IFDIR | 0755, "drwxr-xr-x"},
        {S_IFLNK | 0777, "Lrwxrwxrwx"},   {S_IFDIR | S_ISVTX | 0777, "dtrwxrwxrwx"},
        {S_IFREG | 04755, "urwxr-xr-x"},  {S_IFREG | 06711, "ugrwx--x--x"},
        {S_IFIFO | 0600, "prw-------"},   {S_IFSOCK | 0666, "Srw-rw-rw-"},
        {S_IFCHR | 0620, "Dcrw--w----"},  {S_IFBLK | 0660, "Drw-rw----"},
        {S_IFDIR | 02750, "dgrwxr-x---"}, {S_IFREG, "----------"},
    };
    char text[ENTRY_PERMISSIONS];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_str_eq(entry_permissions(cases[i].mode, text), cases[i].text);
}
END_TEST

START_TEST(names_that_are_no_utf8) {
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b"},
        {"\xc3", "\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x90\x80\x80.", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd."},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_json json_t *text = entry_text(cases[i].bytes);
        ck_assert_ptr_nonnull(text);
        ck_assert_str_eq(json_string_value(text), cases[i].text);
    }
    ck_assert_str_eq(entry_name("/a/b"), "b");
    ck_assert_str_eq(entry_name("/"), "/");
}
END_TEST

/* As `printf %s TEXT | openssl dgst -sha256 -binary | base64` makes them. */
START_TEST(signatures) {
    char text[SIGNATURE_TEXT];
    struct signature_input input = {
        .path = "/home/user/a b", .operation = "read", .user = "user", .token = "token"};
    signature_make(&input, text);
    ck_assert_str_eq(text, "v1_TSJwifP1c3h1e/g2bPbsdv5Pqss5b5u2FRO9nL0h0WU");
    input.expiration = "1700000000";
    signature_make(&input, text);
    ck_assert_str_eq(text, "v1_O4Vqr2+KbeTggZUMtPYHp83Usd2MrU/xduHmJUohdE8");
}
END_TEST

START_TEST(gunzip_keeps_its_room) {
    enum { TIMES = 2000 };
    static char zeros[1000];
    unsigned char packed[8192];
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = packed;
    z.avail_out = sizeof(packed);
    for (int i = 0; i < TIMES; i++) {
        z.next_in = (Bytef *)zeros;
        z.avail_in = sizeof(zeros);
        deflate(&z, i == TIMES - 1 ? Z_FINISH : Z_NO_FLUSH);
    }
    size_t len = z.total_out, at = 0, used = 0, total = 0;
    deflateEnd(&z);
    struct gunzip *g = gunzip_new();
    do {
        ck_assert(gunzip_next(g, packed + at, len - at, &used));
        ck_assert_uint_le(g->plain_len, GUNZIP_PLAIN);
        at += used;
        total += g->plain_len;
    } while (used || g->plain_len);
    ck_assert_uint_eq(total, TIMES * sizeof(zeros));
    ck_assert(g->at_start);
    ck_assert(!gunzip_next(g, "no gzip at all", 14, &used));
    gunzip_free(g);
}
END_TEST

int main(void) {
    TCase *group = tcase_create("files_http");
    tcase_add_test(group, dates_in_all_three_forms);
    tcase_add_test(group, ranges);
    tcase_add_test(group, codings);
    tcase_add_test(group, parameters_of_dispositions);
    tcase_add_test(group, forms);
    tcase_add_test(group, media_types);
    tcase_add_test(group, permissions_as_go_writes_them);
    tcase_add_test(group, names_that_are_no_utf8);
    tcase_add_test(group, signatures);
    tcase_add_test(group, gunzip_keeps_its_room);
    return unit_run("files_http", group);
}
