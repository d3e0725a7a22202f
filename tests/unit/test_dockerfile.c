/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/dockerfile: what Docker means by a Dockerfile is what the steps say, and a mistake is shown
 * where it stands.
 */
#include "cli/dockerfile/dockerfile.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* The steps of the template as one compact JSON text, prologue and epilogue included. */
static const struct {
    const char *text, *steps, *start;
} plans[] = {
    {"FROM python:3.11-slim\nRUN echo hi\n", "RUN[\"echo hi\"]", NULL},
    {"# escape=`\nFROM x\nRUN a `\n  b\nENV P=C:\\d\n", "RUN[\"a   b\"] ENV[\"P\",\"C:\\\\d\"]",
     NULL},
    {"FROM x\nRUN apt-get update && \\\n  # why\n\n    apt-get install -y 'a  b'  \n",
     "RUN[\"apt-get update &&     apt-get install -y 'a  b'\"]", NULL},
    {"from x as y\nrun [\"pip\", \"install\", \"a b\"]\n", "RUN[\"pip install 'a b'\"]", NULL},
    {"FROM x\nRUN [ -e /x ] || true\n", "RUN[\"[ -e /x ] || true\"]", NULL},
    {"FROM x\nENV A=1 B=\"two words\" C='$A' D=$A\\ x\nENV OLD the  rest $A\n",
     "ENV[\"A\",\"1\",\"B\",\"two words\",\"C\",\"${IFS+$}A\",\"D\",\"${A} x\"] "
     "ENV[\"OLD\",\"the  rest 1\"]",
     NULL},
    {"FROM x\nENV PATH=/opt:$PATH\nENV Q=${PATH}:/y R=${U:-none} S=\"a\\\"b\\$c\"\n",
     "ENV[\"PATH\",\"/opt:${PATH}\"] "
     "ENV[\"Q\",\"${PATH}:/y\",\"R\",\"${U:-none}\",\"S\",\"a\\\"b${IFS+$}c\"]",
     NULL},
    {"ARG V=3\nFROM x:$V\nARG V\nARG W=\"a b\"\nARG NOTHING\nRUN echo $W\nCOPY a$V /d/\n",
     "ARG[\"V\",\"3\"] ARG[\"W\",\"a b\"] RUN[\"echo $W\"] COPY[\"a3\",\"/d/\",\"\",\"\"]", NULL},
    {"FROM x\nENV V=1\nARG V=2\nWORKDIR /w/${V:+yes}${N:-no}/${V:-x}\n",
     "ENV[\"V\",\"1\"] WORKDIR[\"/w/yesno/1\"]", NULL},
    {"FROM x\nARG GIVEN=1\nUSER $GIVEN\n", "ARG[\"GIVEN\",\"by option\"] USER[\"by option\"]",
     NULL},
    {"FROM x\nARG INHERITED=1\nARG NOWHERE=2\n",
     "ARG[\"INHERITED\",\"of the environment\"] ARG[\"NOWHERE\",\"2\"]", NULL},
    {"FROM x\nCOPY --chown=u:g --chmod=755 a b c/\nCOPY [\"x y\", \".\"]\nADD . /all\n",
     "COPY[\"a\",\"c/\",\"u:g\",\"0755\"] COPY[\"b\",\"c/\",\"u:g\",\"0755\"] "
     "COPY[\"x y\",\"./\",\"\",\"\"] COPY[\".\",\"/all\",\"\",\"\"]",
     NULL},
    {"FROM x\nCOPY --chmod=+x,u=rwX,go-w a b\n", "COPY[\"a\",\"b\",\"\",\"a+x,u=rwX,go-w\"]", NULL},
    {"FROM x\nUSER app:grp\nCOPY /a ./\n", "USER[\"app\"] COPY[\"a\",\"./\",\"root\",\"\"]", NULL},
    {"FROM x\nRUN <<EOF\necho a\necho \"$b\"\nEOF\nRUN cat <<A <<'B' >f\n1\nA\n2\nB\n",
     "RUN[\"echo a\\necho \\\"$b\\\"\\n\"] RUN[\"cat <<A <<'B' >f\\n1\\nA\\n2\\nB\\n\"]", NULL},
    {"FROM x\nRUN <<-EOF\n\techo $((1<<2))\n\tEOF\nRUN cat <<<x\n",
     "RUN[\"echo $((1<<2))\\n\"] RUN[\"cat <<<x\"]", NULL},
    {"FROM x\nSHELL [\"/bin/sh\", \"-ec\"]\nRUN a 'b'\nCMD c d\n",
     "RUN[\"/bin/sh -ec 'a '\\\"'\\\"'b'\\\"'\\\"''\"]", "/bin/sh -ec 'c d'"},
    {"FROM x\nCMD [\"python\", \"src/my main.py\"]\n", "", "python 'src/my main.py'"},
    {"FROM x\nENTRYPOINT [\"a\", \"b\"]\nCMD [\"c\"]\n", "", "a b c"},
    {"FROM x\nENTRYPOINT a b\nCMD [\"c\"]\n", "", "a b"},
    {"FROM x\nCMD one\nCMD two\n", "", "two"},
    {"FROM a AS one\nRUN 1\nFROM one\nRUN 2\n", "RUN[\"1\"] RUN[\"2\"]", NULL},
    {"FROM a AS one\nARG V=1\nARG E=1\nENV E=2 W=3\nFROM one\nRUN $V\n",
     "ARG[\"V\",\"1\"] ARG[\"E\",\"1\"] ENV[\"E\",\"2\",\"W\",\"3\"] ARG[\"V\",\"\"] RUN[\"$V\"]",
     NULL},
    {"FROM a AS unused\nRUN 1\nFROM b\nRUN --mount=type=cache,target=/x 2\n", "RUN[\"2\"]", NULL},
    {"FROM x\r\nRUN a\r\n", "RUN[\"a\"]", NULL},
    {"# so=so\n# escape=`\nFROM x\nRUN a \\\n  b\n", "RUN[\"a   b\"]", NULL},
    {"FROM x\nRUN --mount=target=/x,type=cache,id=y \\\n    --network=default a\n", "RUN[\"a\"]",
     NULL},
    {"FROM x\nONBUILD RUN <<EOF\nb\nEOF\nRUN a\n", "RUN[\"a\"]", NULL},
    {"FROM x\nCMD []\n", "", NULL},
    {"FROM x\nENTRYPOINT [\"a\"]\nENTRYPOINT []\nCMD b c\n", "", "b c"},
    {"FROM x AS one\nCMD [\"old\"]\nFROM one\nENTRYPOINT [\"new\"]\n", "", "new"},
    {"FROM x AS one\nCMD [\"old\"]\nFROM one\nCMD [\"arg\"]\nENTRYPOINT [\"new\"]\n", "",
     "new arg"},
    {"FROM scratch\nFROM x-${TARGETOS}\nARG TARGETOS\nCOPY a /$TARGETOS\n",
     "ARG[\"TARGETOS\",\"linux\"] COPY[\"a\",\"/linux\",\"\",\"\"]", NULL},
    {"FROM x\nENV N=k\nENV a.b=1 \"q\"=2 $N=3\n",
     "ENV[\"N\",\"k\"] ENV[\"a.b\",\"1\",\"q\",\"2\",\"k\",\"3\"]", NULL},
    {"FROM x\nENV A=p$$w B=\"$1 $@ ${?}${#:-n}\" C=$. D=5$\n",
     "ENV[\"A\",\"pw\",\"B\",\"  n\",\"C\",\"$.\",\"D\",\"5$\"]", NULL},
};

