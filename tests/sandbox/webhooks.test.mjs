// SPDX-License-Identifier: Apache-2.0
// Events and webhooks: what is told of a sandbox's life, to whom, signed as documented. timeout: 180
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import http from 'node:http'
import { apiKey, ask, create, socketPath, startDaemon } from './daemon.mjs'
import { Receiver } from './receiver.mjs'
import { until } from './until.mjs'

Object.assign(process.env, { E2B_WEBHOOK_FIRST_DELAY_MS: '40', E2B_WEBHOOK_MAX_DELAY_MS: '400' })
let daemon
before(async () => { daemon = await startDaemon() })
after(async () => {
  for (const { sandboxID } of (await ask('GET', '/sandboxes')).json) await ask('DELETE', `/sandboxes/${sandboxID}`)
  await daemon.end('SIGTERM')
  await Receiver.closeAll()
})

const secret = 'secret-for-event-signature-verification'
const lifecycle = (...names) => names.map((name) => `sandbox.lifecycle.${name}`)
const all = lifecycle('created', 'updated', 'paused', 'resumed', 'killed', 'checkpointed')
const subscribe = async (receiver, events, more = {}) => {
  const made = await ask('POST', '/events/webhooks', { name: 'a test', url: receiver.url, events, signatureSecret: secret, ...more })
  assert.equal(made.status, 201, made.text)
  return made.json
}
const remove = (webhook) => ask('DELETE', `/events/webhooks/${webhook.id}`)
const trigger = async (type, sandboxId) => {
  const made = await ask('POST', '/local/events', { type: `sandbox.lifecycle.${type}`, sandboxId })
  assert.equal(made.status, 201, made.text)
  return made.json.id
}

test('a webhook from its creation to its end', async () => {
  const made = await ask('POST', '/events/webhooks', {
    name: 'My Sandbox Webhook', url: 'https://your-webhook-endpoint.com/webhook', enabled: false,
    events: lifecycle('killed', 'created'), signatureSecret: secret })
  assert.equal(made.status, 201, made.text)
  const { id, ...rest } = made.json
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(rest.teamID, rest.teamId)
  assert.match(rest.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
  assert.deepEqual([rest.name, rest.url, rest.enabled], ['My Sandbox Webhook', 'https://your-webhook-endpoint.com/webhook', false])
  assert.deepEqual(rest.events.sort(), lifecycle('created', 'killed'))
  const path = `/events/webhooks/${id}`
  assert.deepEqual((await ask('GET', path)).json.id, id)
  assert.equal((await ask('GET', '/events/webhooks')).json.filter((w) => w.id === id).length, 1)
  const changed = await ask('PATCH', path, { url: 'https://your-updated-webhook-endpoint.com/webhook', events: lifecycle('created') })
  assert.equal(changed.status, 200)
  assert.deepEqual([changed.json.url, changed.json.events, changed.json.name, changed.json.enabled],
    ['https://your-updated-webhook-endpoint.com/webhook', lifecycle('created'), 'My Sandbox Webhook', false])
  for (const text of [made.text, changed.text, (await ask('GET', path)).text, (await ask('GET', '/events/webhooks')).text])
    assert.ok(!text.includes(secret), 'the secret stays inside')
  const gone = await ask('DELETE', path)
  assert.deepEqual([gone.status, gone.text, gone.headers['content-length']], [200, '', '0'])
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    const missing = await ask(method, path, method === 'PATCH' ? {} : undefined)
    assert.equal(missing.status, 404)
    assert.equal(missing.json.code, 404)
  }
})

