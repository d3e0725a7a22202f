// SPDX-License-Identifier: Apache-2.0
// Templates built from steps, through the front door: what the contract says of each answer, what
// is kept, what is refused, and what a kill leaves. timeout: 180
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { archive, begin, build, end, name, place, put, run } from './builds.mjs'
import { apiKey, ask, create, port, start, startDaemon } from './daemon.mjs'

const home = process.env.E2B_HOME
const isSingle = process.env.E2B_LANE === 'single' // one id: everybody is root
let daemon
before(async () => { daemon = await startDaemon() })
after(() => daemon.end('SIGTERM'))

// node sends a DELETE's body without its length unless told.
const untag = (body) => ask('DELETE', '/templates/tags', body, { headers: { 'content-length': JSON.stringify(body).length } })

test('a build from its request to its last line', async () => {
  const built = await build({ steps: [run('echo out; echo err >&2'), run('id -un', 'root')] })
  assert.equal(built.status, 'ready', built.reason?.message)
  assert.deepEqual(Object.keys(built.logEntries[0]).sort(), ['level', 'message', 'step', 'timestamp'])
  const has = (pattern) => assert.ok(built.lines.some((l) => pattern.test(l)), `${pattern} in ${built.lines.join('\n')}`)
  has(/^Building template \S+\/\S+$/)
  has(/^\[base\] FROM e2bdev\/base \[[0-9a-f]{12}\]$/)
  has(/^\[builder 1\/2\] RUN echo out; echo err >&2 \[[0-9a-f]{12}\]$/)
  has(/^\[builder 1\/2\] \[stdout\]: out$/)
  has(/^\[builder 1\/2\] \[stderr\]: err$/)
  has(/^\[builder 2\/2\] \[stdout\]: root$/)
  has(/^Build finished, took \d+s$/)
  const listed = (await ask('GET', '/templates')).json.find((t) => t.templateID === built.templateID)
  assert.deepEqual([listed.buildStatus, listed.aliases, listed.cpuCount, listed.memoryMB, listed.createdBy],
    ['ready', [built.template], 2, 1024, null])
  const detail = (await ask('GET', `/templates/${built.template}`)).json
  assert.deepEqual(detail.builds.map((b) => [b.buildID, b.status]), [[built.buildID, 'ready']])
  assert.deepEqual((await ask('GET', `/templates/aliases/${built.template}`)).json, { templateID: built.templateID, public: false })
  const forward = (await ask('GET', `${built.path}/logs?limit=2`)).json.logs
  const backward = (await ask('GET', `${built.path}/logs?limit=1&direction=backward`)).json.logs
  assert.equal(forward.length, 2)
  assert.match(backward[0].message, /^Build finished/)
  assert.ok((await ask('GET', `${built.path}/logs?level=warn`)).json.logs.every((l) => l.level === 'warn'))
})

test('a step is over with its command, whatever that left in the background', async () => {
  const built = await build({ steps: [run('sleep 1000 & echo begun; seq 10000'), run('while :; do echo more; done & sleep 0.1'), run('! pgrep sleep', 'root')] })
  assert.equal(built.status, 'ready', built.reason?.message)
  assert.ok(built.lines.includes('[builder 1/3] [stdout]: begun'), built.lines.slice(0, 20).join('\n'))
})

test('what a step left is not made again, unless that is forced', async () => {
  const steps = [run('cat /proc/sys/kernel/random/uuid > /home/user/one'), run('echo two > /home/user/two')]
  const template = name()
  const first = await build({ steps }, template)
  const again = await build({ steps }, template)
  assert.equal(again.templateID, first.templateID)
  assert.equal(again.lines.filter((l) => l.startsWith('CACHED [builder')).length, 2)
  const forced = await build({ steps: [steps[0], { ...steps[1], force: true }] }, template)
  assert.deepEqual(forced.lines.filter((l) => l.includes('RUN')).map((l) => l.startsWith('CACHED')), [true, false])
  const all = await build({ steps, force: true }, template)
  assert.equal(all.lines.filter((l) => l.startsWith('CACHED')).length, 0)
})

