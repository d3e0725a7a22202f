// SPDX-License-Identifier: Apache-2.0
// Ports: the code-interpreter client against a server of its protocol on 49999 inside the sandbox, and
// what browsers and WebSocket clients do to any port. timeout: 120
import { clients } from './backend.mjs'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import http from 'node:http'

const { Sandbox: Interpreter } = await import('@e2b/code-interpreter')
const [, { Sandbox }] = clients[0]

const interpreter = `
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import json
class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_POST(self):
        code = json.loads(self.body())['code']
        self.send_response(200); self.send_header('Transfer-Encoding', 'chunked'); self.end_headers()
        for line in ({'type': 'stdout', 'text': 'hi', 'timestamp': 1}, {'type': 'result', 'text': str(eval(code)), 'is_main_result': True},
                     {'type': 'number_of_executions', 'execution_count': 1}):
            data = json.dumps(line).encode() + b'\\n'
            self.wfile.write(b'%x\\r\\n%s\\r\\n' % (len(data), data)); self.wfile.flush()
        self.wfile.write(b'0\\r\\n\\r\\n')
    def body(self):
        if self.headers.get('Transfer-Encoding') == 'chunked':
            out = b''
            while True:
                n = int(self.rfile.readline(), 16); out += self.rfile.read(n); self.rfile.readline()
                if n == 0: return out
        return self.rfile.read(int(self.headers['Content-Length']))
    def log_message(self, *a): pass
ThreadingHTTPServer(('127.0.0.1', 49999), Handler).serve_forever()
`

const echo = `
const http = require('http'), crypto = require('crypto')
http.createServer((q, r) => {
  if (q.url === '/events') { r.writeHead(200, {'content-type': 'text/event-stream'}); r.write('data: 1\\n\\n'); q.on('close', () => process.stdout.write('closed\\n')); return }
  let n = 0; q.on('data', (d) => { n += d.length }); q.on('end', () => r.end(JSON.stringify({ url: q.url, method: q.method, headers: q.headers, n })))
}).on('upgrade', (q, s) => {
  s.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' +
    crypto.createHash('sha1').update(q.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64') + '\\r\\n\\r\\n')
  s.on('data', (d) => s.write(d)); s.on('error', () => {}) 
}).listen(3000, '::1', () => process.stdout.write('up\\n'))
`

async function serve(sandbox, path, source, command, port) {
  await sandbox.files.write(path, source)
  const process = await sandbox.commands.run(command, { background: true, timeoutMs: 0 })
  await sandbox.commands.run(`for i in $(seq 1000); do (exec 3<>/dev/tcp/localhost/${port}) 2>/dev/null && exit 0; sleep 0.05; done; exit 1`)
  return process
}

const request = (sandbox, port, path, options = {}) => new Promise((resolve, reject) => {
  const url = new URL(process.env.E2B_SANDBOX_URL)
  const r = http.request({ host: url.hostname, port: url.port, path, method: options.method,
    headers: { 'E2b-Sandbox-Id': sandbox.sandboxId, 'E2b-Sandbox-Port': port, ...options.headers } }, resolve)
  r.on('error', reject)
  r.on('upgrade', (response, socket) => resolve(Object.assign(response, { socket })))
  r.end(options.body)
})
const text = async (response) => { let s = ''; for await (const d of response) s += d; return s }

test('code interpreter', async () => {
  const sandbox = await Interpreter.create('base')
  await serve(sandbox, '/tmp/i.py', interpreter, 'python3 /tmp/i.py', 49999)
  const out = []
  const result = await sandbox.runCode('6 * 7', { onStdout: (m) => out.push(m.line) })
  assert.equal(result.text, '42')
  assert.deepEqual(out, ['hi'])
  await sandbox.kill()
})

test('ports', async (t) => {
  const sandbox = await Sandbox.create()
  t.after(() => sandbox.kill())
  await t.test('nothing listens: 502 with the contract\'s body', async () => {
    const response = await request(sandbox, 3000, '/')
    assert.equal(response.statusCode, 502)
    assert.deepEqual(JSON.parse(await text(response)), { sandboxId: sandbox.sandboxId, message: 'The sandbox is running but port is not open', port: 3000, code: 502 })
  })
  await serve(sandbox, '/tmp/echo.cjs', echo, 'node /tmp/echo.cjs', 3000)
  await t.test('raw target, bodies, methods', async () => {
    const got = JSON.parse(await text(await request(sandbox, 3000, '/a%2Fb/../c?x=%20&y', { method: 'PUT', body: 'x'.repeat(1_000_000) })))
    assert.deepEqual([got.url, got.method, got.n], ['/a%2Fb/../c?x=%20&y', 'PUT', 1_000_000])
    const byHost = await request(sandbox, 1, '/h', { headers: { 'E2b-Sandbox-Id': '', 'E2b-Sandbox-Port': '', Host: sandbox.getHost(3000) } })
    assert.equal(JSON.parse(await text(byHost)).url, '/h')
  })
  await t.test('server-sent events come at once, and leaving is noticed', async () => {
    const response = await request(sandbox, 3000, '/events')
    const first = await new Promise((resolve) => response.once('data', (d) => resolve(String(d))))
    assert.equal(first, 'data: 1\n\n')
    response.destroy()
  })
  await t.test('websocket', async () => {
    const response = await request(sandbox, 3000, '/ws', { headers: { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' } })
    assert.equal(response.statusCode, 101)
    assert.equal(response.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    const sent = Buffer.alloc(300_000, 'w'), got = []
    response.socket.write(sent)
    for await (const d of response.socket) { got.push(d); if (Buffer.concat(got).length === sent.length) break }
    assert.ok(Buffer.concat(got).equals(sent))
  })
})
