// SPDX-License-Identifier: Apache-2.0
//
// Bad requests to the backend: each gets a clear answer or a closed connection, and the backend
// serves the next one as if nothing had been.
import assert from 'node:assert'
import { execFileSync } from 'node:child_process'
import net from 'node:net'
import { after, afterEach, before, test } from 'node:test'

const e2b = (...args) => execFileSync(process.env.E2B, args, { encoding: 'utf8' })
const path = `${process.env.E2B_HOME}/run/e2b.sock`
let pid

const status = () => JSON.parse(e2b('local', 'status', '--format', 'json'))

before(() => {
  e2b('local', 'start')
  pid = status().pid
})
after(() => e2b('local', 'stop'))
afterEach(() => assert.equal(status().pid, pid, 'the backend is the same one'))

// Sends bytes on a connection of its own; resolves with what came back when the peer closed, or when
// `enough` says so.
const exchange = (send, enough = (text) => /\r\n\r\n/.test(text)) =>
  new Promise((resolve, reject) => {
    const socket = net.connect(path)
    let text = ''
    socket.setTimeout(60000, () => reject(new Error(`no answer, no end: ${text}`)))
    const done = () => {
      socket.destroy()
      resolve(text)
    }
    socket.on('data', (piece) => {
      text += piece.toString('latin1')
      if (enough(text)) done()
    })
    socket.on('close', done)
    // The peer may answer and close before it has read all: that is an answer too.
    socket.on('error', (error) => (error.code === 'EPIPE' || error.code === 'ECONNRESET' ? done() : reject(error)))
    socket.on('connect', () => send(socket))
  })

const code = (text) => Number(text.match(/^HTTP\/1\.1 (\d+)/)?.[1])
const post = (body, extra = '') =>
  `POST /v2/sandboxes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`

test('malformed JSON is a 400 with a JSON body that says so', async () => {
  for (const body of ['{"templateID":', '[]', '"x"', '{"templateID":1}', '{}', '\u0000', '{"a":'.repeat(5000)]) {
    const text = await exchange((s) => s.write(post(body)), (t) => /\}\s*$/.test(t))
    assert.equal(code(text), 400, body.slice(0, 40))
    const answer = JSON.parse(text.slice(text.indexOf('\r\n\r\n')))
    assert.equal(answer.code, 400)
    assert.ok(answer.message.length > 0)
  }
})

test('wrong values are refused by name', async () => {
  for (const [body, word] of [
    ['{"templateID":"base","timeout":0}', /timeout/i],
    ['{"templateID":"base","timeout":-5}', /timeout/i],
    ['{"templateID":"base","timeout":99999999}', /timeout/i],
    ['{"templateID":"base","timeout":"soon"}', /timeout/i],
    ['{"templateID":"base","metadata":[]}', /metadata/i],
    ['{"templateID":"base","envVars":{"A":1}}', /envVars|env/i],
  ]) {
    const text = await exchange((s) => s.write(post(body)), (t) => /\}\s*$/.test(t))
    assert.equal(code(text), 400, body)
    assert.match(text, word)
  }
})

test('a body of 20 MB is refused before it is kept', async () => {
  const head = post('', '').replace('Content-Length: 0', 'Content-Length: 20971520')
  assert.equal(code(await exchange((s) => s.write(head))), 413)
  const chunk = `100000\r\n${'x'.repeat(1 << 20)}\r\n`
  const chunked = post('').replace('Content-Length: 0', 'Transfer-Encoding: chunked')
  assert.equal(code(await exchange((s) => { s.write(chunked); for (let i = 0; i < 20; i++) s.write(chunk) })), 413)
})

test('ten thousand headers, an endless line and an endless target are refused', async () => {
  const many = Array.from({ length: 10000 }, (_, i) => `X-${i}: y\r\n`).join('')
  assert.equal(code(await exchange((s) => s.write(`GET /v2/sandboxes HTTP/1.1\r\nHost: a\r\n${many}\r\n`))), 431)
  assert.equal(code(await exchange((s) => s.write(`GET /v2/sandboxes HTTP/1.1\r\nX: ${'y'.repeat(1 << 20)}\r\n\r\n`))), 431)
  const long = code(await exchange((s) => s.write(`GET /${'a'.repeat(1 << 20)} HTTP/1.1\r\nHost: a\r\n\r\n`)))
  assert.ok(long === 414 || long === 431, String(long))
})

test('what is no HTTP is a 400 or a closed connection', async () => {
  for (const bytes of ['\r\n\r\n\r\n', 'hello\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00', 'GET / HTTP/9.9\r\n\r\n', 'GET  /  HTTP/1.1\r\n\r\n']) {
    const text = await exchange((s) => s.end(bytes, 'latin1'))
    assert.ok(text === '' || [400, 404, 505].includes(code(text)), JSON.stringify(bytes) + text)
  }
})

test('two lengths, or a length beside chunks, are refused', async () => {
  for (const lengths of ['Content-Length: 2\r\nContent-Length: 3', 'Content-Length: 2\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: gzip', 'Content-Length: -1', 'Content-Length: 99999999999999999999'])
    assert.ok([400, 413, 501].includes(code(await exchange((s) => s.write(`POST /v2/sandboxes HTTP/1.1\r\nHost: a\r\n${lengths}\r\n\r\n{}`)))), lengths)
})

test('half a request, then silence, holds nobody up', async () => {
  const silent = Array.from({ length: 200 }, () => net.connect(path))
  await Promise.all(silent.map((s) => new Promise((resolve) => s.write('POST /v2/sandboxes HTTP/1.1\r\nContent-Le', resolve))))
  assert.equal(code(await exchange((s) => s.write('GET /v2/sandboxes HTTP/1.1\r\nHost: a\r\n\r\n'))), 200)
  silent.forEach((s) => s.destroy())
})

test('a thousand requests in one breath are answered in order', async () => {
  const one = 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n'
  const count = (t) => t.match(/HTTP\/1\.1 204/g)?.length ?? 0
  assert.equal(count(await exchange((s) => s.write(one.repeat(1000)), (t) => count(t) === 1000)), 1000)
})

test('unknown paths, methods and ids are told apart', async () => {
  const ask = async (line) => code(await exchange((s) => s.write(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`)))
  assert.equal(await ask('GET /nothing/here'), 404)
  assert.equal(await ask('GET /sandboxes/iabcdefghij0123456789'), 404)
  assert.equal(await ask('GET /sandboxes/..%2f..%2fetc'), 400)
  assert.equal(await ask('PATCH /v2/sandboxes'), 405)
})
