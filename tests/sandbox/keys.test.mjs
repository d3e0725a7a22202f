// SPDX-License-Identifier: Apache-2.0
// Teams, API keys and access tokens: who gets in by which door. timeout: 120
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { apiKey, ask, startDaemon } from './daemon.mjs'

let daemon
before(async () => { daemon = await startDaemon() })
after(() => daemon.end('SIGTERM'))

// Over TCP, where a key is asked for; with the first key unless another is given.
const tcp = (method, path, body, headers = as(apiKey())) => ask(method, path, body, { headers, tcp: true })

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const as = (key) => ({ 'X-API-KEY': key })
const bearer = (token) => ({ Authorization: `Bearer ${token}` })

test('the one team', async () => {
  const { status, json } = await tcp('GET', '/teams')
  assert.equal(status, 200)
  assert.equal(json.length, 1)
  assert.match(json[0].teamID, uuid)
  assert.deepEqual([json[0].name, json[0].apiKey, json[0].isDefault], ['local', apiKey(), true])
  assert.equal((await tcp('GET', '/teams', undefined, as('e2b_nobody'))).status, 401)
})

test('a key from its making to its end', async () => {
  const made = await tcp('POST', '/api-keys', { name: 'ci' })
  assert.equal(made.status, 201)
  const { id, key, mask, createdAt, ...rest } = made.json
  assert.match(id, uuid)
  assert.match(key, /^e2b_[0-9a-f]{40}$/)
  assert.deepEqual(mask, {
    prefix: 'e2b_', valueLength: 40, maskedValuePrefix: key.slice(4, 6), maskedValueSuffix: key.slice(-4),
  })
  assert.ok(Date.now() - new Date(createdAt) < 60_000)
  assert.deepEqual(rest, { name: 'ci', createdBy: null, lastUsed: null })
  assert.equal((await tcp('GET', '/sandboxes', undefined, as(key))).status, 200)
  assert.equal((await tcp('GET', '/sandboxes', undefined, { ...as(''), ...bearer(key) })).status, 401)
  const renamed = await tcp('PATCH', `/api-keys/${id}`, { name: 'ci 2' })
  assert.deepEqual([renamed.status, renamed.text], [200, ''])
  const list = (await tcp('GET', '/api-keys')).json
  assert.deepEqual(list.map((k) => k.name), ['local', 'ci 2'])
  assert.ok(!JSON.stringify(list).includes(key))
  assert.ok(Date.now() - new Date(list[1].lastUsed) < 60_000)
  assert.equal((await tcp('DELETE', `/api-keys/${id}`)).status, 204)
  assert.equal((await tcp('GET', '/sandboxes', undefined, as(key))).status, 401)
  const gone = await tcp('DELETE', `/api-keys/${id}`)
  assert.deepEqual([gone.status, gone.text], [404, 'id not found'])
  assert.equal((await tcp('PATCH', `/api-keys/${id}`, { name: 'x' })).status, 404)
})

test('what is refused of keys', async () => {
  for (const body of [{}, { name: '' }, { name: 1 }, { name: 'x'.repeat(129) }, [], 'x'])
    assert.equal((await tcp('POST', '/api-keys', body)).status, 400, JSON.stringify(body))
  const first = (await tcp('GET', '/api-keys')).json[0]
  assert.equal((await tcp('DELETE', `/api-keys/${first.id}`)).status, 409)
  assert.equal((await tcp('GET', '/api-keys')).status, 200)
})

test('an access token opens as a bearer and nowhere else', async () => {
  const made = await tcp('POST', '/access-tokens', { name: 'old' })
  assert.equal(made.status, 201)
  const { id, token, mask } = made.json
  assert.match(token, /^sk_e2b_[0-9a-f]{40}$/)
  assert.equal(mask.prefix, 'sk_e2b_')
  const only = (headers) => tcp('GET', '/teams', undefined, headers)
  assert.equal((await only(bearer(token))).status, 200)
  assert.equal((await only(as(token))).status, 401)
  assert.equal((await only({ Authorization: token })).json.message, 'authorization header is malformed')
  assert.equal((await only({})).json.message, 'authorization header is missing')
  assert.deepEqual((await tcp('GET', '/api-keys')).json.filter((k) => k.id === id), [])
  assert.equal((await tcp('DELETE', `/api-keys/${id}`)).status, 404)
  assert.equal((await tcp('DELETE', `/access-tokens/${id}`)).status, 204)
  assert.equal((await only(bearer(token))).status, 401)
})

test('keys outlive the daemon', async () => {
  const { json } = await tcp('POST', '/api-keys', { name: 'kept' })
  await daemon.end('SIGKILL')
  daemon = await startDaemon()
  assert.equal((await tcp('GET', '/sandboxes', undefined, as(json.key))).status, 200)
})
