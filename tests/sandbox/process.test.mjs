// SPDX-License-Identifier: Apache-2.0
// process.Process: events and their order, ends, input, terminals, signals, deadlines. timeout: 180
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { access, ask, basic, create, envelope, input, socketPath, start, startDaemon, Stream, unary } from './daemon.mjs'

let daemon, sandbox
before(async () => {
  daemon = await startDaemon()
  sandbox = await create({ envVars: { GIVEN: 'at creation', TWICE: 'first' } })
})
after(async () => {
  await ask('DELETE', `/sandboxes/${sandbox.sandboxID}`)
  await daemon.end('SIGTERM')
})

const select = (stream) => ({ process: { pid: stream.pid } })
const signal = (stream, name) => unary(sandbox, 'SendSignal', { ...select(stream), signal: name })

test('events: start, data, end, and the last envelope', async () => {
  const s = await start(sandbox, 'echo out; echo err >&2').end()
  assert.equal(s.status, 200)
  assert.equal(s.answer.headers['content-type'], 'application/connect+json')
  assert.deepEqual(s.events, ['start', 'data', 'data', 'end'])
  assert.deepEqual([s.out, s.err], ['out\n', 'err\n'])
  assert.deepEqual(s.exit, { exitCode: 0, exited: true, status: 'exit status 0' })
  assert.deepEqual(s.last, {})
})

test('how a process can end', async () => {
  const failed = await start(sandbox, 'exit 3').end()
  assert.deepEqual(failed.exit, { exitCode: 3, exited: true, status: 'exit status 3', error: 'exit status 3' })
  const killed = await start(sandbox, 'kill -TERM $$').end()
  assert.deepEqual(killed.exit, { exitCode: -1, exited: false, status: 'signal: terminated', error: 'signal: terminated' })
  const missing = await new Stream(sandbox, 'Start', { process: { cmd: 'no-such-program', args: [] } }).end()
  assert.equal(missing.exit.exitCode, 127)
  assert.match(missing.err, /no-such-program/)
})

test('environment, user, directory', async () => {
  const env = await start(sandbox, 'env', { process: { envs: { MINE: 'a=b ü', TWICE: 'second' } } }).end()
  for (const line of ['E2B_SANDBOX=true', `E2B_SANDBOX_ID=${sandbox.sandboxID}`, `E2B_TEMPLATE_ID=${sandbox.templateID}`,
    'GIVEN=at creation', 'TWICE=second', 'MINE=a=b ü', 'HOME=/home/user', 'USER=user', 'LOGNAME=user'])
    assert.ok(env.out.split('\n').includes(line), `${line} in ${env.out}`)
  assert.ok(!env.out.includes('TWICE=first') && !env.out.includes('E2B_HOME'))
  const files = await start(sandbox, 'cd /run/e2b && cat .E2B_SANDBOX && echo && cat .E2B_SANDBOX_ID && echo && cat .E2B_TEMPLATE_ID').end()
  assert.deepEqual(files.out.trim().split(/\s+/), ['true', sandbox.sandboxID, sandbox.templateID])
  assert.equal((await start(sandbox, 'id -un; pwd', {}, basic('root')).end()).out, 'root\n/root\n')
  assert.equal((await start(sandbox, 'pwd', { process: { cwd: '/usr/lib' } }).end()).out, '/usr/lib\n')
  assert.equal((await start(sandbox, 'pwd', { process: { cwd: '~' } }).end()).out, '/home/user\n')
  const nowhere = await start(sandbox, 'true', { process: { cwd: '/nope' } }).end()
  assert.deepEqual([nowhere.status, nowhere.last.error], [200, { code: 'invalid_argument', message: "cwd '/nope' does not exist" }])
  const others = await start(sandbox, 'true', { process: { cwd: '~root' } }).end()
  assert.deepEqual(others.last.error, { code: 'invalid_argument', message: 'cannot expand user-specific home dir' })
  const nobody = await start(sandbox, 'true', {}, basic('no-such-user')).end()
  assert.deepEqual(nobody.last.error, { code: 'unauthenticated', message: "invalid username: 'no-such-user'" })
})