/* Of "foobarbaz", and of "a/b*c?d" where a backslash stands. */
static const struct {
    const char *reference, *value;
} edits[] = {
    {"${s#f*b}", "arbaz"},
    {"${s##f*b}", "az"},
    {"${s%b*}", "foobar"},
    {"${s%%b*}", "foo"},
    {"${s/ba/fo}", "foofor"
                   "baz"},
    {"${s//ba/fo}", "fooforfoz"},
    {"${s/b?r}", NULL},
    {"${s/b?r/}", "foobaz"},
    {"${s#x}", "foobarbaz"},
    {"${s#?}", "oobarbaz"},
    {"${s%%*}", ""},
    {"${s%$end}", "foobar"},
    {"\"${s#'foo'}\"", "barbaz"},
    {"${t#*\\/}", "b*c?d"},
    {"${t%%\\**}", "a/b"},
    {"${t//\\?/\\$x}", "a/b*c\\$xd"},
    {"${none#a}", ""},
    {"${u#?}", "x"},
    {"${s#", NULL},
    {"${s:#x}", NULL},
};

static const char *const given[] = {"GIVEN=by option", "INHERITED", "NOWHERE"};

static bool parse(struct dockerfile *file, const char *text, struct error *err) {
    const struct dockerfile_options options = {
        .name = "Dockerfile", .build_args = given, .build_arg_count = ARRAY_LEN(given)};
    return dockerfile_parse(file, text, strlen(text), &options, err);
}