test('what is no webhook is refused by name', async () => {
  const good = { name: 'n', url: 'http://127.0.0.1:1/x', events: lifecycle('created'), signatureSecret: secret }
  const refused = [
    [{ name: undefined }, /name/], [{ name: '' }, /name/], [{ name: 'x'.repeat(300) }, /name/], [{ name: 7 }, /name/],
    [{ url: undefined }, /url/], [{ url: 'ftp://example.com/' }, /http/], [{ url: 'file:///etc/passwd' }, /http/],
    [{ url: 'http://' }, /host/], [{ url: 'http:///x' }, /host/], [{ url: 'http://a b/' }, /url/], [{ url: 'http://u:p@host/' }, /user/],
    [{ url: `http://h/${'x'.repeat(3000)}` }, /url/], [{ url: 'nonsense' }, /http/], [{ url: 'http://h:99999/' }, /port/],
    [{ events: undefined }, /events/], [{ events: [] }, /events/], [{ events: ['sandbox.lifecycle.born'] }, /born/], [{ events: 'x' }, /events/],
    [{ events: [1] }, /events/], [{ signatureSecret: undefined }, /signatureSecret/], [{ signatureSecret: '' }, /signatureSecret/],
    [{ signatureSecret: 'x'.repeat(1000) }, /signatureSecret/], [{ enabled: 'yes' }, /enabled/],
  ]
  for (const [change, message] of refused) {
    const answer = await ask('POST', '/events/webhooks', { ...good, ...change })
    assert.equal(answer.status, 400, `${JSON.stringify(change)}: ${answer.text}`)
    assert.match(answer.json.message, message)
    assert.ok(!answer.text.includes(secret))
  }
  const strangers = await ask('GET', '/events/webhooks', undefined, { tcp: true })
  assert.equal(strangers.status, 401)
  assert.equal((await ask('GET', '/events/webhooks', undefined, { tcp: true, headers: { 'X-API-Key': apiKey() } })).status, 200)
  const local = await ask('POST', '/local/events', { type: 'sandbox.lifecycle.created' }, { tcp: true, headers: { 'X-API-Key': apiKey() } })
  assert.equal(local.status, 403, 'making up events is for the machine itself')
})

test('the life of a real sandbox is told and can be read afterwards', async () => {
  const receiver = await Receiver.open(secret)
  const webhook = await subscribe(receiver, all)
  const sandbox = await create({ metadata: { color: 'blue' }, timeout: 60 })
  await ask('POST', `/sandboxes/${sandbox.sandboxID}/timeout`, { timeout: 120 })
  await ask('DELETE', `/sandboxes/${sandbox.sandboxID}`)
  await until(() => receiver.events.length >= 3)
  const told = receiver.events
  assert.deepEqual(told.map((e) => e.type), lifecycle('created', 'updated', 'killed'))
  const killed = told[2]
  assert.deepEqual(Object.keys(killed).sort(), ['eventData', 'id', 'sandboxBuildId', 'sandboxExecutionId', 'sandboxId', 'sandboxTeamId',
    'sandboxTemplateId', 'timestamp', 'type', 'version'])
  assert.equal(killed.version, 'v2')
  assert.equal(killed.sandboxId, sandbox.sandboxID)
  assert.equal(killed.sandboxTeamId, webhook.teamId)
  assert.deepEqual(killed.eventData.sandbox_metadata, { color: 'blue' })
  assert.ok(killed.eventData.execution.execution_time >= 0 && killed.eventData.execution.vcpu_count > 0)
  assert.equal(killed.eventData.kill_reason, 'request')
  assert.deepEqual((await ask('GET', `/events/sandboxes/${sandbox.sandboxID}?orderAsc=true`)).json, told, 'the same in the history')
  assert.deepEqual((await ask('GET', `/events/sandboxes/${sandbox.sandboxID}?limit=1`)).json, [killed])
  assert.deepEqual((await ask('GET', `/events/sandboxes?limit=3`)).json, told.toReversed())
  const some = `/events/sandboxes/${sandbox.sandboxID}?types=${all[0]}&types=${all[4]}&orderAsc=true`
  assert.deepEqual((await ask('GET', some)).json, [told[0], told[2]])
  assert.deepEqual((await ask('GET', '/events/sandboxes/undefined')).json, [])
  for (const query of ['limit=0', 'limit=101', 'limit=x', 'offset=-1', 'orderAsc=yes', 'types=nothing', 'offset=%zz'])
    assert.equal((await ask('GET', `/events/sandboxes?${query}`)).status, 400, query)
  assert.deepEqual(receiver.wrong, [])
  await remove(webhook)
})

