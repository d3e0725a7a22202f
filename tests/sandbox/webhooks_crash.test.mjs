// SPDX-License-Identifier: Apache-2.0
//
// Nothing is lost: while events are written and told, receivers fail 30 % of what they get and hang
// on 5 %, and the daemon is killed with -9 again and again. In the end every event that was written
// has arrived at everyone who wants its type, signed right, and nothing else has. EVENTS (400) and
// WEBHOOKS (4) make it larger, TIMEOUT gives it time. timeout: 180
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { ask, startDaemon } from './daemon.mjs'
import { Receiver } from './receiver.mjs'
import { until } from './until.mjs'

const count = Number(process.env.EVENTS ?? 400)
const subscribers = Number(process.env.WEBHOOKS ?? 4)
const limit = Number(process.env.TIMEOUT ?? 180) * 1000 - 10_000
const life = count > 1000 ? 3000 : 300 // of a daemon, on average
Object.assign(process.env, { E2B_WEBHOOK_FIRST_DELAY_MS: '40', E2B_WEBHOOK_MAX_DELAY_MS: '400', E2B_WEBHOOK_TIMEOUT_MS: '500' })

const secret = 'secret-for-event-signature-verification'
const names = ['created', 'updated', 'paused', 'resumed', 'killed'].map((name) => `sandbox.lifecycle.${name}`)
const wanted = [names, [names[0], names[4]], names, names, names]
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const mood = () => { const dice = Math.random(); return dice < 0.3 ? 503 : dice < 0.35 ? 0 : 200 }

// Asked again until a daemon lives long enough to answer.
async function insist(method, path, body) {
  for (;;) {
    const answer = await ask(method, path, body).catch(() => null)
    if (answer) return answer
    await pause(20)
  }
}

async function subscribe(number) {
  const receiver = await Receiver.open(secret)
  const types = wanted[number % wanted.length]
  const made = await ask('POST', '/events/webhooks', { name: `${number}`, url: receiver.url, events: types, signatureSecret: secret })
  assert.equal(made.status, 201, made.text)
  const one = { receiver, types, taken: new Set(), told: new Map(), attempts: new Set(), strange: [] }
  receiver.answer = mood
  receiver.keep = (event, deliveryId, status) => {
    const text = JSON.stringify(event)
    if (!types.includes(event.type)) one.strange.push(`${event.type} was not wanted`)
    if ((one.told.get(event.id) ?? text) !== text) one.strange.push(`${event.id} has changed`)
    if (one.attempts.has(deliveryId)) one.strange.push(`${deliveryId} came twice`)
    one.told.set(event.id, text)
    one.attempts.add(deliveryId)
    if (status === 200) one.taken.add(event.id)
  }
  return one
}

async function write(acknowledged) {
  for (let i = 0; acknowledged.size < count; i++) {
    const answer = await ask('POST', '/local/events', { type: names[i % names.length] }).catch(() => null)
    if (answer?.status === 201) acknowledged.add(answer.json.id)
    else await pause(10)
  }
}

async function history() {
  const all = []
  for (let page; (page = (await insist('GET', `/events/sandboxes?orderAsc=true&limit=100&offset=${all.length}`)).json).length;)
    all.push(...page)
  return all
}

test(`${count} events to ${subscribers} receivers that fail and hang, from a daemon that is killed again and again`, async (t) => {
  let daemon = await startDaemon(), kills = 0, over = false
  const acknowledged = new Set(), all = []
  for (let i = 0; i < subscribers; i++) all.push(await subscribe(i))
  const killing = (async () => {
    while (!over) {
      await pause(life * (0.5 + Math.random()))
      await daemon.end('SIGKILL')
      daemon = await startDaemon()
      kills++
    }
  })()
  const began = Date.now()
  try {
    await Promise.all(Array.from({ length: 8 }, () => write(acknowledged)))
    const written = await history()
    const ids = new Set(written.map((event) => event.id))
    for (const id of acknowledged) assert.ok(ids.has(id), `${id} was acknowledged and is gone`)
    const due = (one) => written.filter((event) => one.types.includes(event.type))
    await until(() => all.every((one) => due(one).every((event) => one.taken.has(event.id))), limit - (Date.now() - began))
    for (const one of all) {
      assert.deepEqual(one.receiver.wrong, [], 'every signature is right')
      assert.deepEqual(one.strange.slice(0, 5), [])
      const byId = new Map(written.map((event) => [event.id, JSON.stringify(event)]))
      for (const [id, text] of one.told) assert.equal(text, byId.get(id), 'told as the history has it')
    }
    const requests = all.reduce((sum, one) => sum + one.receiver.requests, 0), dues = all.reduce((sum, one) => sum + due(one).length, 0)
    t.diagnostic(`${written.length} events, ${dues} deliveries due, ${requests} requests, ${kills} kills, ${Date.now() - began} ms`)
    assert.ok(kills > 2, `killed ${kills} times`)
  } finally {
    over = true
    await killing
    await daemon.end('SIGTERM')
    await Receiver.closeAll()
  }
})