/* Without the two steps that every template starts with, and those that it may end with. */
static void describe(const struct dockerfile *file, char *text, size_t size) {
    const struct dockerfile_stage *stage = dockerfile_last(file);
    size_t end = stage->step_count, used = 0;
    text[0] = '\0';
    for (; end > 2; end--) {
        const char *word = json_string_value(json_array_get(stage->steps[end - 1].args, 0));
        if (strcmp(word, "/home/user") != 0 && strcmp(word, "user") != 0)
            break;
    }
    for (size_t i = 2; i < end; i++) {
        char *args = json_dumps(stage->steps[i].args, JSON_COMPACT);
        used += (size_t)snprintf(text + used, size - used, "%s%s%s", i > 2 ? " " : "",
                                 stage->steps[i].type, args);
        free(args);
        ck_assert_uint_lt(used, size);
    }
}

START_TEST(steps_mean_what_the_file_says) {
    struct dockerfile file;
    struct error err = ERROR_INIT;
    char text[4096];
    bool ok = parse(&file, plans[_i].text, &err);
    ck_assert_msg(ok, "%s", err.message);
    describe(&file, text, sizeof(text));
    if (plans[_i].steps)
        ck_assert_str_eq(text, plans[_i].steps);
    if (plans[_i].start)
        ck_assert_str_eq(file.start, plans[_i].start);
    else
        ck_assert_ptr_null(file.start);
    dockerfile_free(&file);
}
END_TEST

START_TEST(patterns_edit_values) {
    struct dockerfile file;
    struct error err = ERROR_INIT;
    char text[512];
    snprintf(text, sizeof(text),
             "FROM x\nENV s=foobarbaz t='a/b*c?d' u=\xc3\xa9x end=b?z\nWORKDIR /%s\n",
             edits[_i].reference);
    bool ok = parse(&file, text, &err);
    ck_assert_msg(ok == (edits[_i].value != NULL), "%s: %s", edits[_i].reference, err.message);
    if (!ok)
        return;
    const struct dockerfile_step *step = &dockerfile_last(&file)->steps[3];
    ck_assert_str_eq(json_string_value(json_array_get(step->args, 0)) + 1, edits[_i].value);
    dockerfile_free(&file);
}
END_TEST

