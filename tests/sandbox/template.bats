# SPDX-License-Identifier: Apache-2.0
#
# A Dockerfile on this machine, by the command line alone: stages, and how a build is stopped.

bats_require_minimum_version 1.5.0
load common

teardown_file() { end_backend; }

setup() {
    mkdir -p "$BATS_TEST_TMPDIR/project"
    cd "$BATS_TEST_TMPDIR/project" || return
}

stages() {
    cat >Dockerfile <<'END'
ARG BASE=e2bdev/base
FROM $BASE AS build
ARG TOKEN=hidden
WORKDIR /src
COPY in .
RUN tr a-z A-Z <in >out && echo "with $TOKEN"
FROM e2bdev/base AS unused
RUN exit 9
FROM build AS test
RUN [ -z "$TOKEN" ] && cp out tested
FROM e2bdev/base
COPY --from=build --chown=user --chmod=600 /src/out /opt/app/
COPY --from=e2bdev/base /etc/passwd /opt/
ENV LEFT=1
END
    echo content >in
}

@test "a Dockerfile of stages becomes a template; those that nothing needs are not built" {
    stages
    run -0 e2b template create staged
    [[ "$output" == *"[build 6/6] [stdout]: with hidden"*"COPY --from=build /src/out /opt/app/"* ]]
    [[ "$output" != *unused* ]]
    run -0 e2b sandbox run staged -- sh -c 'stat -c "%U %a" /opt/app/out; cat /opt/app/out; test -s /opt/passwd; env'
    [ "${lines[0]}" = "$(single_id && echo root || echo user) 600" ]
    [ "${lines[1]}" = CONTENT ]
    [[ "$output" == *LEFT=1* && "$output" != *TOKEN* ]]
    run -0 e2b template create staged --target test
    [[ "$output" == *"CACHED [builder 6/"* ]]
    run -0 e2b sandbox run staged -- cat /src/tested
    [ "$output" = CONTENT ]
}

@test "a step that fails is named with its stage" {
    printf 'FROM e2bdev/base AS one\nRUN exit 3\nFROM e2bdev/base\nCOPY --from=one /x /\n' >Dockerfile
    run -1 --separate-stderr e2b template create failing
    [[ "$stderr" == *"Dockerfile:2:1: stage 'one': failed to run command 'exit 3': exit status 3"* ]]
    run -1 --separate-stderr e2b template create failing --target no-such
    [[ "$stderr" == *"no stage is called 'no-such'"* ]]
}

@test "an interrupt cancels the build, and the name is not listed before it can be used" {
    printf 'FROM e2bdev/base\nRUN echo first >first\nRUN sleep 1000\n' >Dockerfile
    # A background child of a script ignores SIGINT, and would hand that on.
    env --default-signal=INT "$E2B" template create stopped >out 2>err 3>&- &
    until_true grep -q 'RUN sleep' out
    kill -INT $!
    status=0
    wait $! || status=$?
    [ "$status" = 130 ]
    [[ "$(cat err)" == *"the build was cancelled"* ]]
    [[ "$(e2b template logs stopped)" == *"Build failed: build was cancelled"* ]]
    [[ "$(e2b template list)" != *stopped* ]]
    printf 'FROM e2bdev/base\nRUN echo first >first\n' >Dockerfile
    [[ "$(e2b template create stopped)" == *"CACHED [builder 3/"* ]]
    [[ "$(e2b template list)" == *stopped* ]]
}