test('a failure names the step, and what came before is kept', async () => {
  const template = name(), before = run('echo kept > /home/user/kept')
  const failed = await build({ steps: [before, run('exit 7')] }, template)
  assert.equal(failed.status, 'error')
  assert.deepEqual([failed.reason.step, failed.reason.message], ['2', "failed to run command 'exit 7': exit status 7"])
  const next = await build({ steps: [before] }, template)
  assert.equal(next.status, 'ready')
  assert.ok(next.lines.some((l) => l.startsWith('CACHED [builder 1/1]')))
  const nobody = await build({ steps: [run('whoami', 'root123')] })
  assert.equal(nobody.reason.message, "failed to run command 'whoami': command failed: unauthenticated: invalid username: 'root123'")
  const unknown = await build({ fromImage: 'ubuntu:22.04' })
  const listed = async () => (await ask('GET', '/templates')).json.concat((await ask('GET', '/v2/templates')).json).filter((t) => t.templateID === unknown.templateID)
  assert.deepEqual(await listed(), []) // it never was one
  assert.equal((await ask('GET', `/templates/aliases/${unknown.template}`)).status, 404)
  assert.equal((await ask('GET', `/templates/${unknown.template}`)).json.builds[0].status, 'error')
  assert.equal(unknown.reason.step, 'base')
  assert.match(unknown.reason.message, /import it with `e2b template import/)
  assert.equal((await build({}, unknown.template)).templateID, unknown.templateID)
  assert.equal((await build({ steps: [run('false')] }, unknown.template)).status, 'error')
  assert.deepEqual((await listed()).map((t) => t.buildStatus), ['error', 'error']) // the newest build's
})

test('templates come in pages, with base behind all others', async () => {
  const all = (await ask('GET', '/templates')).json.map((t) => t.templateID), seen = []
  let token = '', last
  do {
    const page = await ask('GET', `/v2/templates?limit=1${token && `&nextToken=${token}`}`)
    assert.equal(page.json.length, 1)
    last = page.json[0]
    seen.push(last.templateID)
    token = page.headers['x-next-token']
  } while (token)
  assert.deepEqual([...seen].sort(), all.sort())
  assert.deepEqual(last.aliases, ['base'])
})

test('environment, directory and user go from step to step, and into the sandbox', async () => {
  const built = await build({
    steps: [
      { type: 'ENV', args: ['A', 'x', 'B', '$A/${A}/${NONE:-d}${NONE-<${NONE:-${A:+y}}>} `no` $(no)'] },
      { type: 'USER', args: ['root'] }, { type: 'WORKDIR', args: ['/srv/app'] }, { type: 'WORKDIR', args: ['sub'] },
      { type: 'USER', args: ['worker'] },
      run('printf "%s|%s|%s\\n" "$B" "$PWD" "$(id -un)"'),
      { type: 'ENV', args: ['PATH', "/it's/a b:$PATH"] },
      run('echo "$# ${0##*/} ${PATH%%:*}" && cat <<E\n$(pwd)\nE'),
    ],
  })
  assert.equal(built.status, 'ready', built.reason?.message)
  assert.ok(built.lines.some((l) => l.endsWith(`x/x/d<y> \`no\` $(no)|/srv/app/sub|${isSingle ? 'root' : 'worker'}`)), built.lines.join('\n'))
  assert.ok(built.lines.join('\n').includes("[stdout]: 0 bash /it's/a b\n[builder 8/8] [stdout]: /srv/app/sub"), built.lines.join('\n'))
  const from = await build({ fromImage: undefined, fromTemplate: built.template, steps: [run('echo "$A $PWD $(id -un)"')] })
  assert.ok(from.lines.some((l) => l.endsWith(`[stdout]: x /srv/app/sub ${isSingle ? 'root' : 'worker'}`)), from.lines.join('\n'))
})

test('what is left in /tmp is there in the sandbox, also when it was paused', async () => {
  const built = await build({ steps: [run('echo left > /tmp/file && chmod 600 /tmp/file'), run('stat -c "%n %U" /tmp/*')] })
  assert.ok(built.lines.some((l) => l.endsWith(`[stdout]: /tmp/file ${isSingle ? 'root' : 'user'}`)), built.lines.join('\n'))
  const box = await create({ templateID: built.template })
  assert.equal((await start(box, 'cat /tmp/file; stat -c %a /tmp; rm /tmp/file; echo new > /tmp/other').end()).out, 'left\n1777\n')
  assert.equal((await ask('POST', `/sandboxes/${box.sandboxID}/pause`)).status, 204)
  assert.equal((await ask('POST', `/sandboxes/${box.sandboxID}/connect`, { timeout: 60 })).status, 201)
  assert.equal((await start(box, 'ls /tmp').end()).out, 'other\n')
  await ask('DELETE', `/sandboxes/${box.sandboxID}`)
})

