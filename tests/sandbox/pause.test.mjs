// SPDX-License-Identifier: Apache-2.0
// timeout: 300
// Sandboxes that stand still: paused and resumed in memory and as files, forked, copied as snapshots,
// resumed by traffic, and found again by the next daemon, however the last one ended.
import { afterEach, test } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { ask, create, start, startDaemon as startOne, Stream, unary } from './daemon.mjs'
import { until } from './until.mjs'

const home = process.env.E2B_HOME
let started
const startDaemon = async () => (started = await startOne())
afterEach(() => started.end('SIGTERM')) // of a test that failed; the next one needs the place
const sh = async (sandbox, script) => {
  const stream = start(sandbox, script)
  await stream.end()
  assert.equal(stream.exit.exitCode ?? 0, 0, `${script}: ${stream.err}`)
  return stream.out
}
const state = async ({ sandboxID }) => (await ask('GET', `/sandboxes/${sandboxID}`)).json.state
const post = (sandbox, what, body) => ask('POST', `/sandboxes/${sandbox.sandboxID}/${what}`, body)
const pause = async (sandbox, body) => assert.equal((await post(sandbox, 'pause', body)).status, 204)
const resume = async (sandbox, body = {}) => assert.equal((await ask('POST', `/v2/sandboxes/${sandbox.sandboxID}/connect`, body)).status, 201)
const kill = async ({ sandboxID }) => assert.equal((await ask('DELETE', `/sandboxes/${sandboxID}`)).status, 204)
const events = async ({ sandboxID }) =>
  (await ask('GET', `/events/sandboxes/${sandboxID}?orderAsc=true&limit=100`)).json.map((e) => e.type.split('.')[2])
const percentile = (times, part) => times.sort((a, b) => a - b)[Math.floor(times.length * part)].toFixed(1)

const fill = 'for i in $(seq 200); do mkdir -p d$((i % 7)); head -c $((i * 97)) /dev/urandom >d$((i % 7))/f$i; done; sudo rm -r /etc/skel'
const sum = "find /home/user -name 'f*' | sort | xargs cat | sha256sum; test ! -e /etc/skel"

test('a hundred pauses lose neither files nor processes', async (t) => {
  const daemon = await startDaemon()
  const sandbox = await create()
  await sh(sandbox, fill)
  const before = await sh(sandbox, sum)
  const echo = new Stream(sandbox, 'Start', { process: { cmd: 'cat' }, stdin: true })
  await echo.until((s) => s.pid)
  const times = { pause: [], resume: [] }
  for (let i = 0; i < 100; i++) {
    const started = performance.now()
    await pause(sandbox)
    const paused = performance.now()
    await resume(sandbox)
    times.pause.push(paused - started)
    times.resume.push(performance.now() - paused)
  }
  for (const [what, all] of Object.entries(times))
    t.diagnostic(`${what}: p50 ${percentile(all, 0.5)} ms, p99 ${percentile(all, 0.99)} ms`)
  await unary(sandbox, 'SendInput', { process: { pid: echo.pid }, input: { stdin: Buffer.from('still\n').toString('base64') } })
  await echo.until((s) => s.out === 'still\n')
  assert.equal(await sh(sandbox, sum), before)
  await kill(sandbox)
  await daemon.end('SIGTERM')
})

test('without its memory it starts anew, from its files', async () => {
  const daemon = await startDaemon()
  const sandbox = await create({ envVars: { GIVEN: 'kept' } })
  await sh(sandbox, fill)
  const before = await sh(sandbox, sum)
  const boots = new Set()
  const sleeper = start(sandbox, 'sleep 1000')
  await sleeper.until((s) => s.pid)
  const broken = assert.rejects(sleeper.end(), { code: 'ECONNRESET' })
  for (let i = 0; i < 5; i++) {
    boots.add(await sh(sandbox, 'cat /proc/sys/kernel/random/boot_id'))
    await pause(sandbox, { memory: false })
    assert.equal((await ask('GET', `/sandboxes/${sandbox.sandboxID}`)).json.local.kept, 'files')
    await resume(sandbox)
    assert.equal(await sh(sandbox, sum), before)
    assert.equal(await sh(sandbox, 'echo $GIVEN; ps -A | grep -c sleep || true'), 'kept\n0\n')
  }
  await broken
  boots.add(await sh(sandbox, 'cat /proc/sys/kernel/random/boot_id'))
  assert.equal(boots.size, 6)
  await pause(sandbox)
  await resume(sandbox, { memory: false })
  boots.add(await sh(sandbox, 'cat /proc/sys/kernel/random/boot_id'))
  assert.equal(boots.size, 7)
  await kill(sandbox)
  await daemon.end('SIGTERM')
})

