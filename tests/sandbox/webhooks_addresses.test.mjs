// SPDX-License-Identifier: Apache-2.0
//
// With E2B_WEBHOOK_REFUSE_PRIVATE=1 nothing is sent to this machine or to private networks, however
// the address is written and whatever a name stands for; without it the same addresses are reached.
import { test, after } from 'node:test'
import assert from 'node:assert/strict'
import os from 'node:os'
import { ask, startDaemon } from './daemon.mjs'
import { Receiver } from './receiver.mjs'
import { until } from './until.mjs'

Object.assign(process.env, { E2B_WEBHOOK_FIRST_DELAY_MS: '40', E2B_WEBHOOK_MAX_DELAY_MS: '40', E2B_WEBHOOK_TIMEOUT_MS: '300' })
const secret = 'secret-for-event-signature-verification'
const hasV6 = Object.values(os.networkInterfaces()).flat().some(({ address }) => address === '::1')
const receiver = await Receiver.open(secret, hasV6 ? '::' : '0.0.0.0')
const port = receiver.server.address().port

// Ways to write this machine, and those of them that lead to the receiver.
const here = ['127.0.0.1', '127.1', '127.255.255.254', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '0', '0.0.0.0', 'localhost',
  'LOCALHOST', 'some.name.localhost']
const here6 = ['[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]']
const elsewhere = ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '198.18.0.1', '192.0.0.1',
  '224.0.0.1', '240.0.0.1', '255.255.255.255', '3232235777', '0xa9fea9fe', '[::ffff:10.0.0.1]', '[::ffff:169.254.169.254]',
  '[::ffff:0:127.0.0.1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::1]', '[fe80::1]', '[fec0::1]',
  '[fc00::1]', '[fd12:3456::1]', '[ff02::1]']
const open = ['192.0.2.1', '203.0.113.1', '172.32.0.1', '[2001:db8::1]']

const subscribe = async (host) => {
  const made = await ask('POST', '/events/webhooks', { name: host, url: `http://${host}:${port}/${host}`, events: ['sandbox.lifecycle.killed'], signatureSecret: secret })
  assert.equal(made.status, 201, `${host}: ${made.text}`)
  return { host, id: made.json.id }
}
const attempt = async ({ id }) =>
  (await ask('GET', `/events/webhooks/${id}/deliveries?limit=1`)).json.data[0]?.attempts[0]

let daemon
after(async () => {
  await daemon?.end('SIGTERM')
  await Receiver.closeAll()
})

test('private and loopback addresses are refused in every disguise, others are not', async () => {
  process.env.E2B_WEBHOOK_REFUSE_PRIVATE = '1'
  daemon = await startDaemon()
  const refused = [], tried = []
  for (const host of [...here, ...here6, ...elsewhere]) refused.push(await subscribe(host))
  for (const host of open) tried.push(await subscribe(host))
  await ask('POST', '/local/events', { type: 'sandbox.lifecycle.killed' })
  for (const webhook of refused) {
    const { errorClass, errorMessage, responseHttpStatusCode } = await until(() => attempt(webhook))
    assert.deepEqual([errorClass, responseHttpStatusCode], ['request_error', null], webhook.host)
    assert.match(errorMessage, /private and loopback addresses are refused/, webhook.host)
  }
  for (const webhook of tried) assert.notEqual((await until(() => attempt(webhook))).errorClass, 'request_error', webhook.host)
  assert.equal(receiver.requests, 0)
})

test('the same addresses are reached where they are allowed', async () => {
  await daemon.end('SIGTERM')
  delete process.env.E2B_WEBHOOK_REFUSE_PRIVATE
  daemon = await startDaemon() // and what was refused is tried again
  const reached = new Set()
  receiver.server.prependListener('request', (request) => reached.add(decodeURIComponent(request.url.slice(1))))
  const wanted = [...here, ...(hasV6 ? here6 : [])]
  await until(() => wanted.every((host) => reached.has(host))).catch(() => {})
  assert.deepEqual(wanted.filter((host) => !reached.has(host)), [])
})