test('input, end of file, and what cannot be written to', async () => {
  const cat = start(sandbox, 'cat; echo over', { stdin: true })
  await cat.until((s) => s.pid)
  assert.equal((await input(sandbox, cat.pid, 'hello ')).status, 200)
  assert.equal((await input(sandbox, cat.pid, 'world\n')).status, 200)
  await cat.until((s) => s.out === 'hello world\n')
  assert.equal((await unary(sandbox, 'CloseStdin', select(cat))).status, 200)
  const again = await unary(sandbox, 'CloseStdin', select(cat))
  assert.ok(again.status === 200 || again.status === 404, again.text)
  await cat.end()
  assert.equal(cat.out, 'hello world\nover\n')
  const closed = start(sandbox, 'read line; sleep 30', { stdin: false })
  await closed.until((s) => s.pid)
  const refused = await input(sandbox, closed.pid, 'x')
  assert.deepEqual([refused.status, refused.json], [500, { code: 'internal', message: 'stdin not enabled or closed' }])
  const wrong = await unary(sandbox, 'SendInput', { ...select(closed), input: { stdin: '%%' } })
  assert.deepEqual([wrong.status, wrong.json.code], [400, 'invalid_argument'])
  const pty = await unary(sandbox, 'SendInput', { ...select(closed), input: { pty: 'eA==' } })
  assert.equal(pty.status, 500)
  await signal(closed, 'SIGNAL_SIGKILL')
  await closed.end()
})

test('a stream of input', async () => {
  const count = start(sandbox, 'wc -c', { stdin: true })
  await count.until((s) => s.pid)
  const part = Buffer.alloc(100_000, 'x').toString('base64')
  const answer = await new Promise((resolve, reject) => {
    const request = http.request({ socketPath, method: 'POST', path: '/process.Process/StreamInput', headers: access(sandbox, { 'content-type': 'application/connect+json' }) }, (got) => {
      const pieces = []
      got.on('data', (d) => pieces.push(d))
      got.on('end', () => resolve(Buffer.concat(pieces).toString()))
    })
    request.on('error', reject)
    request.write(envelope({ start: select(count) }))
    for (let i = 0; i < 20; i++) request.write(envelope({ data: { input: { stdin: part } } }))
    request.write(envelope({ keepalive: {} }))
    request.end()
  })
  assert.match(answer, /\{\}/)
  assert.doesNotMatch(answer, /error/)
  await unary(sandbox, 'CloseStdin', select(count))
  assert.equal((await count.end()).out.trim(), '2000000')
  const stream = { headers: access(sandbox, { 'content-type': 'application/connect+json' }) }
  const empty = await ask('POST', '/process.Process/StreamInput', '', stream)
  assert.match(empty.text, /invalid_argument.*no message/)
})

