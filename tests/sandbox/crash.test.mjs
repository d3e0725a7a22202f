// SPDX-License-Identifier: Apache-2.0
//
// The daemon is killed with -9 at random instants under a load of creations, pauses, kills and changes
// of time. After each: what was acknowledged is there, what was ended is not, what runs answers; at the
// end nothing is left. ROUNDS (12) makes it longer. timeout: 240
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { ask, create, start, startDaemon } from './daemon.mjs'

const rounds = Number(process.env.ROUNDS ?? 12)
const home = process.env.E2B_HOME
const random = (n) => Math.floor(Math.random() * n)
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// What is known of every sandbox: the states it may be in, of which one as long as nothing was asked
// of it whose answer the crash swallowed.
const known = new Map()
const ever = new Set()

async function listed() {
  const all = new Map()
  let token = ''
  do {
    const page = await ask('GET', `/v2/sandboxes?state=running,paused&limit=100${token && `&nextToken=${token}`}`)
    for (const s of page.json) all.set(s.sandboxID, s)
    token = page.headers['x-next-token']
  } while (token)
  return all
}

// One change; its answer narrows down what is known, no answer leaves both ends open.
async function change(record, method, path, body, leadsTo) {
  const before = record.states
  record.busy = true
  record.states = new Set([...before, leadsTo])
  const answer = await ask(method, path, body)
  record.busy = false
  if (answer.status < 300) record.states = new Set([leadsTo])
  else if (answer.status < 500) record.states = before
}

async function act() {
  const idle = [...known.values()].filter((r) => !r.busy && !r.states.has('gone'))
  const record = idle[random(idle.length)]
  const choice = random(10)
  if (!record || choice < 4 && known.size < 60) {
    const mark = `m${random(1e9)}`
    const made = await create({ timeout: 600, metadata: { mark } })
    ever.add(made.sandboxID)
    known.set(made.sandboxID, { id: made.sandboxID, made, mark, states: new Set(['running']) })
  } else if (choice < 6) await change(record, 'DELETE', `/sandboxes/${record.id}`, undefined, 'gone')
  else if (choice < 8) await change(record, 'POST', `/sandboxes/${record.id}/pause`, {}, 'paused')
  else await change(record, 'POST', `/sandboxes/${record.id}/connect`, { timeout: 600 }, 'running')
}

async function load(until) {
  const worker = async () => { while (!until.over) await act().catch(() => {}) }
  await Promise.all([worker(), worker(), worker(), worker()])
}

async function compare() {
  const all = await listed()
  for (const record of known.values()) {
    const found = all.get(record.id)
    const state = found?.state ?? 'gone'
    assert.ok(record.states.has(state), `${record.id} is ${state}, expected ${[...record.states]}`)
    if (found) assert.equal(found.metadata.mark, record.mark)
    record.states = new Set([state])
    record.busy = false
    if (state === 'gone') known.delete(record.id)
    all.delete(record.id)
  }
  // Made, but the answer was lost: nobody waits for them.
  for (const id of all.keys()) assert.equal((await ask('DELETE', `/sandboxes/${id}`)).status, 204)
  const running = [...known.values()].filter((r) => r.states.has('running'))
  for (const record of running.slice(0, 3)) {
    const stream = await start(record.made, 'echo $E2B_SANDBOX_ID').end()
    assert.equal(stream.out, `${record.id}\n`)
  }
}

test(`nothing acknowledged is lost in ${rounds} deaths of the daemon`, async () => {
  let daemon = await startDaemon()
  await create().then((s) => ask('DELETE', `/sandboxes/${s.sandboxID}`))
  for (let round = 0; round < rounds; round++) {
    const until = { over: false }
    const work = load(until)
    await pause(20 + random(300))
    await daemon.end('SIGKILL')
    until.over = true
    await work
    daemon = await startDaemon()
    await compare()
  }
  for (const id of (await listed()).keys()) await ask('DELETE', `/sandboxes/${id}`)
  await daemon.end('SIGTERM')
  await (await startDaemon()).end('SIGTERM') // which sweeps up what the killed ones left half-removed
  assert.deepEqual(readdirSync(`${home}/sandboxes`), [])
  assert.doesNotMatch(execFileSync('cat', ['/proc/self/mountinfo'], { encoding: 'utf8' }), new RegExp(home))
  const groups = execFileSync('sh', ['-c', "find /sys/fs/cgroup -type d -name 'i*' -printf '%f\\n' 2>/dev/null || true"], { encoding: 'utf8' })
  assert.ok(ever.size > 0)
  assert.deepEqual(groups.split('\n').filter((name) => ever.has(name)), [])
})

test('a store that is damaged is told of and kept', async () => {
  const { readFileSync, writeFileSync } = await import('node:fs')
  const file = `${home}/state.db`
  const good = readFileSync(file)
  const bad = Buffer.from(good)
  bad.fill(0x5a, 100, 12000)
  writeFileSync(file, bad)
  await assert.rejects(startDaemon(), /damaged/)
  assert.ok(readFileSync(file).equals(bad), 'it was not touched')
  writeFileSync(file, 'no database at all')
  await assert.rejects(startDaemon(), /damaged|not a database/)
  writeFileSync(file, good)
  const daemon = await startDaemon()
  await daemon.end('SIGTERM')
})
