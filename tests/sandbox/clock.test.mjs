// SPDX-License-Identifier: Apache-2.0
//
// Somebody sets the wall clock a day ahead or back. Sandboxes live as long as they were to, what is
// shown is what the clock will show then, and what has happened stays in its order.
import { after, test } from 'node:test'
import assert from 'node:assert/strict'
import { ask, create, start } from './daemon.mjs'
import { setFault, startFaulty } from './faults.mjs'
import { until } from './until.mjs'

const day = 86400e3
let daemon, ahead = 0
const setClock = (ms) => setFault('wallMs', ahead = ms)
const get = (sandbox) => ask('GET', `/sandboxes/${sandbox.sandboxID}`)
const left = async (sandbox) => Date.parse((await get(sandbox)).json.endAt) - Date.now() - ahead
const states = async (...all) => Promise.all(all.map(async (s) => (await get(s)).json.state ?? 'gone'))

const ends = (sandbox) => until(async () => (await get(sandbox)).status !== 200)
const about = (value, wanted) => assert.ok(Math.abs(value - wanted) < 15e3, `${value} is not about ${wanted}`)

after(async () => {
  for (const { sandboxID } of (await ask('GET', '/v2/sandboxes')).json) await ask('DELETE', `/sandboxes/${sandboxID}`)
  await daemon.end('SIGTERM')
})

test('a clock that is set ends nothing early and keeps nothing alive', async () => {
  daemon = await startFaulty()
  const long = await create({ timeout: 300 })
  const paused = await create({ timeout: 300, autoPause: true })
  for (const jump of [day, -day]) {
    const short = await create({ timeout: 1 }), process = start(long, 'sleep 1; echo done', {}, { 'connect-timeout-ms': '60000' })
    await process.until((s) => s.pid)
    setClock(jump)
    assert.deepEqual(await states(long, paused), ['running', 'running'])
    about(await left(long), 300e3)
    const began = Date.now(), later = await create({ timeout: 1 })
    await ends(short)
    await ends(later)
    assert.ok(Date.now() - began > 500, 'not at once either')
    assert.equal((await ask('POST', `/sandboxes/${long.sandboxID}/timeout`, { timeout: 300 })).status, 204)
    about(await left(long), 300e3)
    assert.deepEqual([(await process.end()).out, process.exit.exitCode], ['done\n', 0])
    const late = await start(long, 'echo up; exec sleep 60', {}, { 'connect-timeout-ms': '200' }).end()
    assert.equal(late.last.error.code, 'deadline_exceeded')
  }
})

test('nor does one that is set while no backend runs', async () => {
  const long = await create({ timeout: 300 }), short = await create({ timeout: 2 })
  const process = start(long, 'sleep 60', { tag: 'long' }, { 'connect-timeout-ms': '60000' })
  await process.until((s) => s.pid)
  for (const jump of [day, -day]) {
    await daemon.end('SIGKILL')
    setClock(jump)
    daemon = await startFaulty()
    assert.deepEqual(await states(long), ['running'])
    about(await left(long), 300e3)
  }
  await ends(short)
  assert.deepEqual(await states(long), ['running'])
})

test('nothing grows old by it', async () => {
  const ended = await create({ timeout: 300 })
  assert.equal((await ask('DELETE', `/sandboxes/${ended.sandboxID}`)).status, 204)
  await daemon.end('SIGKILL')
  setClock(30 * day)
  daemon = await startFaulty()
  assert.match((await get(ended)).json.message, /it ended at/)
  await daemon.end('SIGKILL')
  setClock(0)
  daemon = await startFaulty()
  const { logs } = (await ask('GET', `/v2/sandboxes/${ended.sandboxID}/logs`)).json
  assert.match(logs.at(-1).message, /^created|^killed/)
})

test('what happens is kept in order, counted and told', async () => {
  const ids = []
  for (const jump of [0, -day, day]) {
    setClock(jump)
    for (let i = 0; i < 2; i++) ids.push((await create({ metadata: { clock: 'set' } })).sandboxID)
  }
  for (const order of ['asc', 'desc']) {
    const seen = []
    let token = ''
    do {
      const page = await ask('GET', `/v2/sandboxes?metadata=clock%3Dset&limit=2&order=${order}&nextToken=${token}`)
      seen.push(...page.json.map((s) => s.sandboxID))
      token = page.headers['x-next-token'] ?? ''
    } while (token)
    assert.deepEqual(seen.sort(), [...ids].sort())
  }
  const events = (await ask('GET', '/events/sandboxes?limit=6&orderAsc=false')).json
  assert.deepEqual(events.map((e) => e.sandboxId ?? e.sandbox_id), [...ids].reverse())
  const logs = async () => (await ask('GET', `/v2/sandboxes/${ids[0]}/logs?direction=forward`)).json.logs
  assert.ok((await logs()).length > 0)
  setClock(-day)
  await ask('POST', `/sandboxes/${ids[0]}/pause`, {})
  await until(async () => /paused/.test((await logs()).at(-1).message))
  const samples = await until(async () => {
    const { json } = await ask('GET', `/sandboxes/${ids[1]}/metrics`)
    return json.length && json
  })
  about(samples.at(-1).timestampUnix * 1000, Date.now() - day)
  assert.ok(samples.every((s) => s.cpuUsedPct >= 0 && s.cpuUsedPct < 100 * 64), JSON.stringify(samples))
})
