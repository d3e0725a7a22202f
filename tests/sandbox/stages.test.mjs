// SPDX-License-Identifier: Apache-2.0
// Builds of more than one stage: what is copied between them, what is made again, what each hides
// from the next, and what a failure or a kill leaves. timeout: 180
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { archive, begin, build, end, name, place, run } from './builds.mjs'
import { ask, startDaemon } from './daemon.mjs'

const home = process.env.E2B_HOME
const isSingle = process.env.E2B_LANE === 'single' // one id: everybody is root
let daemon
before(async () => { daemon = await startDaemon() })
after(() => daemon.end('SIGTERM'))

const from = (fromStage, ...args) => ({ type: 'COPY', args, fromStage })
const stage = (name, steps, image = 'e2bdev/base') => ({ name, fromImage: image, steps })
const said = (built, label) => built.lines.filter((l) => l.startsWith(`[${label}] [std`)).map((l) => l.split(']: ')[1]).join('\n')

test('files of other stages, with what belongs to them', async () => {
  const source = stage('build', [
    run(`mkdir -p /out/deep/er /out/empty /opt/app-1 && cd /out && echo one > one && ln one twin &&
      echo two > deep/two && ln -s two deep/link && ln -s /out/one absolute && ln -s /opt/app-1 /opt/app && echo app > /opt/app-1/bin &&
      truncate -s 8M sparse && touch -d 2001-02-03 one && chmod 750 deep && chown -R 0:0 . && chmod 4755 one && mkfifo pipe`, 'root'),
    run(isSingle ? 'true' : 'chown 1234:4321 /out/deep/two', 'root'),
    run('python3 -c "import os; os.setxattr(\'/out/deep/two\', \'user.note\', b\'kept\')" || true; echo temporary > /tmp/left', 'root'),
    run('cat /tmp/left', 'root'),
  ])
  const built = await build({
    stages: [source],
    steps: [
      run('mkdir -p /to/real && echo old > /to/one && echo stays > /to/stays && ln -s real /to/deep', 'root'),
      from(0, '/out', '/to'), from(0, '/out/absolute', '/files/'), from(0, '/opt/app/bin', '/files/renamed'),
      from(0, '/out/t*', '/globbed/', 'user', '0640'), from(0, '/out/d*', '/globbed/'), from(0, '/tmp/left', 'relative/'),
      from(0, '/out/deep/link', '/files/'), from(0, '/out/empty', '/new'),
      run(`cd /to && cat one stays real/two deep/two && stat -c "%n %a %u:%g %s %h" one twin deep/two && readlink absolute deep/link; stat -c %y one;
        [ one -ef twin ] && echo linked; [ "$(stat -c %b sparse)" -lt 100 ] && echo sparse; ls -A /to /globbed;
        python3 -c "import os; print(os.getxattr('/to/real/two', 'user.note'))"; stat -c "%U %a" /globbed/twin; cat /files/absolute /files/renamed /files/link ~user/relative/left; ls -d /new /to/real`, 'root'),
    ],
  })
  assert.equal(built.status, 'ready', built.reason?.message)
  const text = said(built, 'builder 10/10')
  assert.match(text, /^one\nstays\ntwo\ntwo\none 4755 0:0 4 2\ntwin 4755 0:0 4 2\n/)
  assert.ok(text.includes(`deep/two 644 ${isSingle ? '0:0' : '1234:4321'} 4 1`), text)
  assert.match(text, /\/out\/one\ntwo\n2001-02-03.*\nlinked\nsparse\n/)
  assert.match(text, /\/globbed:\ner\nlink\ntwin\ntwo\n/)
  assert.match(text, new RegExp(`b'kept'\n${isSingle ? 'root' : 'user'} 640\none\napp\ntwo\ntemporary\n/new\n/to/real$`))
  assert.ok(!/^\.e2b/m.test(text), text)
  assert.match(said(built, 'build 4/4'), /^temporary$/)
  assert.ok(built.lines.some((l) => /^\[build\] FROM e2bdev\/base \[/.test(l)), built.lines.join('\n'))
})

test('modes are what chmod makes of them, from a stage and from the context', async () => {
  const modes = ['0640', '7', '4711', 'u=rwX,go=rX', '+x', 'a-w', 'g=u', 'o=', 'go-rx,u+s', 'g+s,+t', 'u=r-w+x', '=rw', 'ug=o', '-x']
  const make = 'mkdir -p m/d && echo f >m/f && echo x >m/x && chmod 640 m/f && chmod 4751 m/x && chmod 2755 m/d && chmod 750 m'
  const { template } = await build({}), files = archive(['m'], { 'm/f': 'f', 'm/d/g': 'g' })
  await place(template, files)
  const built = await build({
    stages: [stage('one', [run(`cd / && ${make}`, 'root')])],
    steps: [
      ...modes.map((mode, i) => from(0, '/m', `/stage${i}`, '', mode)),
      { type: 'COPY', args: ['m', '/context', 'root', 'u=rwX,go=rX'], filesHash: files.hash },
      run(`set -e; list() { (cd $1 && stat -c "%n %a" * .); }; i=0; for mode in ${modes.join(' ')}; do
        cd / && rm -rf m && ${make} && umask 022 && case $mode in [0-7]*) mode=0000$mode ;; esac && chmod -R -- "$mode" m; list m >want; list stage$i >have
        cmp -s want have || { echo "$mode"; cat want have; }; i=$((i + 1)); done; list context`, 'root'),
    ],
  }, template)
  assert.equal(said(built, `builder ${modes.length + 2}/${modes.length + 2}`), 'd 755\nf 644\n. 755', built.reason?.message)
})

test('stages are made once, and again only when what they are made of differs', async () => {
  const one = stage('one', [run('cat /proc/sys/kernel/random/uuid > /home/user/id', 'root')])
  const two = stage('two', [...one.steps, from(0, '/home/user/id', '/first'), run('cmp /first /home/user/id && cat /first', 'root')])
  const spec = (more) => ({ stages: [one, two], steps: [from(1, '/first', '/id'), run('cat /id', 'root')], ...more })
  const cached = (built) => built.lines.filter((l) => /^CACHED \[(builder|one|two) /.test(l)).length
  const first = await build(spec())
  assert.equal(first.status, 'ready', first.reason?.message)
  const id = said(first, 'builder 2/2')
  assert.equal(said(first, 'two 3/3'), id)
  const again = await build(spec())
  assert.equal(cached(again), 6, again.lines.join('\n'))
  // All anew, but what two stages share is still one.
  const forced = await build(spec({ force: true }))
  assert.equal(forced.status, 'ready', forced.reason?.message)
  assert.notEqual(said(forced, 'builder 2/2'), id)
  assert.ok(forced.lines.some((l) => l.startsWith('CACHED [two 1/3]')) && cached(forced) === 1, forced.lines.join('\n'))
  // The same steps, but the stage was made anew: what was copied from the old one is not taken.
  const third = await build(spec())
  assert.equal(said(await build({ stages: [one, two], steps: [from(1, '/first', '/id'), run('cat /id', 'root'), run('cat /id; true', 'root')] }), 'builder 3/3'), said(forced, 'builder 2/2'))
  assert.equal(third.status, 'ready')
})

test('files of a template, and what a stage refuses', async () => {
  const source = await build({ steps: [run('echo of-template > /home/user/f', 'root')] })
  const built = await build({ stages: [stage(undefined, undefined, source.template)], steps: [from(0, '/home/user/f', '/f'), run('cat /f')] })
  assert.equal(said(built, 'builder 2/2'), 'of-template', built.reason?.message)
  const failing = async (steps, stages = [stage('one', [run('mkdir /d && touch /d/a /d/b', 'root')])]) => {
    const { status, reason } = await build({ stages, steps })
    assert.equal(status, 'error')
    return [reason.step, reason.message]
  }
  assert.deepEqual(await failing([run('true'), from(0, '/no/such', '/x')]), ['2', "COPY failed: '/no/such' is not in stage 'one'"])
  assert.deepEqual(await failing([from(0, '/d/*', '/x')]), ['1', "COPY failed: '/d/*' is more than one: the destination must end with a slash"])
  assert.deepEqual(await failing([from(0, '/d/a', '/x', 'nobody-here')]), ['1', "COPY failed: there is no user or group 'nobody-here'"])
  assert.deepEqual(await failing([from(0, '/dev/null', '/x')]), ['1', "COPY failed: '/dev/null' is neither a file nor a directory"])
  assert.deepEqual(await failing([from(0, '/d/a', '/etc/passwd/x')]), ['1', "COPY failed: '/etc/passwd' is no directory"])
  assert.deepEqual(await failing([from(0, '/d/a', '/usr')].concat(run('test -f /usr/a'), from(0, '/d', '/etc/passwd'))), ['3', "COPY failed: '/etc/passwd' is no directory"])
  assert.deepEqual(await failing([from(0, '/d/a', '/x')], [stage('broken', [run('true'), run('exit 3')])]),
    ['broken:2', "stage 'broken': failed to run command 'exit 3': exit status 3"])
  const [step, message] = await failing([from(0, '/d/a', '/x')], [stage('far', [], 'no-such-image:1')])
  assert.equal(step, 'far:base')
  assert.match(message, /^stage 'far': the image 'no-such-image:1' is not here/)
  for (const [stages, steps] of [[[], [from(0, 'a', 'b')]], [[stage('a', [from(0, 'a', 'b')])], []], [[{ steps: [] }], []], [['x'], []], [[stage('a', [])], [{ ...from(0, 'a', 'b'), filesHash: 'a'.repeat(64) }]]]) {
    const { templateID, buildID } = (await ask('POST', '/v3/templates', { name: name() })).json
    assert.equal((await ask('POST', `/v2/templates/${templateID}/builds/${buildID}`, { fromImage: 'e2bdev/base', stages, steps })).status, 400, JSON.stringify(stages))
  }
})

test('links of a stage lead out of nothing', async () => {
  const built = await build({
    stages: [stage('evil', [run(`ln -s / /root-link && ln -s ../../../../../../../..${home}/api-key /climbs && ln -s /proc/self/root/etc /magic && mkdir /tree && ln -s /etc /tree/etc`, 'root')])],
    steps: [from(0, '/root-link/etc/hostname', '/h'), from(0, '/tree', '/tree'), run('readlink /tree/etc; [ ! -e /climbed ]', 'root'), from(0, '/climbs', '/climbed')],
  })
  assert.deepEqual([built.reason.step, built.reason.message], ['4', "COPY failed: '/climbs' is not in stage 'evil'"])
  assert.equal(said(built, 'builder 3/4'), '/etc')
})

test('a stage that fills all layers is copied from, and into', async () => {
  const many = Array.from({ length: 45 }, (_, i) => run(`echo ${i} > /n${i}`, 'root'))
  const built = await build({ stages: [stage('many', many)], steps: [...many, from(0, '/n44', '/copied'), from(0, '/n*', '/all/'), run('cat /copied; ls /all | wc -l', 'root')] })
  assert.equal(built.status, 'ready', built.reason?.message)
  assert.equal(said(built, 'builder 48/48'), '44\n45')
})

test('what ARG sets ends with the stage, ENV goes on into the sandbox', async () => {
  const built = await build({
    stages: [stage('one', [{ type: 'ARG', args: ['SECRET', 'x'] }, { type: 'ENV', args: ['SEEN', '$SECRET'] }, run('echo "$SECRET $SEEN" > /args', 'root')])],
    steps: [from(0, '/args', '/args'), { type: 'ARG', args: ['LOCAL', 'l'] }, { type: 'ENV', args: ['KEPT', '$LOCAL'] }, { type: 'ARG', args: ['KEPT', 'weaker'] },
      run('echo "$(cat /args)|$SECRET|$LOCAL|$KEPT"')],
    startCmd: 'env > /home/user/start-env; sleep 1000', readyCmd: '[ -s /home/user/start-env ]',
  })
  assert.equal(built.status, 'ready', built.reason?.message)
  assert.equal(said(built, 'builder 5/5'), 'x x||l|l')
  const next = await build({ fromImage: undefined, fromTemplate: built.template, steps: [run('env')] })
  assert.match(said(next, 'builder 1/1'), /^KEPT=l$/m)
  assert.doesNotMatch(said(next, 'builder 1/1'), /SECRET|LOCAL/)
})

/* ---- ends ---- */

const layers = () => readdirSync(`${home}/layers`).length
const until = async (over, text) => {
  for (let lines = []; !lines.some((l) => l.includes(text));) {
    const { json } = await ask('GET', `${over.path}/status`)
    assert.equal(json.status, 'building', json.reason?.message)
    lines = json.logs
  }
}
// The first stage writes a layer, the second one stands still in the middle.
const endless = (mark) => ({
  stages: [stage('one', [run(`echo ${mark} > /one`, 'root')]), stage('two', [from(0, '/one', '/two'), run(`sleep 1000 # ${mark}`)])],
  steps: [from(1, '/two', '/two')],
})

test('a build that is cancelled has failed, and what it did is kept', async () => {
  const before = layers(), begun = await begin(endless('cancelled'))
  await until(begun, 'RUN sleep')
  const cancel = () => ask('POST', `/v2${begun.path}/cancel`)
  assert.equal((await cancel()).status, 204)
  const ended = await end(begun)
  assert.deepEqual([ended.status, ended.reason.message, ended.reason.step], ['error', 'build was cancelled', 'two:2'])
  assert.deepEqual([(await cancel()).status, (await ask('POST', `/v2/templates/${begun.templateID}/builds/nope/cancel`)).status], [400, 400])
  assert.ok(layers() > before)
  const short = endless('cancelled')
  short.stages[1].steps.pop()
  const again = await build(short)
  assert.ok(again.lines.some((l) => l.startsWith('CACHED [two 1/1] COPY --from=one /one /two')), again.lines.join('\n'))
  const waiting = (await ask('POST', '/v3/templates', { name: name() })).json
  const path = `/templates/${waiting.templateID}/builds/${waiting.buildID}`
  assert.equal((await ask('POST', `/v2${path}/cancel`)).status, 204)
  assert.equal((await ask('GET', `${path}/status`)).json.status, 'error')
  assert.equal((await ask('POST', `/v2${path}`, { fromImage: 'e2bdev/base' })).status, 400)
})

test('kill -9 between stages: the build has failed, and nothing half-made stays', async () => {
  const before = layers(), begun = await begin(endless('killed'))
  await until(begun, 'RUN sleep')
  await daemon.end('SIGKILL')
  daemon = await startDaemon()
  const failed = await end(begun)
  assert.equal(failed.status, 'error')
  assert.match(failed.reason.message, /backend ended while the template was being built/)
  assert.equal(layers(), before)
  assert.ok(!(await ask('GET', '/templates')).json.some((t) => t.templateID === begun.templateID))
  const short = endless('killed')
  short.stages[1].steps.pop()
  assert.equal((await build(short, begun.template)).status, 'ready')
})

test('kill -9 while files are copied', async () => {
  const before = layers()
  const begun = await begin({
    stages: [stage('big', [run('head -c 48M /dev/urandom > /big && for i in $(seq 8); do cp /big /big$i || exit; done; rm /big', 'root')])],
    steps: [from(0, '/big*', '/copied/')],
  })
  await until(begun, 'COPY --from=big')
  await daemon.end('SIGKILL')
  daemon = await startDaemon()
  assert.equal((await end(begun)).status, 'error')
  assert.equal(layers(), before)
  assert.deepEqual(readdirSync(`${home}/sandboxes`), [])
})
