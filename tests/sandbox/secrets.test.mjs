// SPDX-License-Identifier: Apache-2.0
// Secrets: kept, listed in pages, replaced, and never told. timeout: 120
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ask, startDaemon } from './daemon.mjs'

let daemon
before(async () => { daemon = await startDaemon() })
after(() => daemon.end('SIGTERM'))

const value = 'very-secret-value-0123456789'

test('a secret from its making to its end', async () => {
  const made = await ask('POST', '/secrets', { name: 'OpenAI-Key', value, metadata: { owner: 'ü' } })
  assert.equal(made.status, 201)
  assert.equal(made.headers['cache-control'], 'no-store')
  const { secretID, createdAt, updatedAt, ...rest } = made.json
  assert.match(secretID, /^sec_[a-z0-9]{20}$/)
  assert.equal(createdAt, updatedAt)
  assert.deepEqual(rest, { name: 'openai-key', currentVersion: 1, metadata: { owner: 'ü' } })
  for (const key of [secretID, 'openai-key', 'OPENAI-KEY'])
    assert.deepEqual((await ask('GET', `/secrets/${key}`)).json, made.json)
  const updated = await ask('POST', `/secrets/${secretID}`, { value: 'other' })
  assert.equal(updated.status, 200)
  assert.deepEqual([updated.json.currentVersion, updated.json.metadata], [2, { owner: 'ü' }])
  assert.deepEqual((await ask('POST', '/secrets/openai-key', { value: 'x', metadata: {} })).json.metadata, {})
  assert.equal((await ask('POST', '/secrets', { name: 'openai-key', value })).status, 409)
  const gone = await ask('DELETE', '/secrets/openai-key')
  assert.deepEqual([gone.status, gone.text], [204, ''])
  for (const [method, body] of [['GET'], ['DELETE'], ['POST', { value }]]) {
    const r = await ask(method, '/secrets/openai-key', body)
    assert.deepEqual([r.status, r.json.code, r.json.message], [404, 404, 'Secret not found'], method)
  }
})

test('what is refused of secrets', async () => {
  const pairs = (count, key, text) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`.padEnd(key, 'k'), text]))
  const bad = [
    {}, { name: 'a' }, { value }, { name: 'a b', value }, { name: 'sec_a', value }, { name: 'a'.repeat(129), value },
    { name: '', value }, { name: 'a', value: '' }, { name: 'a', value: 'v'.repeat(64 * 1024 + 1) }, { name: 1, value },
    { name: 'a', value, metadata: { a: 1 } }, { name: 'a', value, metadata: [] },
    { name: 'a', value, metadata: pairs(33, 2, '') }, { name: 'a', value, metadata: pairs(1, 129, '') },
    { name: 'a', value, metadata: pairs(1, 2, 'v'.repeat(1025)) }, { name: 'a', value, metadata: pairs(9, 10, 'v'.repeat(1000)) },
  ]
  for (const body of bad) {
    const r = await ask('POST', '/secrets', body)
    assert.equal(r.status, 400, JSON.stringify(body))
    assert.match(r.json.message, /^Invalid secrets request/)
    assert.ok(!r.text.includes(value))
  }
  assert.equal((await ask('POST', '/secrets', { name: 'a'.repeat(128), value, metadata: pairs(8, 24, 'v'.repeat(1000)) })).status, 201)
  assert.equal((await ask('GET', `/secrets/${'a'.repeat(128)}`)).status, 200)
  assert.equal((await ask('GET', `/secrets/${'a'.repeat(5000)}`)).status, 404)
  assert.equal((await ask('GET', '/secrets?limit=101')).status, 400)
  assert.equal((await ask('GET', '/secrets?nextToken=x')).status, 400)
})

test('pages are complete and without repeats', async () => {
  const before = (await ask('GET', '/secrets')).json.length
  const names = Array.from({ length: 25 }, (_, i) => `page-${i}`)
  for (const name of names) await ask('POST', '/secrets', { name, value })
  const seen = []
  for (let token = ''; token !== undefined;) {
    const r = await ask('GET', `/secrets?limit=7${token && `&nextToken=${token}`}`)
    assert.ok(r.json.length <= 7)
    seen.push(...r.json.map((s) => s.name))
    token = r.headers['x-next-token']
  }
  assert.equal(new Set(seen).size, seen.length)
  assert.equal(seen.length, before + 25)
  assert.deepEqual(seen.filter((n) => n.startsWith('page-')).sort(), names.sort())
})

test('the value is nowhere in the state or the log, and the key file is private', async () => {
  await ask('POST', '/secrets', { name: 'kept', value })
  await daemon.end('SIGKILL')
  const home = process.env.E2B_HOME
  for (const name of readdirSync(home)) {
    const file = join(home, name)
    if (statSync(file).isFile()) assert.ok(!readFileSync(file).includes(value), name)
  }
  assert.equal(statSync(join(home, 'secret-key')).mode & 0o7777, 0o600)
  daemon = await startDaemon()
  assert.equal((await ask('GET', '/secrets/kept')).json.currentVersion, 1)
  assert.equal((await ask('POST', '/secrets/kept', { value: 'next' })).json.currentVersion, 2)
})