test('a terminal', async () => {
  const shell = new Stream(sandbox, 'Start', {
    process: { cmd: '/bin/bash', args: ['-i'], envs: { TERM: 'dumb' } }, pty: { size: { cols: 100, rows: 30 } }, tag: 'term' })
  await shell.until((s) => s.pid)
  const type = (text) => unary(sandbox, 'SendInput', { process: { tag: 'term' }, input: { pty: Buffer.from(text).toString('base64') } })
  assert.equal((await type('stty size\n')).status, 200)
  await shell.until((s) => s.pty.includes('30 100'))
  assert.equal((await unary(sandbox, 'Update', { ...select(shell), pty: { size: { cols: 33, rows: 11 } } })).status, 200)
  await type('stty size; tty\n')
  await shell.until((s) => s.pty.includes('11 33') && s.pty.includes('/dev/pts/'))
  const eof = await unary(sandbox, 'CloseStdin', select(shell))
  assert.deepEqual([eof.status, eof.json.code], [500, 'unknown'])
  const stdin = await input(sandbox, shell.pid, 'x')
  assert.match(stdin.json.message, /input should be written to the pty/)
  await type("sh -c 'echo sle''eps; exec sleep 60'\n")
  await shell.until((s) => s.pty.includes('sleeps'))
  await type('\x03')
  await shell.until((s) => /\^C[^]*[$#] $/.test(s.pty)) // the next prompt: the shell itself heeds no keys before
  await type('exit 130\n')
  assert.equal((await shell.end()).exit.exitCode, 130)
  const plain = start(sandbox, 'sleep 60')
  await plain.until((s) => s.pid)
  assert.equal((await unary(sandbox, 'Update', { ...select(plain), pty: { size: { cols: 1, rows: 1 } } })).json.code, 'internal')
  await signal(plain, 'SIGNAL_SIGKILL')
  await plain.end()
})

test('list, select by tag, signals', async () => {
  const config = { cmd: '/bin/bash', args: ['-c', 'sleep 60', 'ü'], envs: { A: '1' }, cwd: '/tmp' }
  const sleeper = new Stream(sandbox, 'Start', { process: config, tag: 'the tag', stdin: false })
  await sleeper.until((s) => s.pid)
  const { processes } = (await unary(sandbox, 'List', {})).json
  assert.deepEqual(processes.find((p) => p.pid === sleeper.pid), { config, pid: sleeper.pid, tag: 'the tag' })
  const invalid = await signal(sleeper, 'SIGNAL_SIGHUP')
  assert.deepEqual([invalid.status, invalid.json], [501, { code: 'unimplemented', message: 'invalid signal: SIGNAL_SIGHUP' }])
  assert.equal((await unary(sandbox, 'SendSignal', { process: { tag: 'the tag' }, signal: 'SIGNAL_SIGTERM' })).status, 200)
  assert.equal((await sleeper.end()).exit.status, 'signal: terminated')
  assert.ok(!(await unary(sandbox, 'List', {})).json.processes.some((p) => p.pid === sleeper.pid))
  const gone = await signal(sleeper, 'SIGNAL_SIGKILL')
  assert.deepEqual([gone.status, gone.json], [404, { code: 'not_found', message: `process with pid ${sleeper.pid} not found` }])
  assert.equal((await unary(sandbox, 'SendSignal', { process: { tag: 'x' }, signal: 15 })).json.message, 'process with tag x not found')
  assert.equal((await unary(sandbox, 'SendSignal', { signal: 15 })).json.code, 'invalid_argument')
})

test('the end waits for the background, unless it was killed', async () => {
  const waits = await start(sandbox, '(sleep 0.3; echo late) & echo early').end()
  assert.equal(waits.out, 'early\nlate\n')
  const killed = start(sandbox, 'sleep 60 & echo up; wait')
  await killed.until((s) => s.out === 'up\n')
  const began = Date.now()
  assert.equal((await signal(killed, 'SIGNAL_SIGKILL')).status, 200)
  assert.equal((await signal(killed, 'SIGNAL_SIGKILL')).status, 404)
  assert.equal((await killed.end()).exit.status, 'signal: killed')
  assert.ok(Date.now() - began < 30_000)
})

test('a client that leaves, and one that comes', async () => {
  const first = start(sandbox, 'echo before; read line; echo "got $line"; sleep 0.2; echo after', { stdin: true })
  await first.until((s) => s.out === 'before\n')
  first.leave()
  const second = new Stream(sandbox, 'Connect', select(first))
  await second.until((s) => s.events[0] === 'start')
  assert.equal(second.pid, first.pid)
  await input(sandbox, first.pid, 'it\n')
  await second.end()
  assert.equal(second.out, 'got it\nafter\n')
  assert.equal(second.exit.exitCode, 0)
  const late = await new Stream(sandbox, 'Connect', select(first)).end()
  assert.deepEqual(late.events, ['start', 'end'])
  const never = await new Stream(sandbox, 'Connect', { process: { pid: 999999 } }).end()
  assert.deepEqual([never.status, never.last.error], [200, { code: 'not_found', message: 'process with pid 999999 not found' }])
})

test('Connect-Timeout-Ms is the life of the process', async () => {
  const s = start(sandbox, 'sleep 60', {}, { 'connect-timeout-ms': '1500' })
  await s.until((t) => t.pid)
  await s.end()
  assert.equal(s.last.error.code, 'deadline_exceeded')
  const late = await new Stream(sandbox, 'Connect', select(s)).end()
  assert.equal(late.exit.status, 'signal: killed')
  const survivor = start(sandbox, 'sleep 60')
  await survivor.until((t) => t.pid)
  const watcher = await new Stream(sandbox, 'Connect', select(survivor), { 'connect-timeout-ms': '200' }).end()
  assert.equal(watcher.last.error.code, 'deadline_exceeded')
  assert.ok((await unary(sandbox, 'List', {})).json.processes.some((p) => p.pid === survivor.pid))
  await signal(survivor, 'SIGNAL_SIGKILL')
  await survivor.end()
})

test('signs of life while nothing is said', async () => {
  const s = start(sandbox, 'sleep 60', {}, { 'keepalive-ping-interval': '1' })
  await s.until((t) => t.events.length === 3)
  await signal(s, 'SIGNAL_SIGKILL')
  await s.end()
  assert.deepEqual(s.events.slice(0, 3), ['start', 'keepalive', 'keepalive'])
  assert.equal(s.events.at(-1), 'end')
})

test('much output, whole and in order; and a reader that does not read', async () => {
  const big = await start(sandbox, 'head -c 50000000 /dev/zero').end()
  assert.equal(big.bytes, 50_000_000)
  const lines = await start(sandbox, 'seq 1 200000 | md5sum; seq 1 200000 | tail -c 100').end()
  assert.match(lines.out, /200000\n$/)
  const stuck = start(sandbox, 'exec 2>&1; head -c 10000000000 /dev/zero & p=$!; echo $p > /tmp/stuck; wait')
  await stuck.until((s) => s.bytes > 0)
  stuck.answer.pause()
  const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))[1])
  const before = resident()
  for (let i = 0; i < 20; i++) assert.equal((await start(sandbox, 'echo fine').end()).out, 'fine\n')
  assert.ok(resident() - before < 8192, 'the daemon grows')
  stuck.leave()
  await start(sandbox, 'kill $(cat /tmp/stuck)').end()
})