test('what can be asked of a paused one', async () => {
  const daemon = await startDaemon()
  const sandbox = await create({ metadata: { a: 'b' } })
  const { sandboxID } = sandbox
  const listed = async (query) => (await ask('GET', `/v2/sandboxes${query}`)).json.map((s) => s.sandboxID)
  await pause(sandbox)
  const again = await post(sandbox, 'pause')
  assert.deepEqual([again.status, again.json.message], [409, `Error pausing sandbox - sandbox '${sandboxID}' is already paused`])
  assert.equal((await post(sandbox, 'timeout', { timeout: 60 })).status, 409)
  assert.equal((await post(sandbox, 'refreshes', {})).status, 409)
  assert.equal((await ask('PUT', `/sandboxes/${sandboxID}/network`, {})).status, 409)
  const fork = await post(sandbox, 'fork')
  assert.deepEqual([fork.status, fork.json.message], [409, `Sandbox '${sandboxID}' is paused and cannot be forked; resume it first`])
  assert.deepEqual(await listed('?state=paused&metadata=a%3Db'), [sandboxID])
  assert.deepEqual(await listed('?state=running'), [])
  assert.deepEqual(await listed(''), [sandboxID])
  const { json } = await ask('GET', `/sandboxes/${sandboxID}`)
  assert.equal(json.state, 'paused')
  assert.ok(Date.parse(json.endAt) <= Date.now())
  const health = await ask('GET', '/health', undefined, { headers: { 'E2b-Sandbox-Id': sandboxID, 'E2b-Sandbox-Port': '49983' } })
  assert.deepEqual([health.status, health.json], [502, { sandboxId: sandboxID, message: 'The sandbox was not found', code: 502 }])
  // Asked for at once, by many: one resume, and the others find it running.
  const all = await Promise.all([...Array(8)].map(() => post(sandbox, 'connect', { timeout: 60 })))
  assert.deepEqual(all.map((r) => r.status).sort(), [200, 200, 200, 200, 200, 200, 200, 201])
  assert.equal((await post(sandbox, 'resume')).status, 409)
  const types = await events(sandbox)
  assert.deepEqual(types.filter((type) => type !== 'updated'), ['created', 'paused', 'resumed'])
  await pause(sandbox)
  await kill(sandbox)
  const gone = await post(sandbox, 'connect', { timeout: 60 })
  assert.equal(gone.status, 404)
  assert.match(gone.json.message, /it ended at \S+Z \(request\)$/)
  assert.equal((await post({ sandboxID: 'inothere' }, 'pause')).status, 404)
  await daemon.end('SIGTERM')
})

test('its end pauses it, and traffic resumes it, once for all who ask', async () => {
  const daemon = await startDaemon()
  const sandbox = await create({ timeout: 1, autoPause: true, autoResume: { enabled: true } })
  const { sandboxID, envdAccessToken } = sandbox
  await until(async () => (await state(sandbox)) === 'paused')
  const at = { 'E2b-Sandbox-Id': sandboxID, 'E2b-Sandbox-Port': '49983' }
  const refused = await ask('GET', '/metrics', undefined, { headers: { ...at, 'X-Access-Token': 'wrong' } })
  assert.deepEqual([refused.status, refused.json.code, refused.json.sandboxId], [403, 403, sandboxID])
  assert.equal(await state(sandbox), 'paused')
  const headers = { ...at, 'X-Access-Token': envdAccessToken }
  const answers = await Promise.all([...Array(10)].map(() => ask('GET', '/envs', undefined, { headers })))
  assert.deepEqual(new Set(answers.map((r) => r.status)), new Set([200]))
  assert.deepEqual((await events(sandbox)).slice(0, 3), ['created', 'paused', 'resumed'])
  await kill(sandbox)

  const asleep = await create({ timeout: 1, autoPause: true, autoPauseMemory: false })
  await until(async () => (await state(asleep)) === 'paused')
  assert.equal((await ask('GET', `/sandboxes/${asleep.sandboxID}`)).json.local.kept, 'files')
  assert.equal((await ask('GET', '/health', undefined, { headers: { ...at, 'E2b-Sandbox-Id': asleep.sandboxID } })).status, 502)
  await kill(asleep)
  await daemon.end('SIGTERM')
})

