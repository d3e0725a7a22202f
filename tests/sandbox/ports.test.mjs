// SPDX-License-Identifier: Apache-2.0
// The ports of a sandbox from outside: addresses, bodies, streams, upgrades, and what is not there.
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { ask, create, port, start, startDaemon } from './daemon.mjs'

// What runs inside: answers on the port and address that it is given.
const program = `
const http = require('http')
const server = http.createServer((q, s) => {
  if (q.url === '/endless') {
    s.writeHead(200, { 'content-type': 'text/event-stream' })
    s.write('data: first\\n\\n')
    q.socket.on('close', () => console.log('client left'))
  } else if (q.url === '/big') {
    s.writeHead(200)
    const piece = Buffer.alloc(1 << 20, 'x')
    let n = 0
    const more = () => { while (n < 64) { n++; if (!s.write(piece)) return s.once('drain', more) } s.end() }
    more()
  } else {
    let size = 0
    q.on('data', (d) => { size += d.length })
    q.on('end', () => { s.setHeader('set-cookie', ['a=1', 'b=2']); s.end(JSON.stringify({ url: q.url, method: q.method, headers: q.headers, size })) })
  }
})
server.on('upgrade', (q, socket, head) => {
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\nwelcome')
  socket.write(head)
  socket.on('data', (d) => socket.write(d))
  socket.on('end', () => socket.end('bye'))
})
server.listen(Number(process.argv[1]), process.argv[2], () => console.log('listening'))
`

let daemon, sandbox, inside
const serve = (at, address) =>
  start(sandbox, `exec node -e '${program.replaceAll("'", "'\\''")}' ${at} ${address}`).until((s) => s.out.includes('listening'))
const to = (at, more) => ({ tcp: true, headers: { 'e2b-sandbox-id': sandbox.sandboxID, 'e2b-sandbox-port': String(at), ...more } })
const hostOf = (at, id = sandbox.sandboxID) => ({ host: `${at}-${id}.localhost:${port()}` })

before(async () => {
  daemon = await startDaemon()
  sandbox = await create()
  inside = await serve(3000, '127.0.0.1')
})
after(async () => {
  await ask('DELETE', `/sandboxes/${sandbox.sandboxID}`)
  await daemon.end('SIGTERM')
})

test('by headers, by Host, and by the older Host with a client', async () => {
  const target = '/a%2Fb/../c?x=%20+y'
  for (const headers of [to(3000).headers, hostOf(3000), hostOf(3000, `${sandbox.sandboxID}-6532622b`)]) {
    const got = await ask('GET', target, undefined, { tcp: true, headers })
    assert.equal(got.status, 200)
    assert.equal(got.json.url, target)
    assert.deepEqual(got.headers['set-cookie'], ['a=1', 'b=2'])
    assert.equal(got.headers['access-control-allow-origin'], undefined)
  }
})

test("a page's preliminary question, which does not say which sandbox", async () => {
  const question = { tcp: true, headers: { origin: 'http://page', 'access-control-request-method': 'POST',
    'access-control-request-headers': 'connect-protocol-version,e2b-sandbox-id,e2b-sandbox-port,x-access-token' } }
  for (const path of ['/process.Process/Start', '/execute', '/files?path=x']) {
    const answer = await ask('OPTIONS', path, undefined, question)
    assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [204, '*'])
    assert.match(answer.headers['access-control-allow-methods'], /POST/)
    assert.equal(answer.headers['access-control-allow-headers'], question.headers['access-control-request-headers'])
  }
})

test('programs that listen on other loopback addresses', async () => {
  await serve(3001, '0.0.0.0')
  await serve(3002, '::1')
  for (const at of [3001, 3002]) assert.equal((await ask('GET', '/', undefined, to(at))).status, 200)
})

test('bodies of either kind', async () => {
  const body = Buffer.alloc(3 << 20, 'x')
  const whole = await ask('POST', '/whole', body, to(3000, { 'content-length': body.length }))
  assert.deepEqual([whole.json.method, whole.json.size, whole.json.headers['content-length']], ['POST', body.length, String(body.length)])
  const pieces = await ask('PUT', '/pieces', body, to(3000, { 'transfer-encoding': 'chunked' }))
  assert.deepEqual([pieces.json.size, pieces.json.headers['transfer-encoding']], [body.length, 'chunked'])
  const awaited = await ask('POST', '/awaited', body, to(3000, { expect: '100-continue', 'content-length': body.length }))
  assert.equal(awaited.json.size, body.length)
})