/* ---- uploads ---- */

test('files are copied with owner and mode, into directories that merge', async () => {
  const template = name()
  await build({}, template)
  const tree = archive(['src'], { 'src/a.txt': 'a', 'src/deep/b.txt': 'b' })
  const file = archive(['one.txt'], { 'one.txt': 'one' })
  assert.equal((await place(template, tree)).present, false)
  assert.equal((await place(template, { hash: tree.hash })).present, true)
  await place(template, file)
  const copy = (...args) => ({ type: 'COPY', args, filesHash: file.hash })
  const built = await build({
    steps: [
      run('mkdir -p /srv/to/real && ln -s real /srv/to/deep && echo old > /srv/to/a.txt', 'root'),
      { type: 'COPY', args: ['src', '/srv/to'], filesHash: tree.hash },
      copy('one.txt', '/opt/dir/', 'root', '0600'), copy('one.txt', 'renamed'), copy('*.txt', 'glob/'),
      run('cat /srv/to/a.txt /srv/to/real/b.txt ~user/glob/one.txt; echo; stat -c "%n %U %a" /opt/dir/one.txt /home/user/renamed; ls -d /.e2b-copy* 2>/dev/null || echo clean', 'root'),
    ],
  }, template)
  assert.equal(built.status, 'ready', built.reason?.message)
  const said = built.lines.filter((l) => l.startsWith('[builder 6/6] [std')).map((l) => l.split(']: ')[1]).join('\n')
  assert.match(said, /^abone$/m)
  assert.match(said, /\/opt\/dir\/one\.txt root 600/)
  assert.ok(said.includes(`/home/user/renamed ${isSingle ? 'root' : 'user'} 644`), said)
  const ownerless = await build({ steps: [copy('one.txt', '/x', 'root:no-such-group')] }, template)
  assert.match(ownerless.reason?.message ?? '', /^COPY failed: chown: invalid group/)
  assert.match(said, /clean$/)
  const missing = await build({ steps: [{ type: 'COPY', args: ['x', '/'], filesHash: 'a'.repeat(64) }] }, template)
  assert.deepEqual([missing.status, missing.reason.step], ['error', '1'])
  assert.match(missing.reason.message, /not uploaded/)
})

test('a folder goes where there is none, where there is one, and nowhere else', async () => {
  const template = name()
  await build({}, template)
  const tree = archive(['.'], { 'a.txt': 'a', '.hidden': 'h', '..odd': 'o', 'new\nline': 'n', 'sub/b': 'b', 'other/c': 'c' })
  await place(template, tree)
  const copy = (...args) => ({ type: 'COPY', args, filesHash: tree.hash })
  const list = 'ls -AQ; stat -c "%a %U" . sub sub/b; ls -AQ sub'
  const built = await build({
    steps: [
      run('mkdir -p /have/sub && echo keep > /have/sub/keep && chmod 700 /have && chown user /have && ln -s /have /link && touch /file', 'root'),
      copy('.', '/fresh/deep', 'root'), copy('.', '/have/', 'root'), copy('sub', '/dot/.'), copy('sub', '/link/sub'),
      run(`cd /fresh/deep && ${list}; cd /have && ${list}; ls /dot; ls -d /.e2b-copy* 2>/dev/null || echo clean`, 'root'),
    ],
  }, template)
  assert.equal(built.status, 'ready', built.reason?.message)
  const said = built.lines.filter((l) => l.startsWith('[builder 6/6] [std')).map((l) => l.split(']: ')[1]).join(' ')
  const names = '"..odd" ".hidden" "a.txt" "new\\nline" "other" "sub"', owner = isSingle ? 'root' : 'user'
  assert.equal(said, `${names} 755 root 755 root 644 root "b" ${names} 700 ${owner} 755 root 644 ${owner} "b" "keep" b clean`)
  const onto = await build({ steps: [run('touch /file', 'root'), copy('sub', '/file')] }, template)
  assert.equal(onto.status, 'error')
  assert.ok(onto.lines.some((l) => /\/file.*(File exists|Not a directory)/.test(l)), onto.lines.join('\n'))
})