test('attempts are kept, counted, and can be made again', async () => {
  const receiver = await Receiver.open(secret)
  receiver.answer = () => (receiver.requests <= 2 ? 500 : 200)
  const webhook = await subscribe(receiver, lifecycle('killed'))
  await trigger('created')
  const event = await trigger('killed')
  const path = `/events/webhooks/${webhook.id}`
  const page = await until(async () => {
    const { json } = await ask('GET', `${path}/deliveries`)
    return json.data[0]?.attempts.length === 3 && json
  })
  assert.equal(page.nextCursor, null)
  assert.deepEqual([page.data[0].eventId, page.data[0].eventType], [event, 'sandbox.lifecycle.killed'])
  const attempts = page.data[0].attempts
  assert.deepEqual(attempts.map((a) => a.status), ['success', 'failed', 'failed'])
  assert.deepEqual(attempts.map((a) => a.id), receiver.deliveries.toReversed(), 'a new id for each attempt')
  assert.equal(new Set(attempts.map((a) => a.id)).size, 3)
  assert.deepEqual([attempts[1].errorClass, attempts[1].responseHttpStatusCode], ['http_error', 500])
  assert.deepEqual([attempts[0].errorClass, attempts[0].responseBody, attempts[0].requestUrl], [null, 'ok', receiver.url])
  assert.equal(JSON.parse(attempts[0].requestBody).id, event)
  assert.ok(!JSON.stringify(page).includes(secret))
  assert.equal(JSON.parse(attempts[0].requestHeaders)['e2b-delivery-id'], attempts[0].id)
  const stats = (await ask('GET', `${path}/stats`)).json
  assert.deepEqual([stats.total, stats.failed], [3, 2])
  assert.deepEqual([3, 2], ['total', 'failed'].map((key) => stats.buckets.reduce((sum, bucket) => sum + bucket[key], 0)))
  assert.ok(stats.durationMs.maximum >= stats.durationMs.average && stats.durationMs.average >= stats.durationMs.minimum)
  assert.equal((await ask('GET', `${path}/deliveries?deliveryStatus=failed`)).json.data[0].attempts.length, 2)
  assert.equal((await ask('GET', `${path}/deliveries?eventType=sandbox.lifecycle.created`)).json.data.length, 0)
  assert.equal((await ask('GET', `${path}/deliveries?end=${attempts[2].timestamp}`)).json.data.length, 0)
  for (const query of ['limit=0', 'cursor=x', 'deliveryStatus=maybe', 'eventType=x', 'start=yesterday'])
    assert.equal((await ask('GET', `${path}/deliveries?${query}`)).status, 400, query)
  assert.equal((await ask('POST', `${path}/deliveries/${event}/resend`)).status, 202)
  await until(() => receiver.requests === 4)
  assert.equal(receiver.events[3].id, event)
  assert.equal((await ask('POST', `${path}/deliveries/${webhook.id}/resend`)).status, 404)
  await remove(webhook)
})

test('another address, another secret, switched off and on again', async () => {
  const first = await Receiver.open(secret), second = await Receiver.open('another secret')
  first.answer = () => 500
  const webhook = await subscribe(first, lifecycle('paused'))
  const path = `/events/webhooks/${webhook.id}`
  const event = await trigger('paused')
  await until(async () => (await ask('GET', path)).json.status === 'failing')
  assert.match((await ask('GET', path)).json.failingSince, /Z$/)
  assert.equal((await ask('PATCH', path, { url: second.url, signatureSecret: 'another secret' })).status, 200)
  await until(() => second.events.some((e) => e.id === event))
  assert.deepEqual(second.wrong, [], 'what waited goes to the new address with the new signature')
  await until(async () => (await ask('GET', path)).json.status === 'active')
  assert.equal((await ask('PATCH', path, { enabled: false })).json.status, 'disabled')
  await trigger('paused')
  assert.equal((await ask('POST', `${path}/deliveries/${event}/resend`)).status, 409)
  assert.equal((await ask('PATCH', path, { enabled: true })).status, 200)
  const last = await trigger('paused')
  await until(() => second.events.some((e) => e.id === last))
  assert.equal(second.requests, 2, 'what happened while it was off is not told')
  await remove(webhook)
})

