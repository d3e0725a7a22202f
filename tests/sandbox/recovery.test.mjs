// SPDX-License-Identifier: Apache-2.0
// The daemon is killed at any moment, and the next one finds everything that was acknowledged. timeout: 180
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { ask, basic, create, input, start, startDaemon, Stream, unary } from './daemon.mjs'

const list = async () => (await ask('GET', '/v2/sandboxes')).json
const killAll = async () => {
  for (const { sandboxID } of await list()) await ask('DELETE', `/sandboxes/${sandboxID}`)
}

test('sandboxes and their processes outlive kill -9 of the daemon', async () => {
  let daemon = await startDaemon()
  const sandbox = await create({ metadata: { kept: 'yes' }, envVars: { GIVEN: '1' } })
  const config = { cmd: '/bin/bash', args: ['-c', 'echo before; read line; echo "got $line" | tee /dev/stderr; exit 7'], envs: { MINE: 'ü' }, cwd: '/tmp' }
  const reader = new Stream(sandbox, 'Start', { process: config, tag: 'reader', stdin: true })
  await reader.until((s) => s.out === 'before\n')
  const terminal = new Stream(sandbox, 'Start', { process: { cmd: '/bin/bash', args: ['-i'] }, pty: { size: { cols: 80, rows: 24 } }, tag: 'terminal' })
  await terminal.until((s) => s.pid)
  const brief = start(sandbox, 'until test -e /tmp/go; do sleep 0.05; done; echo said alone; exit 5', { tag: 'brief' })
  await brief.until((s) => s.pid)
  await daemon.end('SIGKILL')
  for (const stream of [reader, terminal, brief]) await assert.rejects(stream.end())

  daemon = await startDaemon()
  const [again, ...others] = await list()
  assert.deepEqual(others, [])
  assert.equal(again.sandboxID, sandbox.sandboxID)
  assert.deepEqual(again.metadata, { kept: 'yes' })
  const { processes } = (await unary(sandbox, 'List', {})).json
  const { pid, config: seen } = processes.find((p) => p.tag === 'reader')
  assert.deepEqual([pid, seen], [reader.pid, config])
  const second = new Stream(sandbox, 'Connect', { process: { tag: 'reader' } })
  await second.until((s) => s.events[0] === 'start')
  await input(sandbox, pid, 'it\n')
  await second.end()
  assert.deepEqual([second.out, second.err, second.exit.exitCode], ['got it\n', 'got it\n', 7])
  const shell = new Stream(sandbox, 'Connect', { process: { tag: 'terminal' } })
  await shell.until((s) => s.pid)
  await unary(sandbox, 'SendInput', { process: { tag: 'terminal' }, input: { pty: Buffer.from('echo a$((1+1))b; exit 3\n').toString('base64') } })
  await shell.end()
  assert.match(shell.pty, /a2b/)
  assert.equal(shell.exit.exitCode, 3)

  // What ends while no daemon runs is still told by the one after.
  const alone = new Stream(sandbox, 'Connect', { process: { tag: 'brief' } })
  await alone.until((s) => s.pid)
  await start(sandbox, 'touch /tmp/go', {}, basic('root')).end()
  await alone.end()
  assert.deepEqual([alone.out, alone.exit.exitCode], ['said alone\n', 5])
  const environment = await start(sandbox, 'echo $GIVEN $E2B_SANDBOX_ID').end()
  assert.equal(environment.out, `1 ${sandbox.sandboxID}\n`)
  await killAll()
  await daemon.end('SIGTERM')
})

test('an end that nobody saw', async () => {
  let daemon = await startDaemon()
  const sandbox = await create()
  const s = start(sandbox, 'echo $$ > /tmp/pid; while ! test -e /tmp/go; do sleep 0.02; done; echo alone; exit 6', { tag: 'quick' })
  await s.until((t) => t.pid)
  const other = start(sandbox, 'sleep 0.5; touch /tmp/go; sleep 0.2')
  await other.until((t) => t.pid)
  await daemon.end('SIGKILL')
  await new Promise((resolve) => setTimeout(resolve, 1500)) // nothing is there that could tell of it
  daemon = await startDaemon()
  const after = await new Stream(sandbox, 'Connect', { process: { tag: 'quick' } }).end()
  assert.equal(after.exit?.exitCode, 6, JSON.stringify(after.last))
  await killAll()
  await daemon.end('SIGTERM')
})