test('an address is good for one upload, and one that is cut leaves nothing and can be made again', async () => {
  const template = name(), { hash, bytes } = archive(['f'], { f: 'f'.repeat(1 << 20) })
  await build({}, template)
  const { url } = (await ask('GET', `/templates/${template}/files/${hash}`)).json
  assert.equal(await put(url, bytes.subarray(0, 100), { length: bytes.length, cut: true }), 'cut')
  while (readdirSync(`${home}/uploads`).some((f) => f.startsWith('.new-'))) await new Promise(setImmediate)
  assert.equal((await place(template, { hash })).present, false)
  assert.equal(await put(url, bytes), 200)
  assert.equal(await put(url, bytes), 401)
  const built = await build({ steps: [{ type: 'COPY', args: ['f', '/f'], filesHash: hash }, run('wc -c < /f')] }, template)
  assert.ok(built.lines.some((l) => l.endsWith(`[stdout]: ${1 << 20}`)), built.lines.join('\n'))
  assert.equal(await put(`http://127.0.0.1:${port()}/template-files?token=${'0'.repeat(64)}`, bytes), 401)
  for (const bad of ['x', 'A'.repeat(64), '..%2f..%2fstate.db'])
    assert.equal((await ask('GET', `/templates/${template}/files/${bad}`)).status, 400, bad)
})

test('an archive that climbs writes nowhere but in its sandbox', async () => {
  const template = name(), dir = mkdtempSync(`${home}/evil-`)
  writeFileSync(`${dir}/x`, 'evil')
  const bytes = execFileSync('tar', ['-czP', '-C', dir, '--transform', `s,^x$,../../../../../../../..${home}/escaped,`, 'x'])
  const hash = createHash('sha256').update(bytes).digest('hex')
  await build({}, template)
  await place(template, { hash, bytes })
  const built = await build({ steps: [{ type: 'COPY', args: ['x', '/x'], filesHash: hash }] }, template)
  assert.equal(built.status, 'error')
  assert.ok(!readdirSync(home).includes('escaped'))
})

/* ---- the start command ---- */

test('the start command runs in every sandbox before it is handed out', async () => {
  const built = await build({ startCmd: 'sleep .3; echo up >> /home/user/up; touch /dev/shm/up; sleep 1000', readyCmd: '[ -f /dev/shm/up ] && pidof sleep' })
  assert.equal(built.status, 'ready', built.reason?.message)
  assert.ok(built.lines.includes('Template is ready'))
  const sandbox = await create({ templateID: built.template })
  const count = async (of) => Number((await start(of, 'pidof sleep >/dev/null && wc -l </home/user/up').end()).out)
  const once = await count(sandbox)
  assert.ok(once > 0)
  // Again in all that starts without the memory of it: a fork, a snapshot, a cold resume.
  const again = async (of) => assert.equal(await count(of), once + 1)
  const [{ sandbox: fork }] = (await ask('POST', `/sandboxes/${sandbox.sandboxID}/fork`, { timeout: 300 })).json
  await again(fork)
  const { snapshotID } = (await ask('POST', `/sandboxes/${sandbox.sandboxID}/snapshots`, {})).json
  const copy = await create({ templateID: snapshotID })
  await again(copy)
  assert.equal((await ask('POST', `/sandboxes/${sandbox.sandboxID}/pause`, { memory: false })).status, 204)
  assert.equal((await ask('POST', `/sandboxes/${sandbox.sandboxID}/connect`, { timeout: 300 })).status, 201)
  await again(sandbox)
  for (const of of [fork, copy]) await ask('DELETE', `/sandboxes/${of.sandboxID}`)
  await ask('DELETE', `/templates/${snapshotID}`)
  const refused = await ask('DELETE', `/templates/${built.template}`)
  assert.equal(refused.status, 400)
  assert.match(refused.json.message, /cannot delete template .* running sandboxes/)
  await ask('DELETE', `/sandboxes/${sandbox.sandboxID}`)
})