test('one connection, several sandboxes and the API', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const other = await create()
  const get = (path, headers) => new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port: port(), path, headers, agent }, (answer) => {
      answer.resume().on('end', () => resolve([answer.statusCode, answer.req.reusedSocket]))
    }).on('error', reject)
  })
  assert.deepEqual(await get('/health', {}), [204, false])
  assert.deepEqual(await get('/', to(3000).headers), [200, true])
  assert.deepEqual(await get('/', { 'e2b-sandbox-id': other.sandboxID, 'e2b-sandbox-port': '3000' }), [502, true])
  assert.deepEqual(await get('/health', { 'e2b-sandbox-id': other.sandboxID, 'e2b-sandbox-port': '49983' }), [204, true])
  agent.destroy()
  await ask('DELETE', `/sandboxes/${other.sandboxID}`)
})

test('what is endless comes at once, and the program learns that the client left', async () => {
  const request = http.get({ host: '127.0.0.1', port: port(), path: '/endless', headers: hostOf(3000) })
  const [answer] = await once(request, 'response')
  assert.equal(answer.headers['content-type'], 'text/event-stream')
  const [piece] = await once(answer, 'data')
  assert.equal(String(piece), 'data: first\n\n')
  request.destroy()
  await inside.until((s) => s.out.includes('client left'))
})

test('a slow reader gets all of it', async () => {
  const request = http.get({ host: '127.0.0.1', port: port(), path: '/big', headers: hostOf(3000) })
  const [answer] = await once(request, 'response')
  let size = 0
  for await (const piece of answer) {
    size += piece.length
    if (size % 7 === 0) await new Promise(setImmediate)
  }
  assert.equal(size, 64 << 20)
})

test('an upgrade is a connection of its own, with half-closes', async () => {
  const request = http.get({ host: '127.0.0.1', port: port(), path: '/ws', headers: { ...hostOf(3000), connection: 'Upgrade', upgrade: 'echo' } })
  const [answer, socket, head] = await once(request, 'upgrade')
  assert.equal(answer.statusCode, 101)
  let said = String(head)
  socket.on('data', (d) => { said += d })
  socket.write('ping')
  while (said !== 'welcomeping') await once(socket, 'data')
  socket.end('last')
  await once(socket, 'end')
  assert.equal(said, 'welcomepinglastbye')
})

test('what is not there', async () => {
  const closed = await ask('GET', '/', undefined, to(9))
  assert.deepEqual([closed.status, closed.json], [502, { sandboxId: sandbox.sandboxID, message: 'The sandbox is running but port is not open', port: 9, code: 502 }])
  const unknown = await ask('GET', '/', undefined, { tcp: true, headers: hostOf(3000, 'inosuchsandbox') })
  assert.deepEqual([unknown.status, unknown.json], [502, { sandboxId: 'inosuchsandbox', message: 'The sandbox was not found', code: 502 }])
  const texts = [[{ 'e2b-sandbox-id': 'A' , 'e2b-sandbox-port': '1' }, 'Invalid sandbox ID'],
    [{ 'e2b-sandbox-id': 'a', 'e2b-sandbox-port': '70000' }, 'Invalid sandbox port']]
  for (const [headers, text] of texts) {
    const got = await ask('GET', '/', undefined, { tcp: true, headers })
    assert.deepEqual([got.status, got.text], [400, text])
  }
  const internal = await ask('POST', '/init', {}, to(49983))
  assert.deepEqual([internal.status, internal.json.path, internal.json.code], [404, '/init', 404])
})

test('a killed sandbox is not found, and ends what was under way', async () => {
  const doomed = await create()
  const process = await start(doomed, `exec node -e '${program.replaceAll("'", "'\\''")}' 3000 127.0.0.1`).until((s) => s.out.includes('listening'))
  process.over.catch(() => {})
  const headers = hostOf(3000, doomed.sandboxID)
  const request = http.get({ host: '127.0.0.1', port: port(), path: '/endless', headers })
  const [answer] = await once(request, 'response')
  const broken = once(answer, 'error')
  answer.resume()
  await ask('DELETE', `/sandboxes/${doomed.sandboxID}`)
  await broken
  assert.equal((await ask('GET', '/', undefined, { tcp: true, headers })).status, 502)
})
