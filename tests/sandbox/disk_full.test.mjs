// SPDX-License-Identifier: Apache-2.0
//
// The state lies on a small file system of its own, which is full: what needs room says so and what
// to do, what does not works, nothing is lost and nothing half-made stays. When there is room again all
// is as before.
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { access, ask, create, start, startDaemon } from './daemon.mjs'
import { until } from './until.mjs'

const { HOME, E2B_LANE, E2B_SMALL } = process.env
const state = `${HOME}/small`

// A plain user may mount in a user namespace of his own, where he has but one id.
if (!E2B_SMALL && E2B_LANE === 'user') test('the disk is full', { skip: 'not here: a namespace in which this user may mount has no range of ids' })
else if (!E2B_SMALL) {
  mkdirSync(state)
  const own = E2B_LANE === 'root' ? [] : ['--user', '--map-current-user', '--keep-caps']
  const drop = E2B_LANE === 'root' ? '' : 'setpriv --ambient-caps=-all --inh-caps=-all'
  const inside = spawn('unshare', [...own, '--mount', '--propagation', 'private', 'sh', '-c',
    `mount -t tmpfs -o size=80m,mode=700 none ${state} && exec ${drop} "$0" "$@"`, process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)],
  { env: { ...process.env, E2B_SMALL: '1', E2B_HOME: state }, stdio: 'inherit' })
  process.exitCode = await new Promise((resolve) => inside.on('exit', (code, signal) => resolve(signal ? 1 : code)))
} else {
  let daemon = await startDaemon()

  const ballast = `${state}/ballast`
  function fill() {
    const fd = openSync(ballast, 'a')
    for (const size of [1 << 20, 4096, 1])
      try { for (;;) if (!writeSync(fd, Buffer.alloc(size, 1))) break } catch (error) { assert.equal(error.code, 'ENOSPC') }
    closeSync(fd)
  }
  const free = () => rmSync(ballast)
  const kept = (s) => `/sandboxes/${s.sandboxID}`
  const list = async () => Object.fromEntries((await ask('GET', '/v2/sandboxes')).json.map((s) => [s.sandboxID, s.state]))
  const fails = async (what, ...request) => {
    const answer = await ask(...request)
    assert.equal(answer.status, 507, `${what}: ${answer.status} ${answer.text}`)
    assert.match(answer.json.message, /disk is full|No space left/, what)
    assert.match(answer.json.hint, /free some space/, what)
  }
  const events = async () => (await ask('GET', '/events/sandboxes?limit=100')).json
  const [one, two, frozen, cold, doomed, lost] = await Promise.all(Array.from({ length: 6 }, () => create({ metadata: { disk: 'full' } })))
  await start(cold, 'echo kept >/home/user/kept').end()
  for (const [sandbox, memory] of [[frozen, true], [cold, false], [lost, false]])
    assert.equal((await ask('POST', `${kept(sandbox)}/pause`, { memory })).status, 204)
  const before = await list()
  const strange = () => ['sandboxes', 'layers'].flatMap((name) => readdirSync(`${state}/${name}`)).filter((name) => !before[name])

  test('what needs room fails and says so, what does not works', async () => {
    fill()
    const ready = strange() // they are made ahead, as many as came at once
    for (let i = 0; i < 5; i++) await fails('create', 'POST', '/v2/sandboxes', { templateID: 'base' })
    await fails('timeout', 'POST', `${kept(one)}/timeout`, { timeout: 3000 })
    await fails('pause', 'POST', `${kept(one)}/pause`, {})
    await fails('pause to disk', 'POST', `${kept(two)}/pause`, { memory: false })
    await fails('resume', 'POST', `${kept(frozen)}/connect`, { timeout: 300 })
    await fails('cold start', 'POST', `${kept(cold)}/connect`, { timeout: 300 })
    await fails('snapshot', 'POST', `${kept(one)}/snapshots`, {})
    await fails('network', 'PUT', `${kept(one)}/network`, { denyOut: ['10.0.0.0/8'] })
    await fails('volume', 'POST', '/volumes', { name: 'full' })
    await fails('secret', 'POST', '/secrets', { name: 'full', value: 'x' })
    await fails('key', 'POST', '/api-keys', { name: 'full' })
    await fails('template', 'POST', '/v3/templates', { name: 'full' })
    const forks = (await ask('POST', `${kept(one)}/fork`, { count: 2 }))
    assert.equal(forks.status, 507, forks.text)
    assert.deepEqual(await list(), before)
    await until(() => strange().every((name) => ready.includes(name)))

    for (const sandbox of [one, two]) {
      const inside = await start(sandbox, 'echo $((6*7)); echo x >/home/user/x').end()
      assert.deepEqual([inside.out, inside.exit.exitCode], ['42\n', 1])
      assert.match(inside.err, /No space left on device/)
    }
    const upload = await ask('POST', '/files?path=/home/user/big&username=user', Buffer.alloc(1 << 20, 'x'),
      { headers: access(one, { 'content-type': 'application/octet-stream' }) })
    assert.deepEqual([upload.status, upload.json?.message], [507, 'not enough disk space available'])
    for (const path of ['', '/logs', '/metrics']) assert.equal((await ask('GET', kept(one) + path)).status, 200, path)
  })

  test('a kill is never refused; its event comes when there is room', async () => {
    assert.equal((await ask('DELETE', kept(doomed))).status, 204)
    assert.equal((await ask('GET', kept(doomed))).status, 404)
    fill()
    const killed = async () => (await events()).filter((e) => e.type === 'sandbox.lifecycle.killed').map((e) => e.sandboxId ?? e.sandbox_id)
    assert.deepEqual(await killed(), [])
    free()
    await until(async () => (await killed()).join() === doomed.sandboxID)
    assert.match((await ask('GET', kept(doomed))).json.message, /killed|ended|request/)
    fill()
  })

  test('the next backend starts on it, and what was killed stays so', async () => {
    delete before[doomed.sandboxID]
    assert.equal((await ask('DELETE', kept(lost))).status, 204)
    fill()
    delete before[lost.sandboxID]
    await daemon.end('SIGKILL')
    daemon = await startDaemon()
    assert.deepEqual(await list(), before)
    fill()
    await fails('create', 'POST', '/v2/sandboxes', { templateID: 'base' })
  })

  test('with room all works again', async () => {
    free()
    assert.equal((await start(one, 'echo again >/home/user/x; cat /home/user/x').end()).out, 'again\n')
    for (const sandbox of [frozen, cold]) assert.equal((await ask('POST', `${kept(sandbox)}/connect`, { timeout: 300 })).status, 201)
    assert.equal((await start(cold, 'cat /home/user/kept').end()).out, 'kept\n')
    assert.equal((await ask('POST', `${kept(two)}/pause`, { memory: false })).status, 204)
    assert.equal((await ask('POST', '/secrets', { name: 'room', value: 'x' })).status, 201)
    const more = await create()
    assert.equal((await start(more, 'echo new').end()).out, 'new\n')
    for (const id of Object.keys(await list())) assert.equal((await ask('DELETE', `/sandboxes/${id}`)).status, 204)
    await daemon.end('SIGTERM')
    for (const name of ['sandboxes', 'layers', 'trash']) assert.deepEqual(readdirSync(`${state}/${name}`), [], name)
    assert.deepEqual(readdirSync(state).filter((name) => name.endsWith('.tmp')), [])
  })
}