// The two files are never further apart than one line while this runs.
const writer = 'for ((i = 1; ; i++)); do echo $i >>a; echo $i >>b; done'
const check = 'a=$(wc -l <a) b=$(wc -l <b); seq $a | cmp - a && seq $b | cmp - b && test $((a - b)) -ge 0 -a $((a - b)) -le 1 && echo whole'

test('a snapshot of a busy sandbox is of one instant', async () => {
  const daemon = await startDaemon()
  const sandbox = await create({ envVars: { GIVEN: 'kept' } })
  start(sandbox, writer)
  await sh(sandbox, 'until [ -s b ]; do :; done')
  const ids = []
  for (let i = 0; i < 5; i++) {
    const made = await post(sandbox, 'snapshots', i ? {} : { name: 'Local/Mine:v1' })
    assert.equal(made.status, 201, made.text)
    assert.deepEqual(made.json.names, i ? [] : ['mine:v1'])
    ids.push(made.json.snapshotID)
  }
  assert.equal(ids[0], 'mine:v1')
  const children = await Promise.all(ids.map((templateID) => create({ templateID })))
  for (const child of children) {
    assert.equal(await sh(child, check), 'whole\n')
    assert.equal(await sh(child, 'echo $GIVEN; before=$(wc -l <b); sync; test $before = $(wc -l <b)'), 'kept\n')
  }
  // A snapshot of what was made of a snapshot holds both.
  await sh(children[0], 'echo more >c; rm a')
  const second = (await post(children[0], 'snapshots', { name: 'mine:v1' })).json
  const grandchild = await create({ templateID: second.snapshotID })
  assert.equal(await sh(grandchild, 'cat c; test ! -e a; test -s b'), 'more\n')

  const found = async (query) => (await ask('GET', `/snapshots${query}`)).json.map((s) => s.snapshotID)
  for (const name of ['mine', 'mine:v1', 'local/mine']) assert.deepEqual(await found(`?name=${name}`), ['mine:v1'])
  assert.deepEqual(await found('?name=mine:v2'), [])
  const foreign = await post(sandbox, 'snapshots', { name: 'other/mine' })
  assert.deepEqual([foreign.status, foreign.json.message], [403, "namespace 'other' must match your team 'local'"])
  assert.equal((await found(`?sandboxID=${sandbox.sandboxID}-6532622b`)).length, 5)
  assert.equal((await found('')).length, 6)
  assert.equal((await ask('DELETE', '/templates/mine%3Av1')).status, 400) // it is in use
  for (const each of [...children, grandchild, sandbox]) await kill(each)
  for (const id of await found('')) assert.equal((await ask('DELETE', `/templates/${encodeURIComponent(id)}`)).status, 204)
  assert.equal((await ask('DELETE', '/templates/mine%3Av1')).status, 404)
  assert.deepEqual(readdirSync(`${home}/layers`), [])
  await daemon.end('SIGTERM')
})

test('a hundred forks of one sandbox', async (t) => {
  const daemon = await startDaemon()
  const sandbox = await create({ metadata: { of: 'one' } })
  await sh(sandbox, fill)
  const before = await sh(sandbox, sum)
  const started = performance.now()
  const { status, json } = await post(sandbox, 'fork', { count: 100, timeout: 300 })
  t.diagnostic(`fork x100: ${(performance.now() - started).toFixed(0)} ms`)
  assert.equal(status, 201)
  const forks = json.map((entry) => entry.sandbox)
  assert.equal(new Set(forks.map((f) => f.sandboxID)).size, 100)
  for (const fork of [forks[0], forks[50], forks[99]]) {
    assert.equal(await sh(fork, sum), before)
    await sh(fork, 'rm -r d1; echo own >own')
  }
  assert.equal(await sh(sandbox, sum), before)
  assert.equal(await sh(forks[1], `${sum}; ls own 2>/dev/null || true`), before)
  assert.deepEqual(await events(forks[7]), ['resumed'])
  assert.equal((await events(sandbox)).at(-1), 'checkpointed')
  await Promise.all(forks.map(kill))
  assert.deepEqual(readdirSync(`${home}/layers`), [])
  assert.equal((await post(sandbox, 'fork', { count: 101 })).status, 400)
  await kill(sandbox)
  await daemon.end('SIGTERM')
})