test('a change of state while the start command is run harms neither', async () => {
  const built = await build({
    startCmd: 'if [ "$HOLD" ]; then until [ -e /dev/shm/go ]; do sleep .02; done; fi; touch /dev/shm/up; sleep 1000', readyCmd: '[ -f /dev/shm/up ]' })
  assert.equal(built.status, 'ready', built.reason?.message)
  const post = (id, verb, body = {}) => ask('POST', `/sandboxes/${id}/${verb}`, body)
  const starting = async (metadata) => {
    const made = create({ templateID: built.template, envVars: { HOLD: '1' }, metadata })
    for (;;) {
      const [found] = (await ask('GET', `/v2/sandboxes?metadata=is%3D${metadata.is}`)).json
      if (found) return { made, sandbox: (await ask('GET', `/sandboxes/${found.sandboxID}`)).json }
    }
  }
  const copied = await starting({ is: 'copied' })
  const snapshots = await Promise.all([1, 2, 3, 4, 5, 6].map(() => post(copied.sandbox.sandboxID, 'snapshots')))
  assert.deepEqual(snapshots.map((s) => s.status), Array(6).fill(201))
  assert.equal((await start(copied.sandbox, 'touch /dev/shm/go').end()).exit.status, 'exit status 0')
  assert.equal((await copied.made).sandboxID, copied.sandbox.sandboxID)
  for (const { json } of snapshots) assert.equal((await ask('DELETE', `/templates/${json.snapshotID}`)).status, 204)

  const paused = await starting({ is: 'paused' })
  assert.equal((await post(paused.sandbox.sandboxID, 'pause', { memory: false })).status, 204)
  const { sandboxID } = await paused.made
  assert.equal((await ask('GET', `/sandboxes/${sandboxID}`)).json.state, 'paused')
  // Paused again at once, it goes on with its start command.
  const resumed = post(sandboxID, 'connect', { timeout: 300 })
  while ((await post(sandboxID, 'pause')).status !== 204);
  assert.equal((await post(sandboxID, 'connect', { timeout: 300 })).status, 201)
  const up = await start(paused.sandbox, 'touch /dev/shm/go; for ((i = 0; i < 1000; i++)); do [ ! -e /dev/shm/up ] || exit 0; sleep .02; done; exit 1').end()
  assert.equal(up.exit.status, 'exit status 0')
  assert.equal((await resumed).status, 201)
  for (const id of [sandboxID, copied.sandbox.sandboxID]) await ask('DELETE', `/sandboxes/${id}`)
})

/* ---- names, tags, refusals ---- */

test('an image is found under the name that its import is said to want', async () => {
  const images = { 'ghcr.io/Team/a.b_c:1.0-X': 'ghcr-io-team-a-b_c:1.0-x', 'localhost:5000/app': 'localhost-5000-app' }
  for (const [image, name] of Object.entries(images)) {
    const missing = await build({ fromImage: image })
    assert.ok(missing.reason.message.includes(`e2b template import ${name} FILE`), missing.reason.message)
    assert.equal((await build({ steps: [run('echo here > /home/user/here')] }, name)).status, 'ready')
    const built = await build({ fromImage: `${image}@sha256:${'0'.repeat(64)}`, steps: [run('cat /home/user/here')] })
    assert.ok(built.lines.includes('[builder 1/1] [stdout]: here'), built.reason?.message)
    assert.ok(built.lines.some((l) => /^the digest of .* is not compared/.test(l)), built.lines.join('\n'))
  }
})

test('tags lead to builds', async () => {
  const template = name()
  const one = await build({ steps: [run('echo 1 > /home/user/n')] }, `${template}:v1`)
  const two = await build({ steps: [run('echo 2 > /home/user/n')] }, template, { tags: ['v2', 'latest'] })
  const tags = async () => Object.fromEntries((await ask('GET', `/templates/${template}/tags`)).json.map((t) => [t.tag, t.buildID]))
  assert.deepEqual(await tags(), { v1: one.buildID, v2: two.buildID, latest: two.buildID })
  const moved = await ask('POST', '/templates/tags', { target: `${template}:v1`, tags: ['latest'] })
  assert.deepEqual([moved.status, moved.json], [201, { tags: ['latest'], buildID: one.buildID }])
  assert.equal((await untag({ name: template, tags: ['v2'] })).status, 204)
  assert.deepEqual(await tags(), { v1: one.buildID, latest: one.buildID })
  assert.equal((await untag({ name: template, tags: ['default'] })).status, 400)
  assert.equal((await ask('POST', '/templates/tags', { target: `${template}:no`, tags: ['x'] })).status, 404)
  assert.equal((await ask('POST', '/v2/sandboxes', { templateID: template })).status, 404)
  // A snapshot of that name would hide them all.
  const sandbox = await create()
  assert.equal((await ask('POST', `/sandboxes/${sandbox.sandboxID}/snapshots`, { name: `${template}:snapped` })).status, 409)
  assert.equal((await ask('DELETE', `/sandboxes/${sandbox.sandboxID}`)).status, 204)
})

