# SPDX-License-Identifier: Apache-2.0
#
# Template commands against a server that behaves like the hosted one (mock_api.mjs): what is sent,
# what is printed, exit statuses.

bats_require_minimum_version 1.5.0
load common

setup() {
    mock_start
    mkdir "$BATS_TEST_TMPDIR/app"
    cd "$BATS_TEST_TMPDIR/app" || return 1
}

teardown() { mock_end; }

# The named fields of each request, as JSON: sent method url
sent() {
    node -e '
        const fs = require("fs"), file = process.argv[1]
        const lines = fs.existsSync(file) ? fs.readFileSync(file, "utf8").trim().split("\n").map((l) => JSON.parse(l)) : []
        const at = (o, path) => path.split("/").reduce((v, k) => v?.[k], o)
        for (const line of lines) console.log(process.argv.slice(2).map((p) => {
            const v = at(line, p)
            return typeof v === "string" ? v : JSON.stringify(v) ?? "-"
        }).join(" "))' "$log" "$@"
}

# The body that started the last build.
started() { sent method url body | sed -n 's|^POST /v2/templates/[^ ]*/builds/[^ ]* ||p' | tail -n 1; }

# The hash of a folder has the sizes of directories in it, which are the file system's: named SRC.
src_hash() { sed -E '/src\/"/s/[0-9a-f]{64}/SRC/'; }

project() {
    mkdir -p src/lib
    printf 'print("hi")\n' >src/main.py
    printf 'X=1\n' >src/lib/util.py
    ln -s main.py src/link.py
    echo no >src/skip.log
    echo requests >requirements.txt
    printf '# c\n**/*.log\n' >.dockerignore
    cat >Dockerfile <<'END'
FROM python:3.11-slim
ARG VER=1
ENV A=1 B="two words"
RUN apt-get update && \
    apt-get install -y curl
WORKDIR /app
COPY src/ ./src/
COPY --chown=user:user requirements.txt ./
RUN ["pip", "install", "-r", "requirements.txt"]
USER user
EXPOSE 80
CMD ["python", "src/main.py"]
END
}

@test "create sends what the official command line sends, and means what the Dockerfile says" {
    project
    run -0 --separate-stderr "$E2B" template create my-template
    [ "$(sent method url body | sed -n 1p)" = 'POST /v3/templates {"name":"my-template","cpuCount":2,"memoryMB":1024}' ]
    [ "$(started | src_hash)" = '{"startCmd":"python src/main.py","readyCmd":"sleep 20","steps":[{"type":"USER","args":["root"],"force":false},{"type":"WORKDIR","args":["/"],"force":false},{"type":"ENV","args":["VER","1"],"force":false},{"type":"ENV","args":["A","1","B","two words"],"force":false},{"type":"RUN","args":["apt-get update &&     apt-get install -y curl"],"force":false},{"type":"WORKDIR","args":["/app"],"force":false},{"type":"COPY","args":["src/","./src/","",""],"force":false,"filesHash":"SRC"},{"type":"COPY","args":["requirements.txt","./","user:user",""],"force":false,"filesHash":"66eb78a801a93dc0afe4b333aa018ebc5345e4ccacca60c99e977c134544587a"},{"type":"RUN","args":["pip install -r requirements.txt"],"force":false},{"type":"USER","args":["user"],"force":false}],"force":false,"fromImage":"python:3.11-slim"}' ]
    [[ "$output" == *"Found ./Dockerfile that will be used to build the sandbox template."*"Uploaded 'src/'"*"All file uploads completed"*"[base] FROM python:3.11-slim"*"✅ Building sandbox template my-template finished."* ]]
    [[ "$output" != *$'\e'* ]]
    grep -qE '^[0-9]+\.[0-9]s  \| 03:04:05 AM INFO  Build finished$' <<<"$output"
}

