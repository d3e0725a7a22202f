// SPDX-License-Identifier: Apache-2.0
//
// The log of a sandbox: what happened to it and what its processes wrote, also when it is gone and
// after the backend was killed; pages that miss nothing; a flood that costs nothing.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'

import { ask, create, start, startDaemon } from './daemon.mjs'

const home = process.env.E2B_HOME
let daemon
before(async () => { daemon = await startDaemon() })
after(async () => {
  for (const { sandboxID } of await get('/v2/sandboxes')) await ask('DELETE', `/sandboxes/${sandboxID}`)
  await daemon.end('SIGTERM')
})

const get = async (path) => {
  const answer = await ask('GET', path)
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}
const lines = (id, query = '') => get(`/sandboxes/${id}/logs${query}`)
const entries = async (id, query = '') => (await get(`/v2/sandboxes/${id}/logs${query}`)).logs
const run = async (sandbox, script) => { const s = start(sandbox, script); await s.end(); return s }

test('both forms tell the same', async () => {
  const sandbox = await create()
  const id = sandbox.sandboxID
  const s = await run(sandbox, String.raw`echo out; echo err >&2; printf 'a\r\nb\377\000c'; exit 3`)
  const { logs, logEntries } = await lines(id)
  assert.deepEqual(await entries(id, '?direction=forward'), logEntries)
  assert.deepEqual(await entries(id), logEntries.toReversed())
  assert.deepEqual(logs.map((l) => l.timestamp), logEntries.map((e) => e.timestamp))
  assert.deepEqual(logs.map((l) => JSON.parse(l.line).message), logEntries.map((e) => e.message))
  assert.deepEqual(logs.map((l) => JSON.parse(l.line).level), logEntries.map((e) => e.level))

  const find = (message) => logEntries.find((e) => e.message === message)
  const pid = String(s.pid)
  assert.match(logEntries[0].message, /^created from template /)
  assert.deepEqual(logEntries[0].fields, { logger: 'sandbox' })
  for (const [message, level, stream] of [['out', 'info', 'stdout'], ['err', 'warn', 'stderr'], ['a', 'info', 'stdout'], ['b\ufffd c', 'info', 'stdout']]) {
    assert.equal(find(message)?.level, level, message)
    assert.deepEqual(find(message).fields, { logger: 'process', stream, pid })
  }
  assert.deepEqual(find('ended: exit status 3').fields, { logger: 'process', pid })
  assert.equal(JSON.parse(logs.find((l) => l.line.includes('"out"')).line).pid, s.pid)
})

test('level, search, limit, start and cursor choose', async () => {
  const sandbox = await create()
  const id = sandbox.sandboxID
  await run(sandbox, 'echo one; echo two >&2; echo "Three and one"')
  const messages = async (query) => (await entries(id, `?direction=forward&${query}`)).map((e) => e.message)
  assert.deepEqual(await messages('level=warn'), ['two'])
  assert.deepEqual((await messages('level=info&search=one')).sort(), ['Three and one', 'one'])
  assert.deepEqual(await messages('search=three'), [])
  assert.deepEqual(await messages('limit=0'), [])
  const all = (await lines(id)).logs
  const last = Date.parse(all.at(-1).timestamp)
  assert.deepEqual((await lines(id, `?start=${last + 1}`)).logs, [])
  assert.deepEqual((await lines(id, `?start=${last}`)).logs.at(-1), all.at(-1))
  assert.equal((await entries(id, `?cursor=${last}`)).every((e) => Date.parse(e.timestamp) < last), true)
  for (const query of ['limit=1001', 'limit=x', 'direction=up', 'level=loud', 'cursor=-1', `search=${'x'.repeat(257)}`])
    assert.equal((await ask('GET', `/v2/sandboxes/${id}/logs?${query}`)).status, 400, query)
  assert.equal((await ask('GET', `/sandboxes/${id}/logs?start=now`)).status, 400)
  assert.equal((await ask('GET', '/sandboxes/inobody0000000000000/logs')).status, 404)
})

test('pages forward and backward miss nothing and repeat nothing', async () => {
  const sandbox = await create()
  const id = sandbox.sandboxID
  await run(sandbox, 'seq 0 4999')
  const numbers = Array.from({ length: 5000 }, (_, i) => String(i))
  for (const direction of ['forward', 'backward']) {
    const seen = []
    for (let cursor = ''; ;) {
      const page = await entries(id, `?direction=${direction}&limit=300&level=info${cursor}`)
      if (!page.length) break
      assert.ok(page.length <= 300)
      seen.push(...page.filter((e) => e.fields.stream).map((e) => e.message))
      cursor = `&cursor=${Date.parse(page.at(-1).timestamp) + (direction === 'forward' ? 1 : 0)}`
    }
    assert.deepEqual(direction === 'forward' ? seen : seen.toReversed(), numbers)
  }
})

test('a flood passes whole, is not kept, and the log says so', async () => {
  const sandbox = await create()
  const id = sandbox.sandboxID
  const flood = start(sandbox, 'head -c 200M /dev/zero | tr "\\0" x | fold -w 1000')
  await flood.end()
  assert.equal(flood.bytes, 200 * 1048576 + Math.ceil(200 * 1048576 / 1000) - 1)
  await run(sandbox, 'echo behind it')
  const size = readdirSync(`${home}/logs`).filter((f) => f.startsWith(id)).reduce((sum, f) => sum + statSync(`${home}/logs/${f}`).size, 0)
  assert.ok(size <= 1 << 20, `${size}`)
  const told = (await entries(id, '?level=warn')).map((e) => e.message.match(/^(\d+) bytes of output were left out here/)?.[1])
  assert.ok(told.length > 0 && told.reduce((sum, n) => sum + Number(n), 0) > 100e6, `${told}`)
  const long = await run(sandbox, 'head -c 10000 /dev/zero | tr "\\0" y')
  assert.equal(long.bytes, 10000)
  const cut = (await entries(id, '?search=yyy'))
  if (cut.length) assert.equal(cut[0].message, 'y'.repeat(4096))
})

test('it outlives the sandbox, and the backend', async () => {
  const sandbox = await create()
  const id = sandbox.sandboxID
  await run(sandbox, 'echo before')
  const before = (await lines(id)).logs
  await daemon.end('SIGKILL')
  daemon = await startDaemon()
  await run(sandbox, 'echo after')
  assert.equal((await ask('DELETE', `/sandboxes/${id}`)).status, 204)
  const { logs } = await lines(id)
  assert.deepEqual(logs.slice(0, before.length), before)
  const messages = logs.slice(before.length).map((l) => JSON.parse(l.line).message)
  assert.ok(messages.includes('after'))
  assert.equal(messages.at(-1), 'killed: request')
})
