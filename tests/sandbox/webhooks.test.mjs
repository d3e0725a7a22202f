// SPDX-License-Identifier: Apache-2.0
// Events and webhooks: what is told of a sandbox's life, to whom, signed as documented, and that
// nothing is lost while receivers fail and hang and the daemon is killed. timeout: 180
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { apiKey, ask, startDaemon } from './daemon.mjs'
import { Receiver, until } from './receiver.mjs'

Object.assign(process.env, { E2B_WEBHOOK_FIRST_DELAY_MS: '40', E2B_WEBHOOK_MAX_DELAY_MS: '400', E2B_WEBHOOK_TIMEOUT_MS: '500' })
let daemon
before(async () => { daemon = await startDaemon() })
after(async () => {
  for (const { sandboxID } of (await ask('GET', '/sandboxes')).json) await ask('DELETE', `/sandboxes/${sandboxID}`)
  await daemon.end('SIGTERM')
  await Receiver.closeAll()
})

const secret = 'secret-for-event-signature-verification'
const lifecycle = (...names) => names.map((name) => `sandbox.lifecycle.${name}`)
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
    [{ url: `http://h/${'x'.repeat(3000)}` }, /url/], [{ url: 'nonsense' }, /http/],
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
  assert.deepEqual([stats.total, stats.failed, stats.buckets.length], [3, 2, 1])
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