test('paused sandboxes outlive kill -9 of the daemon', async () => {
  let daemon = await startDaemon()
  const [memory, files, running] = [await create(), await create(), await create()]
  const cat = new Stream(memory, 'Start', { process: { cmd: 'cat' }, tag: 'cat', stdin: true })
  await cat.until((s) => s.pid)
  await sh(files, 'echo kept >file')
  await pause(memory)
  await pause(files, { memory: false })
  await daemon.end('SIGKILL')
  daemon = await startDaemon()
  assert.deepEqual([await state(memory), await state(files), await state(running)], ['paused', 'paused', 'running'])
  await resume(memory)
  const again = new Stream(memory, 'Connect', { process: { tag: 'cat' } })
  await again.until((s) => s.pid)
  await unary(memory, 'SendInput', { process: { tag: 'cat' }, input: { stdin: Buffer.from('on\n').toString('base64') } })
  await again.until((s) => s.out === 'on\n')
  assert.equal(again.pid, cat.pid)
  await resume(files)
  assert.equal(await sh(files, 'cat file'), 'kept\n')
  for (const each of [memory, files, running]) await kill(each)
  await daemon.end('SIGTERM')
})

test('a daemon that is killed on the way leaves one state or the other', async () => {
  let daemon = await startDaemon()
  const sandbox = await create()
  await sh(sandbox, 'echo kept >file')
  const seen = new Set()
  for (let i = 0; i < 16; i++) {
    const memory = i % 2 === 0
    const asked = (await state(sandbox)) === 'paused'
      ? ask('POST', `/v2/sandboxes/${sandbox.sandboxID}/connect`, {}) : post(sandbox, 'pause', { memory })
    const acknowledged = asked.then(() => true, () => false)
    await Promise.race([acknowledged, new Promise((resolve) => setTimeout(resolve, i / 2))])
    await daemon.end('SIGKILL')
    await acknowledged
    daemon = await startDaemon()
    seen.add(await state(sandbox))
  }
  if ((await state(sandbox)) === 'paused') await resume(sandbox)
  assert.equal(await sh(sandbox, 'cat file'), 'kept\n')
  assert.ok([...seen].every((s) => s === 'running' || s === 'paused'))
  await kill(sandbox)
  assert.deepEqual(readdirSync(`${home}/sandboxes`), [])
  await daemon.end('SIGTERM')
})

const statusOf = (pid) => readFileSync(`/proc/${pid}/status`, 'utf8')
const parentOf = (pid) => Number(/^PPid:\t(\d+)$/m.exec(statusOf(pid))[1])

// The first processes of a backend's sandboxes, by which all of a sandbox ends, as when the machine is
// switched off: children of its zygote.
const firstProcesses = (daemon) => readdirSync('/proc').filter((pid) => {
  try {
    return /^Name:\te2b-agent$/m.test(statusOf(pid)) && /^NSpid:.*\t1$/m.test(statusOf(pid)) &&
      parentOf(parentOf(pid)) === daemon.pid
  } catch {
    return false
  }
})

test('what was paused in memory starts anew when that is lost', async () => {
  let daemon = await startDaemon()
  const [first, second] = [await create(), await create()]
  for (const each of [first, second]) await sh(each, 'echo kept >file')
  await pause(first)
  await pause(second)
  const ours = firstProcesses(daemon)
  assert.ok(ours.length >= 2)
  await daemon.end('SIGKILL')
  for (const pid of ours) { // some were only made ahead, and left with the daemon
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch (gone) {
      assert.equal(gone.code, 'ESRCH')
    }
  }
  daemon = await startDaemon()
  for (const each of [first, second]) {
    const { json } = await ask('GET', `/sandboxes/${each.sandboxID}`)
    assert.deepEqual([json.state, json.local.kept], ['paused', 'files, for its memory was lost'])
    await resume(each)
    assert.equal(await sh(each, 'cat file'), 'kept\n')
    const { logs } = (await ask('GET', `/v2/sandboxes/${each.sandboxID}/logs`)).json
    assert.ok(logs.some((line) => /memory was lost/.test(line.message)), JSON.stringify(logs))
    await kill(each)
  }
  await daemon.end('SIGTERM')
})