static const struct {
    const char *text, *message;
} mistakes[] = {
    {"FROM x\nRUNN a\n", "Dockerfile:2:1: unknown instruction 'RUNN'\n    RUNN a\n    ^"},
    {"RUN a\n", "Dockerfile:1:1: Dockerfile must start with a FROM instruction\n    RUN a\n    ^"},
    {"", "Dockerfile: Dockerfile must contain a FROM instruction"},
    {"# escape=x\nFROM x\n", "Dockerfile:1:10: the escape character can only be \\ or `, not "
                             "'x'\n    # escape=x\n             ^"},
    {"FROM x\nENV A=1 \\\n  B=\"open\n",
     "Dockerfile:3:5: the quote is not closed\n      B=\"open\n        ^"},
    {"FROM x\nCOPY a \\\n  é ../b /d/\n",
     "Dockerfile:3:6: '../b' is outside of the build context\n      é ../b /d/\n        ^"},
    {"FROM x\nCOPY a b /d\n", NULL},
    {"FROM x\nCOPY a\n", NULL},
    {"FROM x\nCOPY a/../../b /d\n", NULL},
    {"FROM x\nRUN <<EOF\na\n", "Dockerfile:2:5: the heredoc is not ended by a line 'EOF'\n    RUN "
                               "<<EOF\n        ^"},
    {"FROM x\nADD https://a/b /c\n", NULL},
    {"FROM x\nRUN --mount=type=secret,id=a b\n", NULL},
    {"FROM x\nCOPY --from=1 a b\n", NULL},
    {"FROM x\nCOPY --chmod=9 a b\n", NULL},
    {"FROM x\nCOPY --chmod=00755 a b\n", NULL},
    {"FROM x\nCOPY --chmod=u a b\n", NULL},
    {"FROM x\nCOPY --chmod=u+x,r a b\n", NULL},
    {"FROM x\nCOPY --chmod=u+x7 a b\n", NULL},
    {"FROM x\nFROM scratch AS a\nFROM a\nRUN b\n",
     "Dockerfile:2:6: a template cannot start from scratch\n    FROM scratch AS a\n         ^"},
    {"FROM scratch AS a\nFROM x\nCOPY --from=a b c\n", NULL},
    {"FROM x y z\n", NULL},
    {"FROM x AS a\nFROM y AS A\n", NULL},
    {"FROM x\nENV A\n", NULL},
    {"FROM x\nENV =2\n", NULL},
    {"FROM x\nENV 'A B'=2\n", NULL},
    {"FROM x\nENV A=${PATH%:*}\n",
     "Dockerfile:2:9: it depends on variables of the base image, which are not known here\n    ENV "
     "A=${PATH%:*}\n            ^"},
    {"FROM x\nRUN --mount=target=/x,source=type=cache b\n", NULL},
    {"FROM x\nARG A-B=2\n", NULL},
    {"FROM x\nWORKDIR ${A\n", NULL},
    {"FROM x\nWORKDIR ${A:?is wanted}\n", NULL},
    {"FROM x\nENV A=$PATH\nWORKDIR $A\n", NULL},
    {"FROM x\nSHELL sh\n", NULL},
    {"FROM x\nRUN\n", NULL},
};

START_TEST(mistakes_are_shown_where_they_stand) {
    struct dockerfile file;
    struct error err = ERROR_INIT;
    ck_assert(!parse(&file, mistakes[_i].text, &err));
    ck_assert_int_eq(err.kind, ERR_INVALID);
    if (mistakes[_i].message)
        ck_assert_str_eq(err.message, mistakes[_i].message);
    else
        ck_assert_msg(strncmp(err.message, "Dockerfile:", 11) == 0 && strchr(err.message, '^'),
                      "%s", err.message);
}
END_TEST

static const char stages[] = "FROM a AS one\nRUN 1\nFROM b AS two\nCOPY --from=one /x /y\nFROM c\n"
                             "FROM d\nCOPY --from=1 --chown=u ../y /z\n"
                             "COPY --from=busy:box /bin/* bin/\n";

START_TEST(stages_that_are_copied_from_are_kept) {
    struct dockerfile file;
    struct error err = ERROR_INIT;
    ck_assert(parse(&file, stages, &err));
    ck_assert_uint_eq(file.stage_count, 4);
    ck_assert(file.stages[0].is_needed && file.stages[1].is_needed && !file.stages[2].is_needed);
    ck_assert_uint_eq(file.stages[2].step_count, 0);
    ck_assert_str_eq(file.stages[3].image, "d");
    const struct dockerfile_step *steps = file.stages[3].steps;
    ck_assert_int_eq(steps[2].from, 1);
    ck_assert_str_eq(steps[2].source, "../y");
    ck_assert_str_eq(json_string_value(json_array_get(steps[2].args, 2)), "u");
    ck_assert_int_eq(steps[3].from, -1);
    ck_assert_str_eq(steps[3].image, "busy:box");
    dockerfile_free(&file);
}
END_TEST