test('messages that are none', async () => {
  const head = access(sandbox)
  const path = '/process.Process/'
  for (const [method, type] of [['List', 'application/proto'], ['Start', 'application/connect+proto'], ['Start', 'application/json']]) {
    const answer = await ask('POST', path + method, Buffer.from([0, 1]), { headers: { ...head, 'content-type': type } })
    assert.deepEqual([answer.status, answer.json.code], [415, 'unimplemented'])
  }
  const packed = await ask('POST', path + 'List', Buffer.from([0x1f, 0x8b]), { headers: { ...head, 'content-encoding': 'gzip' } })
  assert.deepEqual([packed.status, packed.json.code], [501, 'unimplemented'])
  assert.equal((await ask('POST', path + 'List', '{', { headers: head })).json.code, 'invalid_argument')
  assert.equal((await ask('POST', path + 'List', '[]', { headers: head })).json.code, 'invalid_argument')
  assert.equal((await ask('POST', path + 'List', '', { headers: head })).status, 200)
  const stream = { ...head, 'content-type': 'application/connect+json' }
  for (const [bytes, code] of [['', 'invalid_argument'], [Buffer.from([0, 0, 0, 0, 9, 123]), 'invalid_argument'],
    [Buffer.from([1, 0, 0, 0, 2, 123, 125]), 'unimplemented'], [Buffer.from([0, 255, 255, 255, 255]), 'resource_exhausted'],
    [Buffer.concat([envelope({}), envelope({})]), 'invalid_argument'], [envelope({ process: {} }), 'invalid_argument'],
    [envelope({ process: { cmd: 'x', args: [1] } }), 'invalid_argument'], [envelope({ process: { cmd: 'x', envs: { a: 1 } } }), 'invalid_argument']]) {
    const answer = await ask('POST', path + 'Start', bytes, { headers: stream })
    assert.equal(answer.status, 200)
    assert.equal(JSON.parse(answer.text.slice(5)).error.code, code, answer.text)
  }
  for (const token of [undefined, 'wrong', sandbox.envdAccessToken + '0']) {
    const { 'x-access-token': _, ...rest } = head
    const answer = await ask('POST', path + 'List', {}, { headers: token ? { ...rest, 'x-access-token': token } : rest })
    assert.deepEqual([answer.status, answer.json.code], [401, 401])
  }
})

test('health, metrics, environment', async () => {
  const head = access(sandbox)
  const health = await ask('GET', '/health', undefined, { headers: access({ sandboxID: sandbox.sandboxID }) })
  assert.deepEqual([health.status, health.headers['cache-control']], [204, 'no-store'])
  const envs = await ask('GET', '/envs', undefined, { headers: head })
  assert.equal(envs.json.GIVEN, 'at creation')
  assert.equal(envs.json.E2B_SANDBOX, 'true')
  const metrics = await ask('GET', '/metrics', undefined, { headers: head })
  assert.equal(metrics.status, 200, metrics.text)
  assert.ok(metrics.json.cpu_count > 0 && metrics.json.ts > 1e9)
  // What the host does not count is left out; as root it counts.
  const { mem_used: used, mem_total: total, cpu_used_pct: percent } = metrics.json
  assert.ok(total > 0)
  if (used !== undefined || process.env.E2B_LANE === 'root') assert.ok(used > 0 && used < total, `${used} of ${total}`)
  if (percent !== undefined || process.env.E2B_LANE === 'root') assert.ok(percent >= 0, `${percent}`)
})

test('a sandbox that ends under a stream', async () => {
  const other = await create()
  const s = start(other, 'sleep 60')
  await s.until((t) => t.pid)
  await ask('DELETE', `/sandboxes/${other.sandboxID}`)
  await assert.rejects(s.end(), { code: 'ECONNRESET' })
})