@test "uploads are archives of the right files, with exact lengths and no credentials of ours" {
    project
    run -0 "$E2B" template create my-template
    run -0 tar -tzf "$log.1.tar.gz"
    [ "${lines[*]}" = "src/ src/lib/ src/lib/util.py src/link.py src/main.py" ]
    run -0 tar -tzf "$log.2.tar.gz"
    [ "$output" = requirements.txt ]
    puts=$(sent method headers/content-length headers/x-upload-token headers/x-api-key headers/content-type \
        headers/transfer-encoding body | grep ^PUT)
    [ "$(wc -l <<<"$puts")" = 2 ]
    while read -r _ length token key type coding body; do
        [ "$length" = "$body" ]
        [ "$token $key $type $coding" = "secret - - -" ]
    done <<<"$puts"
    [ "$(sent method headers/x-api-key | grep -c "^GET $E2B_API_KEY")" -ge 2 ]
}

@test "nothing is uploaded that the server has" {
    project
    run -0 "$E2B" template create cached
    [[ "$output" == *"Skipping upload of 'src/', already cached"* ]]
    [ "$(sent method | grep -c PUT)" = 0 ]
    run -0 "$E2B" template create one
    run -0 "$E2B" template create two
    [ "$(sent method | grep -c PUT)" = 2 ]
}

@test "an upload that fails for a moment is tried again; one that is refused is not, and nothing is built" {
    project
    run -0 "$E2B" template create flaky
    [ "$(sent method | grep -c PUT)" = 3 ]
    head -c 3000000 /dev/urandom >src/main.py
    run -0 "$E2B" template create cut
    [[ "$output" == *"Uploaded 'src/'"* ]]
    [ "$(tar -xzOf "$log.3.tar.gz" src/main.py | cmp - src/main.py && echo same)" = same ]
    echo other >src/main.py
    run -3 --separate-stderr "$E2B" template create reject
    [[ "$stderr" == *"❌ Template build failed."*"error: Failed to upload 'src/'"*"403"* ]]
    [ "$(sent method url | grep -c 'POST /v2/')" = 2 ]
}

@test "template cache is the local backend's" {
    run -8 --separate-stderr "$E2B" template cache list
    [[ "$stderr" == *"only the local backend"*"--context local"* ]]
    run -8 "$E2B" template cache prune --all
    [ -z "$(sent method)" ]
}

@test "options win over e2b.toml, and both over the Dockerfile" {
    printf 'FROM ubuntu\nCMD no\n' >own.Dockerfile
    cat >e2b.toml <<'END'
# of the official command line
team_id = "x"
template_name = "from-toml"
dockerfile = "own.Dockerfile"
start_cmd = 'python app.py'
ready_cmd = "curl \"localhost\""
cpu_count = 4
memory_mb = 512
[other]
cpu_count = 9
END
    run -0 "$E2B" template create
    [ "$(sent body | sed -n 1p)" = '{"name":"from-toml","cpuCount":4,"memoryMB":512}' ]
    [[ "$(started)" == '{"startCmd":"python app.py","readyCmd":"curl \"localhost\"","steps":'*'"force":false,"fromImage":"ubuntu"}' ]]
    run -0 "$E2B" tpl ct Other --cpu-count 1 --memory-mb 2048 --min-free-disk-mb 100 -c run --ready-cmd ok --no-cache \
        --tag v1 --tag v2
    [ "$(sent body/name body | grep ^other)" = 'other {"name":"other","cpuCount":1,"memoryMB":2048,"minFreeDiskMb":100,"tags":["v1","v2"]}' ]
    [[ "$(started)" == '{"startCmd":"run","readyCmd":"ok",'*'"force":true,'* ]]
    echo 'cpu_count = "four"' >e2b.toml
    run -1 --separate-stderr "$E2B" template create x
    [[ "$stderr" == *"e2b.toml:1: cpu_count must be a whole number"* ]]
}