test('redirects are not followed, and a slow receiver stops nobody else', async () => {
  const target = await Receiver.open(secret), around = await Receiver.open(secret), slow = await Receiver.open(secret)
  around.server.removeAllListeners('request')
  around.server.on('request', (request, response) => { around.requests++; response.writeHead(307, { location: target.url }).end() })
  slow.answer = () => 0
  const webhooks = [await subscribe(around, lifecycle('killed')), await subscribe(slow, lifecycle('killed')), await subscribe(target, lifecycle('created'))]
  for (let i = 0; i < 40; i++) await trigger('killed')
  const id = await trigger('created')
  await until(() => target.events.some((e) => e.id === id))
  const attempt = async ({ id }) => (await ask('GET', `/events/webhooks/${id}/deliveries?deliveryStatus=failed&limit=1`)).json.data[0]?.attempts[0]
  assert.equal(await attempt(webhooks[1]), undefined, 'while the slow one still takes its time for the first')
  assert.equal((await until(() => attempt(webhooks[0]))).responseHttpStatusCode, 307)
  assert.ok(target.events.every((e) => e.type === 'sandbox.lifecycle.created'))
  await daemon.end('SIGTERM')
  daemon = await startDaemon({ env: { E2B_WEBHOOK_TIMEOUT_MS: '300' } })
  await until(async () => (await attempt(webhooks[1]))?.errorClass === 'timeout')
  await daemon.end('SIGTERM')
  daemon = await startDaemon()
  for (const webhook of webhooks) await remove(webhook)
})

test('events of one sandbox arrive in their order', async () => {
  const receiver = await Receiver.open(secret)
  const webhook = await subscribe(receiver, all)
  const names = ['created', 'updated', 'paused', 'resumed', 'killed']
  for (const name of names) for (const id of ['iaaa', 'ibbb', 'iccc']) await trigger(name, id)
  await until(() => receiver.events.length === 15)
  for (const id of ['iaaa', 'ibbb', 'iccc'])
    assert.deepEqual(receiver.events.filter((e) => e.sandboxId === id).map((e) => e.type), lifecycle(...names))
  await remove(webhook)
})

test('pages, also far down, are those of a plain list', async () => {
  const types = lifecycle('created', 'updated', 'paused', 'resumed', 'killed'), sandboxes = ['ideepa', 'ideepb']
  const random = (n) => Math.floor(Math.random() * n), list = []
  const writer = async (share) => {
    for (let i = 0; i < share; i++)
      assert.equal((await ask('POST', '/local/events', { type: types[random(20) ? random(2) : random(5)], sandboxId: sandboxes[random(8) ? 0 : 1] })).status, 201)
  }
  await Promise.all(Array.from({ length: 16 }, () => writer(200)))
  for (let page; (page = (await ask('GET', `/events/sandboxes?orderAsc=true&limit=100&offset=${list.length}`)).json).length;) list.push(...page)
  let deep = 0
  for (let i = 0; i < 150; i++) {
    const sandbox = i % 10 && random(2) ? sandboxes[random(2)] : undefined, wanted = types.filter(() => i % 10 && random(2)), asc = random(2) === 1
    const limit = 1 + random(100), offset = i % 10 ? random(random(2) ? 100 : 3000) : list.length - 200
    const model = list.filter((e) => (!sandbox || e.sandboxId === sandbox) && (!wanted.length || wanted.includes(e.type)))
    const expected = (asc ? model : model.toReversed()).slice(offset, offset + limit).map((e) => e.id)
    const path = `/events/sandboxes${sandbox ? `/${sandbox}` : ''}?limit=${limit}&offset=${offset}&orderAsc=${asc}${wanted.map((t) => `&types=${t}`).join('')}`
    const { status, json } = await ask('GET', path)
    assert.equal(status, 200, path)
    assert.deepEqual(json.map((e) => e.id), expected, path)
    deep += offset > 2000 && expected.length > 0
  }
  assert.ok(deep > 0, 'some were far down')
  const leaving = http.request({ socketPath, path: `/events/sandboxes?types=${types[0]}&offset=2147483647` }).on('error', () => {})
  leaving.end(() => leaving.destroy())
  assert.deepEqual((await ask('GET', `/events/sandboxes?types=${types[0]}&offset=2147483647`)).json, [])
})