START_TEST(any_stage_can_be_the_template) {
    static const char *const targets[][2] = {{"one", "a"}, {"TWO", "b"}, {"2", "c"}};
    struct dockerfile file;
    struct error err = ERROR_INIT;
    struct dockerfile_options options = {.name = "Dockerfile"};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        options.target = targets[i][0];
        ck_assert(dockerfile_parse(&file, stages, strlen(stages), &options, &err));
        ck_assert_uint_eq(file.stage_count, i + 1);
        ck_assert_str_eq(dockerfile_last(&file)->image, targets[i][1]);
        ck_assert(dockerfile_last(&file)->is_needed);
        dockerfile_free(&file);
    }
    options.target = "4";
    ck_assert(!dockerfile_parse(&file, stages, strlen(stages), &options, &err));
    ck_assert_str_eq(err.message, "Dockerfile: no stage is called '4'");
    static const char later[] = "FROM a AS one\nFROM scratch\nNOTHING\n";
    options.target = "one";
    ck_assert(dockerfile_parse(&file, later, strlen(later), &options, &err));
    dockerfile_free(&file);
}
END_TEST

START_TEST(files_in_the_dockerfile_are_written_by_a_command) {
    struct dockerfile file;
    struct error err = ERROR_INIT;
    ck_assert(
        parse(&file, "FROM x\nARG N=v\nCOPY --chown=u <<one /d/\nit's \"$N\" \\$N\none\n", &err));
    const struct dockerfile_step *step = &dockerfile_last(&file)->steps[3];
    ck_assert_str_eq(step->type, "RUN");
    ck_assert_str_eq(json_string_value(json_array_get(step->args, 1)), "root");
    ck_assert_str_eq(json_string_value(json_array_get(step->args, 0)),
                     "e2b_file=/d/one && mkdir -p \"$(dirname \"$e2b_file\")\" && printf %s "
                     "'it'\"'\"'s \"v\" $N\n' >\"$e2b_file\" && chmod 0644 \"$e2b_file\" && chown "
                     "u:u \"$e2b_file\"");
    dockerfile_free(&file);
}
END_TEST

START_TEST(no_command_is_longer_than_an_argument_can_be) {
    static const char *const heads[] = {"FROM x\nRUN <<E\n", "FROM x\nCOPY <<E /f\n"};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        for (size_t len = 100 << 10; len < 140 << 10; len += 30 << 10) {
            struct dockerfile file;
            struct error err = ERROR_INIT;
            size_t head = strlen(heads[i]);
            char *text = malloc(head + len + 4);
            memcpy(text, heads[i], head);
            memset(text + head, 'x', len);
            memcpy(text + head + len, "\nE\n", 4);
            bool ok = parse(&file, text, &err);
            ck_assert_msg(ok == (len < 120 << 10), "%s", err.message);
            if (ok)
                dockerfile_free(&file);
            else
                ck_assert_ptr_nonnull(strstr(err.message, "is longer than 120 KiB"));
            free(text);
        }
}
END_TEST

START_TEST(what_has_no_effect_is_said) {
    struct dockerfile file;
    struct error err = ERROR_INIT;
    ck_assert(parse(&file, "FROM x\nLABEL a=b\nEXPOSE 80\nWORKDIR /$NOPE/x\n", &err));
    ck_assert_uint_eq(file.warning_count, 5);
    ck_assert_str_eq(file.warnings[0], "Dockerfile:2: Unsupported instruction: LABEL");
    ck_assert_str_eq(file.warnings[1],
                     "Dockerfile:4: neither ARG nor ENV sets $NOPE: it is empty here");
    ck_assert_str_eq(file.warnings[2], "no ARG takes --build-arg GIVEN");
    dockerfile_free(&file);
}
END_TEST

int main(void) {
    setenv("INHERITED", "of the environment", 1);
    TCase *cases = tcase_create("dockerfile");
    tcase_add_loop_test(cases, steps_mean_what_the_file_says, 0, (int)ARRAY_LEN(plans));
    tcase_add_loop_test(cases, patterns_edit_values, 0, (int)ARRAY_LEN(edits));
    tcase_add_loop_test(cases, mistakes_are_shown_where_they_stand, 0, (int)ARRAY_LEN(mistakes));
    tcase_add_test(cases, stages_that_are_copied_from_are_kept);
    tcase_add_test(cases, any_stage_can_be_the_template);
    tcase_add_test(cases, files_in_the_dockerfile_are_written_by_a_command);
    tcase_add_test(cases, no_command_is_longer_than_an_argument_can_be);
    tcase_add_test(cases, what_has_no_effect_is_said);
    return unit_run("dockerfile", cases);
}