@test "mistakes are found before the server hears of anything" {
    run -1 --separate-stderr "$E2B" template create x
    [[ "$stderr" == *"No ./e2b.Dockerfile or ./Dockerfile found in the root directory ($PWD)"* ]]
    run -1 "$E2B" template create x -d nope.Dockerfile
    echo 'FROM ubuntu' >Dockerfile
    run -2 --separate-stderr "$E2B" template create 'bad name!'
    [[ "$stderr" == *"Template name bad name! is not valid"* ]]
    run -2 --separate-stderr "$E2B" template create my-template:v1
    [[ "$stderr" == *"Template name my-template:v1 is not valid"*"--tag names the build"* ]]
    run -2 "$E2B" template create
    run -2 "$E2B" template create x --memory-mb 1001
    run -2 "$E2B" template create x --cpu-count 0
    run -2 "$E2B" template create x -c run
    printf 'FROM ubuntu\nCOPY missing.txt /\n' >Dockerfile
    run -1 --separate-stderr "$E2B" template create x
    [ "${stderr_lines[0]}" = "error: Dockerfile:2:6: No files found in ./missing.txt" ]
    [ "${stderr_lines[2]}" = "         ^" ]
    printf 'FROM ubuntu\nCOPY ../out /\n' >Dockerfile
    run -1 --separate-stderr "$E2B" template create x
    [[ "$stderr" == *"outside of the build context"* ]]
    ln -s /etc outside
    printf 'FROM ubuntu\nCOPY outside/passwd /\n' >Dockerfile
    run -1 --separate-stderr "$E2B" template create x
    [[ "$stderr" == *"leads out of the build context"* ]]
    printf 'FROM ubuntu\nCOPY d /\n' >Dockerfile
    mkdir d && mkfifo d/pipe
    run -1 --separate-stderr "$E2B" template create x
    [[ "$stderr" == *"d/pipe is a named pipe"* ]]
    rm d/pipe
    node -e 'require("net").createServer().listen("d/socket", () => process.exit())'
    run -1 --separate-stderr "$E2B" template create x
    [[ "$stderr" == *"Dockerfile:2:6: d/socket is a socket"*"name it in .dockerignore, or remove it"* ]]
    echo d/socket >.dockerignore
    mknod d/device c 0 0
    run -1 --separate-stderr "$E2B" template create x
    [[ "$stderr" == *"d/device is a device"* ]]
    rm .dockerignore
    printf 'FROM a AS one\nFROM b\nCOPY --from=one /x /y\n' >Dockerfile
    run -8 --separate-stderr "$E2B" template create x
    [[ "$stderr" == *"Multi-stage"*"put the steps of the stages into one"* ]]
    [ -z "$(sent method)" ]
}

@test ".dockerignore counts as Docker reads it, or as the official clients do" {
    mkdir -p d/node_modules/keep d/logs
    touch d/a.md d/README.md d/node_modules/x d/node_modules/keep/y d/logs/z d/.git
    printf 'FROM x\nCOPY d /d\n' >Dockerfile
    printf '**/node_modules\n*/*.md\n!d/README.md\n/d/logs/\n!d/node_modules/keep\n' >.dockerignore
    "$E2B" template pack -o out >printed
    [ "$(tar -tzf out/*.tar.gz | tr '\n' ' ')" = "d/ d/.git d/README.md d/node_modules/ d/node_modules/keep/ d/node_modules/keep/y " ]
    rm -r out
    "$E2B" template pack -o out --ignore-compat >printed
    [ "$(tar -tzf out/*.tar.gz | tr '\n' ' ')" = "d/ d/.git d/logs/ d/logs/z d/node_modules/keep/ d/node_modules/keep/y d/node_modules/x " ]
    printf '*\n!d/a.md\n' >Dockerfile.dockerignore
    "$E2B" template pack -o other >printed
    [ "$(tar -tzf other/*.tar.gz | tr '\n' ' ')" = "d/ d/a.md " ]
}

@test "patterns and archives become steps that mean the same everywhere" {
    mkdir -p d1/sub d2 && touch d1/a d2/b one.txt two.txt
    tar -czf files.tgz one.txt
    printf 'FROM x\nCOPY *.txt /t/\nCOPY d* /d/\nADD files.tgz /f\nCOPY files.tgz /g\n' >Dockerfile
    run -0 "$E2B" template create x
    [ "$(started | node -p 'JSON.stringify(JSON.parse(require("fs").readFileSync(0)).steps.slice(2, -2).map((s) => [s.type, ...s.args]))')" = \
        '[["COPY","*.txt","/t/","",""],["COPY","d1","/d/","",""],["COPY","d2","/d/","",""],["COPY","files.tgz","/.e2b-add/","",""],["RUN","mkdir -p /f && tar -xf /.e2b-add/files.tgz -C /f && rm -rf /.e2b-add/","root"],["COPY","files.tgz","/g","",""]]' ]
    printf 'FROM x\nCOPY *.txt /t\n' >Dockerfile
    run -1 --separate-stderr "$E2B" template create x
    [[ "$stderr" == *"the destination must end with a slash"* ]]
}