test('what is refused', async () => {
  const make = (body) => ask('POST', '/v3/templates', body)
  for (const body of [{}, { name: '' }, { name: 'a b' }, { name: 'ok', cpuCount: 3 }, { name: 'ok', memoryMB: 127 }, { name: 'ok', tags: ['A B'] }, { name: 'base' }])
    assert.equal((await make(body)).status, 400, JSON.stringify(body))
  assert.equal((await make({ name: 'other/app' })).status, 403)
  const { templateID, buildID } = (await make({ name: name() })).json
  const path = `/v2/templates/${templateID}/builds/${buildID}`
  for (const body of [{}, { fromImage: 'a', fromTemplate: 'b' }, { fromImage: 'a', steps: [{ type: 'NO', args: [] }] }, { fromImage: 'a', steps: [{ type: 'COPY', args: ['a', 'b'] }] }, { fromImage: 'a', steps: [{ type: 'RUN', args: [1] }] }])
    assert.equal((await ask('POST', path, body)).status, 400, JSON.stringify(body))
  assert.equal((await ask('POST', path, { fromImage: 'e2bdev/base' })).status, 202)
  const again = await ask('POST', path, { fromImage: 'e2bdev/base' })
  assert.deepEqual([again.status, again.json.message], [400, 'build is not in waiting state'])
  const unknown = await ask('GET', `/templates/${templateID}/builds/nope/status`)
  assert.deepEqual([unknown.status, unknown.json.message], [400, "Build 'nope' not found"])
  for (const old of ['/templates', '/v2/templates', `/templates/${templateID}`, `/templates/${templateID}/builds/${buildID}`])
    assert.match((await ask('POST', old, {})).json.message, /builds from steps alone/)
  assert.equal((await ask('GET', '/templates/no-such')).status, 404)
  assert.equal((await ask('DELETE', '/templates/no-such')).status, 404)
})

test('two builds of one name at once', async () => {
  const template = name()
  const both = await Promise.all([build({ steps: [run('echo a > /home/user/w')] }, template), build({ steps: [run('echo b > /home/user/w')] }, template)])
  assert.deepEqual(both.map((b) => b.status), ['ready', 'ready'])
  assert.equal(both[0].templateID, both[1].templateID)
})

const layers = () => readdirSync(`${home}/layers`).length

test('deleting a template ends its build, and its base may go meanwhile', async () => {
  const base = await build({ steps: [run('echo base > /home/user/base')] })
  const over = await begin({ fromImage: undefined, fromTemplate: base.template, steps: [run('sleep .5; cat base')] })
  assert.equal((await ask('DELETE', `/templates/${base.template}`)).status, 204)
  assert.equal((await end(over)).status, 'ready')
  const endless = await begin({ steps: [run('sleep 1000')] })
  assert.equal((await ask('DELETE', `/templates/${endless.templateID}`)).status, 204)
  assert.equal((await ask('GET', `${endless.path}/status`)).status, 400)
})

test('kill -9 in the middle of a build: it has failed, and nothing half-made stays', async () => {
  const built = await build({ steps: [run('echo stays > /home/user/stays')] })
  const before = layers()
  const doomed = await begin({ steps: [run('echo half > /home/user/half'), run('sleep 1000')] })
  for (let lines = []; !lines.some((l) => l.includes('RUN sleep'));)
    lines = (await ask('GET', `${doomed.path}/status`)).json.logs
  await daemon.end('SIGKILL')
  daemon = await startDaemon()
  const failed = await end(doomed)
  assert.equal(failed.status, 'error')
  assert.match(failed.reason.message, /backend ended while the template was being built/)
  assert.equal(layers(), before)
  const sandbox = await create({ templateID: built.template })
  await ask('DELETE', `/sandboxes/${sandbox.sandboxID}`)
  assert.equal((await ask('GET', `/templates/${built.template}`)).json.spawnCount, 1)
  assert.equal(typeof apiKey(), 'string')
})
