// SPDX-License-Identifier: Apache-2.0
//
// The backend gets no memory: one allocation fails, each in its turn, or all that there is has been
// taken. It says so or closes the connection, lives, loses nothing, and the next request works.
// STRIDE=1 fails every single one of them (12: each twelfth, beginning anywhere). timeout: 240
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { access, ask, create, start } from './daemon.mjs'
import { getFault, setFault, startFaulty } from './faults.mjs'
import { until } from './until.mjs'

const stride = Number(process.env.STRIDE ?? 12), first = 1 + Math.floor(Math.random() * stride)
let daemon, sandbox
const its = (more = '') => `/sandboxes/${sandbox.sandboxID}${more}`
const state = async () => (await ask('GET', its())).json.state
const make = async (wanted) => {
  if (await state() === wanted) return
  const answer = wanted === 'running' ? await ask('POST', its('/connect'), { timeout: 300 }) : await ask('POST', its('/pause'), {})
  assert.ok(answer.status < 300, answer.text)
}
let number = 0, built
const answered = (method, path, body) => ask(method, path, body).catch(() => ({ status: 503, json: { message: 'closed' } }))
const isOver = async () => {
  const { status, json } = built ? await answered('GET', `${built}/status`) : { status: 404 }
  return status === 404 || (status === 200 && json.status !== 'building')
}
async function build() {
  const made = await answered('POST', '/v3/templates', { name: `memory${number++}` })
  if (made.status !== 202) return made
  const path = `/templates/${made.json.templateID}/builds/${made.json.buildID}`
  const from = { fromImage: 'e2bdev/base', force: true }
  const begun = await answered('POST', `/v2${path}`, {
    ...from, stages: [{ name: 'one', ...from, steps: [{ type: 'RUN', args: ['echo one > /tmp/one'] }] }],
    steps: [{ type: 'ENV', args: ['A', '$PATH'] }, { type: 'COPY', args: ['/tmp/one', '/one'], fromStage: 0 }, { type: 'RUN', args: ['cat /one >&2'] }],
    startCmd: 'sleep 100', readyCmd: 'true' })
  if (begun.status !== 202) return begun
  built = path
  for (let i = 0; i < 200 && !(await isOver()); i++) await new Promise((resolve) => setTimeout(resolve, 20)) // the contract knows no other way to wait
  const { json } = await answered('GET', `${path}/status`)
  return json?.status === 'error' ? { status: 500, json: json.reason } : { status: 200 }
}
const operations = {
  'create': () => ask('POST', '/v2/sandboxes', { templateID: 'base', metadata: { a: 'b' }, envVars: { C: 'd' } }),
  'get': () => ask('GET', its()),
  'list': () => ask('GET', '/v2/sandboxes?metadata=of%3Dmemory'),
  'time': () => ask('POST', its('/timeout'), { timeout: 300 }),
  'network': () => ask('PUT', its('/network'), { denyOut: ['10.0.0.0/8'] }),
  'snapshot': () => ask('POST', its('/snapshots'), {}),
  'fork': () => ask('POST', its('/fork'), { count: 1 }),
  'key': () => ask('POST', '/api-keys', { name: 'memory' }),
  'secret': () => ask('POST', '/secrets', { name: `memory${number++}`, value: 'x' }),
  'volume': () => ask('POST', '/volumes', { name: `memory${number++}` }),
  'events': () => ask('GET', '/events/sandboxes?limit=3'),
  'logs': () => ask('GET', `/v2${its('/logs')}?limit=3`),
  'stat': () => ask('POST', '/filesystem.Filesystem/Stat', { path: '/etc' }, { headers: access(sandbox) }),
  'upload': () => ask('POST', '/files?path=/home/user/x&username=user', Buffer.from('x'), { headers: access(sandbox, { 'content-type': 'application/octet-stream' }) }),
  'process': async () => {
    const said = await start(sandbox, 'echo well').end()
    return said.out === 'well\n' ? { status: 200 } : { status: 503, json: said.last.error }
  },
  'build': build,
  'pause': () => ask('POST', its('/pause'), {}),
  'resume': () => ask('POST', its('/connect'), { timeout: 300 }),
  'pause to disk': () => ask('POST', its('/pause'), { memory: false }),
  'start anew': () => ask('POST', its('/connect'), { timeout: 300 }),
}

async function tidy() {
  await until(isOver)
  built = undefined
  const all = (await ask('GET', '/v2/sandboxes')).json
  assert.ok(all.some((s) => s.sandboxID === sandbox.sandboxID && s.metadata.of === 'memory'))
  for (const { sandboxID } of all)
    if (sandboxID !== sandbox.sandboxID) assert.equal((await ask('DELETE', `/sandboxes/${sandboxID}`)).status, 204)
}

// What is answered, if anything is, is the truth or says that there is no memory.
async function attempt(what, operation) {
  const answer = await operation().catch(() => undefined)
  const why = answer && `${what}: ${answer.status} ${answer.text ?? JSON.stringify(answer.json)}`
  if (!answer || answer.status < 300) return answer
  // 409: it was done before, and there was no memory to say so.
  assert.ok(answer.status >= 500 || answer.status === 409, why)
  assert.ok(answer.json?.message, why)
}

before(async () => {
  daemon = await startFaulty()
  sandbox = await create({ metadata: { of: 'memory' } })
})
after(async () => {
  await ask('DELETE', its())
  await daemon.end('SIGTERM')
})

for (const [name, operation] of Object.entries(operations))
  test(`one allocation fails: ${name}`, async () => {
    const step = name === 'build' ? 8 * stride : stride // it allocates more than all the others
    for (let nth = name === 'build' ? 8 * first : first; ; nth += step) {
      await make(['resume', 'start anew'].includes(name) ? 'paused' : 'running')
      setFault('count', 0)
      setFault('failAt', nth)
      await attempt(`${name}, allocation ${nth}`, operation)
      const count = getFault('count')
      setFault('failAt', 0)
      assert.equal((await ask('GET', '/health')).status, 204, `allocation ${nth}`)
      await tidy()
      if (count < nth) break
    }
  })

test('there is no memory at all', async () => {
  await make('running')
  for (const room of [0, 2000, 20_000, 200_000, 1_200_000]) {
    setFault('room', room)
    setFault('limited', 1)
    for (const [name, operation] of Object.entries(operations)) await attempt(`${name}, ${room} bytes left`, operation)
    setFault('limited', 0)
    await make('running')
    await tidy()
  }
  assert.equal((await start(sandbox, 'echo well').end()).out, 'well\n')
  const made = await create()
  assert.equal((await ask('DELETE', `/sandboxes/${made.sandboxID}`)).status, 204)
  assert.equal((await ask('GET', '/health')).status, 204)
  await until(() => readdirSync(`${process.env.E2B_HOME}/sandboxes`).length <= 4)
})