@test "a link that is named is copied as a link, and that is said" {
    mkdir d && echo f >d/f && ln -s d/f link && ln -s d folder.txt && ln -s f d/inner
    printf 'FROM x\nCOPY link /l\nCOPY d /d\nCOPY *.txt /t/\n' >Dockerfile
    run -0 --separate-stderr "$E2B" template create x --dry-run
    [ "$stderr" = "Dockerfile:2: link is a symbolic link, and is copied as one: name what it leads to if that is meant
Dockerfile:4: folder.txt is a symbolic link, and is copied as one: name what it leads to if that is meant" ]
}

@test "a build that fails is told with the server's reason and the step" {
    printf 'FROM ubuntu\nRUN mock-fail\n' >Dockerfile
    run -1 --separate-stderr "$E2B" template create x
    [[ "$stderr" == *"❌ Template build failed."*$'error: Dockerfile:2:1: command failed: exit status 1\n    RUN mock-fail\n    ^'* ]]
    [[ "$output" == *"[builder 3/5] RUN mock-fail"* ]]
    E2B_API_KEY=e2b_bad run -3 --separate-stderr "$E2B" template create x
}

@test "--progress json prints one object a line" {
    project
    run -0 --separate-stderr "$E2B" template create x --progress json
    for line in "${lines[@]}"; do node -e 'JSON.parse(process.argv[1])' "$line"; done
    [[ "${lines[-1]}" == '{"type":"result","status":"ready","name":"x","templateID":"tpl00000000000000001",'* ]]
    [[ "$(src_hash <<<"$output")" == *'{"type":"upload","source":"src/","filesHash":"SRC'* ]]
}

@test "--detach leaves the build to the server; wait, status and logs find it" {
    printf 'FROM ubuntu\nRUN echo hi\n' >Dockerfile
    run -0 "$E2B" template create x --detach
    [ "${lines[-1]}" = "tpl00000000000000001 ffe12aad-b1dd-aa13-d026-000000000001" ]
    [ "$(sent url | grep -c status)" = 0 ]
    run -0 "$E2B" template wait tpl00000000000000001
    run -0 "$E2B" template status tpl00000000000000001 --format json
    [[ "$output" == *'"status": "ready"'* ]]
    run -0 "$E2B" template logs tpl00000000000000001 ffe12aad-b1dd-aa13-d026-000000000001
    [[ "$output" == *"[builder 3/5] RUN echo hi"*"Build finished"* ]]
    run -0 "$E2B" template logs -f tpl00000000000000001
    [[ "$output" == *"Build finished"* ]]
    run -1 "$E2B" template status tpl00000000000000001 nobody
    run -4 "$E2B" template wait tgone
    run -0 "$E2B" template create slow --detach
    run -124 "$E2B" template wait tpl00000000000000002 --timeout 1
}

@test "an interrupt leaves the build to the server and says how to find it" {
    printf 'FROM ubuntu\nRUN echo hi\n' >Dockerfile
    env --default-signal=INT "$E2B" template create slow >out 2>err &
    pid=$!
    while ! grep -q 'Build finished' out; do :; done
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" = 130 ]
    grep -q 'e2b template logs -f tpl00000000000000001 ffe12aad-b1dd-aa13-d026-000000000001' err
}

@test "--dry-run tells everything and asks nobody" {
    project
    run -0 --separate-stderr "$E2B" template create x --dry-run
    [[ "$output" =~ [0-9a-f]{64} ]]
    [[ "$output" == *"FROM python:3.11-slim"*'COPY    ["src/", "./src/", "", ""]'*"Ignored by .dockerignore:"*"**/*.log"*"Largest files:"*"12  src/main.py"* ]]
    run -0 --separate-stderr "$E2B" template create x --dry-run --progress json
    [ "$(node -p 'const d = JSON.parse(process.argv[1]); [d.ignores[0], d.copies.length, d.largest[0].path].join(" ")' "$output")" = "**/*.log 2 src/main.py" ]
    [ -z "$(sent method)" ]
}

@test "stages that only go on from each other need no server that knows stages" {
    printf 'FROM a AS base\nRUN 1\nFROM unused AS other\nRUN 2\nFROM base\nRUN 3\n' >Dockerfile
    run -0 "$E2B" template create x
    [[ "$(started)" == *'["1"]'*'["3"]'*'"fromImage":"a"}' && "$(started)" != *'["2"]'* ]]
}

@test "list prints the table and the JSON of the official command line" {
    run -0 "$E2B" template list
    [ "${lines[0]}" = "ACCESS    TEMPLATE ID            TEMPLATE NAME       VCPUS   RAM MIB   CREATED BY        CREATED AT   DISK SIZE MIB   ENVD VERSION" ]
    [ "${lines[1]}" = "Private   rki5dems9wqfm4r03t7g   also, my-template   2       1024      dev@example.com   1/2/2026     2560            0.6.13" ]
    run -0 "$E2B" tpl ls -f json
    [ "$(node -p 'JSON.parse(process.argv[1])[1].templateID' "$output")" = tpublic ]
    run -0 "$E2B" template list -t empty
    [ "${lines[0]}" = "No templates found." ]
    [ "$(sent url | tail -n 1)" = "/templates?teamID=empty" ]
    [ "$("$E2B" complete -- template info my | cut -f 1)" = my-template ]
}

@test "info, delete, publish and tags call what the service knows" {
    run -0 "$E2B" template info my-template
    [[ "$output" == *"Template ID: rki5dems9wqfm4r03t7g"* ]]
    run -4 "$E2B" template info gone
    run -0 "$E2B" template delete my-template --yes
    [[ "$output" == *"- Deleting sandbox template my-template"* ]]
    run -4 "$E2B" template delete gone --yes
    run -2 "$E2B" template delete my-template </dev/null
    run -2 "$E2B" template delete
    run -0 "$E2B" template publish my-template -y
    [[ "$output" == *"  Published as: team/my-template, my-template"* ]]
    run -0 "$E2B" template unpublish my-template -y
    [ "$(sent method url body | grep PATCH | tail -n 1)" = 'PATCH /v2/templates/my-template {"public":false}' ]
    run -0 "$E2B" template tag add my-template:v2 stable latest
    run -0 "$E2B" template tag remove my-template stable
    run -4 "$E2B" template tag remove my-template stable none
    [[ "$output" == *"Template my-template has no tag none"* ]]
    [ "$(sent method url body | grep /templates/tags)" = $'POST /templates/tags {"target":"my-template:v2","tags":["stable","latest"]}\nDELETE /templates/tags {"name":"my-template","tags":["stable"]}' ]
    run -0 "$E2B" template tag list my-template
    [[ "$output" == *"default   b1"* ]]
}

@test "a file that changes while it is packed is said, and nothing half-made is left" {
    printf 'FROM x\nCOPY d /d\n' >Dockerfile
    mkdir d out
    truncate -s 1G d/a
    echo before >d/z
    "$E2B" template pack -o out 2>err &
    pid=$!
    while [ ! -e out/.e2b-pack.partial ]; do kill -0 "$pid"; done
    echo more >>d/z
    status=0
    wait "$pid" || status=$?
    [ "$status" = 5 ]
    grep -q 'd/z changed while it was read' err
    [ -z "$(ls -A out)" ]
}

@test "without room for the archive that is said, nothing is sent, and nothing half-made is left" {
    unshare -rm true 2>/dev/null || skip "not here: nobody may mount a small file system"
    printf 'FROM x\nCOPY d /d\n' >Dockerfile
    mkdir d small
    head -c 4000000 /dev/urandom >d/a
    run -6 --separate-stderr unshare -rm sh -c 'mount -t tmpfs -o size=2M none small && TMPDIR=$PWD/small "$E2B" template create x'
    [[ "$stderr" == *"Dockerfile:2:6: cannot write the archive: No space left on device"*"free some space"* ]]
    [ "$(sent method url | grep -v files/)" = "POST /v3/templates" ]
    run -0 unshare -rm sh -c 'mount -t tmpfs -o size=2M none small && ! "$E2B" template pack -o small && ls -A small'
    [[ "$output" != *".gz"* && "$output" != *partial* ]]
}