test('a deadline holds under the next daemon', async () => {
  let daemon = await startDaemon()
  const sandbox = await create()
  const s = start(sandbox, 'exec sleep 60', {}, { 'connect-timeout-ms': '2000' })
  await s.until((t) => t.pid)
  await daemon.end('SIGKILL')
  daemon = await startDaemon()
  const after = await new Stream(sandbox, 'Connect', { process: { pid: s.pid } }).end()
  assert.equal(after.exit.status, 'signal: killed')
  await killAll()
  await daemon.end('SIGTERM')
})

test('a clean stop keeps them too', async () => {
  let daemon = await startDaemon()
  const sandbox = await create()
  await daemon.end('SIGTERM')
  daemon = await startDaemon()
  assert.equal((await start(sandbox, 'echo still here').end()).out, 'still here\n')
  await killAll()
  await daemon.end('SIGTERM')
})

test('time that passed meanwhile acts at the next start', async () => {
  let daemon = await startDaemon()
  const kept = await create({ timeout: 60 }), late = await create({ timeout: 2 })
  const end = Date.parse((await ask('GET', `/sandboxes/${late.sandboxID}`)).json.endAt)
  await daemon.end('SIGKILL')
  await new Promise((resolve) => setTimeout(resolve, end + 50 - Date.now()))
  daemon = await startDaemon()
  assert.deepEqual((await list()).map((s) => s.sandboxID), [kept.sandboxID])
  assert.ok(!existsSync(`${process.env.E2B_HOME}/sandboxes/${late.sandboxID}`))
  await killAll()
  await daemon.end('SIGTERM')
})

test('killed while sandboxes are made: each that was acknowledged is there, and nothing else', async () => {
  for (let round = 0; round < 4; round++) {
    let daemon = await startDaemon()
    const acknowledged = []
    let told = () => {}
    const enough = new Promise((resolve) => { told = resolve })
    const asked = Array.from({ length: 40 }, () => create().then((s) => {
      acknowledged.push(s.sandboxID)
      if (acknowledged.length === 3 + 9 * round) told()
    }, () => {}))
    await enough
    await daemon.end('SIGKILL')
    await Promise.all(asked)
    daemon = await startDaemon()
    const alive = (await list()).map((s) => s.sandboxID)
    for (const id of acknowledged) assert.ok(alive.includes(id), `${id} is lost`)
    assert.deepEqual(readdirSync(`${process.env.E2B_HOME}/sandboxes`).sort(), [...alive].sort())
    for (const id of acknowledged.slice(0, 3))
      assert.equal((await ask('GET', `/sandboxes/${id}`)).status, 200)
    await killAll()
    assert.deepEqual(readdirSync(`${process.env.E2B_HOME}/sandboxes`), [])
    await daemon.end('SIGTERM')
  }
})

test('what a sandbox may reach stands also when the daemon died right after its creation', async (t) => {
  let daemon = await startDaemon()
  const { network } = (await ask('GET', '/local/status')).json.limits
  if (network.mechanism) {
    const rules = { timeout: 300, network: { denyOut: ['0.0.0.0/0'], allowOut: ['8.8.8.8'] } }
    const made = await Promise.all([1, 2, 3, 4, 5, 6].map(() => create(rules)))
    await daemon.end('SIGKILL')
    daemon = await startDaemon()
    for (const sandbox of made) {
      const { out } = await start(sandbox, 'tail -n +2 /proc/net/route | cut -f 2').end()
      assert.ok(out.includes('08080808') && !out.includes('00000000'), out)
    }
    await killAll()
  }
  await daemon.end('SIGTERM')
  if (!network.mechanism) t.skip('not here: sandboxes have no network')
})
