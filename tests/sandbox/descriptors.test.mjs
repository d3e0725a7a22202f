// SPDX-License-Identifier: Apache-2.0
//
// The backend runs out of descriptors, anywhere in the middle of anything: it says so, goes on, and
// leaves nothing half-made; connections wait without costing processor time.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { access, ask, create, port, socketPath, start, startDaemon } from './daemon.mjs'
import { until } from './until.mjs'

let daemon, sandbox
const MANY = 1024
const open = () => readdirSync(`/proc/${daemon.pid}/fd`).length
const allow = (count) => execFileSync('prlimit', ['--pid', daemon.pid, `--nofile=${count}:`])
const path = (s) => `/sandboxes/${s.sandboxID}`
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
// Of both kinds, in ms.
const used = () => readFileSync(`/proc/${daemon.pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).reduce((a, b) => a + 10 * b, 0)

before(async () => {
  daemon = await startDaemon()
  sandbox = await create()
})
after(async () => {
  await ask('DELETE', path(sandbox))
  await daemon.end('SIGTERM')
})

// 2xx is right, and 503 with what to do.
let refused = 0
async function meets(what, request) {
  const answer = await request
  assert.ok(answer.status < 300 || answer.status === 503, `${what}: ${answer.status} ${answer.text}`)
  if (answer.status !== 503) return answer
  assert.match(answer.json.message, /oo many (open files|files open)/, what)
  if (what !== 'download') assert.match(answer.json.hint, /ulimit -n/, what) // its errors have no room for one
  refused++
}

test('whatever is asked for is done or refused', async () => {
  const usual = open()
  for (let room = 0; room <= 14; room += 2) {
    allow(open() + room)
    const made = await meets('create', ask('POST', '/v2/sandboxes', { templateID: 'base' }))
    if (made) await meets('kill', ask('DELETE', path(made.json)))
    const copy = await meets('snapshot', ask('POST', `${path(sandbox)}/snapshots`, {}))
    if (copy) await meets('delete', ask('DELETE', `/templates/${copy.json.snapshotID}`))
    for (const memory of [true, false])
      if (await meets('pause', ask('POST', `${path(sandbox)}/pause`, { memory })))
        while (!await meets('resume', ask('POST', `${path(sandbox)}/connect`, { timeout: 300 }))) allow(open() + ++room)
    await meets('download', ask('GET', '/files?path=/etc/hostname&username=user', undefined, { headers: access(sandbox) }))
    const said = await start(sandbox, 'echo well').end()
    assert.ok(said.out === 'well\n' || /many/.test(said.last.error.message), JSON.stringify([said.out, said.last]))
    await meets('list', ask('GET', '/v2/sandboxes'))
  }
  allow(MANY)
  assert.ok(refused >= 3, `${refused}: the limit was met`)
  assert.deepEqual((await ask('GET', '/v2/sandboxes')).json.map((s) => s.sandboxID), [sandbox.sandboxID])
  assert.equal((await start(sandbox, 'echo well').end()).out, 'well\n')
  assert.equal((await ask('DELETE', path(await create()))).status, 204)
  // Some wait for whoever asks next; none was left half made.
  const folder = `${process.env.E2B_HOME}/sandboxes`
  const whole = () => readdirSync(folder).every((id) => existsSync(`${folder}/${id}/agent.sock`))
  await until(() => whole() && open() <= usual + 4 * readdirSync(folder).length)
})

test('who is refused has the time to ask, and hears why', async () => {
  allow(open() + 4)
  const peers = Array.from({ length: 40 }, () => net.connect(socketPath))
  const [refused, said] = await Promise.any(peers.map(async (peer) => [peer, (await once(peer, 'data'))[0].toString()]))
  assert.match(said, /^HTTP\/1.1 503 .*ulimit -n/s)
  await new Promise((resolve, reject) => refused.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n', (e) => e ? reject(e) : resolve()))
  for (const peer of peers) peer.destroy()
  allow(MANY)
  assert.equal((await ask('GET', path(sandbox))).status, 200)
})

test('connections wait, at no cost, and come to their turn', async () => {
  allow(open() + 20)
  const waiting = Array.from({ length: 200 }, () => net.connect(port(), '127.0.0.1').on('error', () => {}))
  await pause(500)
  const before = used()
  await pause(1500)
  assert.ok(used() - before < 300, `${used() - before} ms of 1500`)
  const rest = waiting.splice(100)
  const answers = rest.map((socket) => new Promise((resolve) => {
    let said = ''
    socket.on('data', (d) => { said += d }).on('close', () => resolve(said))
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  }))
  for (const socket of waiting) socket.destroy()
  for (const said of await Promise.all(answers)) assert.match(said, /^(HTTP\/1.1 (204|503) |$)/)
  assert.equal((await ask('GET', path(sandbox))).status, 200)
  allow(MANY)
})
