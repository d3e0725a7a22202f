// SPDX-License-Identifier: Apache-2.0
//
// The wire behaviour of the hosted service, as far as the command line can tell: the control plane
// and the API of a sandbox, whose processes really run, on this machine. Control answers are
// chunked, and every request is appended to a log as one JSON line, for tests to look at.
//
//   mock_api.mjs LOG PORT-FILE     writes its port there when it listens; ends when stdin ends
//
// Names that make trouble: template "busy" answers 429 with Retry-After: 0 twice, then works;
// "full" 429 without; "missing" 404; "late" waits until somebody lists; sandbox "ihtml" a proxy's 502 page; "igone" 404; a command
// with "mock-drop" in it breaks the stream off, with "mock-die" the sandbox is gone after that, and
// with "mock-silent" nothing is ever said of it. A build whose steps hold "mock-fail" fails; template
// "cached" has all files already, "reject" refuses uploads, "flaky" answers the first with 503, "cut"
// breaks the first off, "slow"
// builds until its status was asked for 1000 times.
import { spawn } from 'node:child_process'
import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'

const [log, portFile] = process.argv.slice(2)
const KEY = 'e2b_' + '0123456789'.repeat(4)
const TOKEN = 'mock-access-token'
const sandboxes = new Map()
const processes = new Map()
const builds = new Map()
const uploads = new Set()
let made = 0
let flaky = 1
let cut = 1
let busy = 2
let dead = false
let listed
const listing = new Promise((resolve) => (listed = resolve))

const envelope = (flags, message) => {
  const body = Buffer.from(JSON.stringify(message))
  const head = Buffer.alloc(5)
  head[0] = flags
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

const reply = (res, status, body, headers = {}) => {
  if (body === undefined) return res.writeHead(status, { 'content-length': 0, ...headers }).end()
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  // In two writes and without a length: chunked.
  res.writeHead(status, { 'content-type': 'application/json', ...headers })
  res.write(text.slice(0, 3))
  res.end(text.slice(3))
}
const fail = (res, code, message, headers) => reply(res, code, { code, message }, headers)

const view = (s, full) => ({
  sandboxID: s.id, templateID: 'rki5dems9wqfm4r03t7g', alias: s.template, clientID: 'cafecafe',
  startedAt: s.startedAt, endAt: new Date(Date.parse(s.startedAt) + s.timeout * 1000).toISOString(),
  state: s.paused ? 'paused' : 'running', cpuCount: 2, memoryMB: 512, diskSizeMB: 1024, envdVersion: s.version,
  metadata: s.metadata, ...(full ? { envdAccessToken: TOKEN, domain: null, network: s.network, allowInternetAccess: true } : {}),
})

const make = (body) => {
  const id = 'isb' + String(++made).padStart(18, '0')
  const s = {
    id, template: body.templateID, timeout: body.timeout, metadata: body.metadata ?? {},
    startedAt: new Date(Date.parse('2026-01-02T03:04:05Z') + made * 1000).toISOString(),
    version: body.templateID === 'old' ? '0.5.1' : '0.6.13', network: {},
  }
  sandboxes.set(id, s)
  return s
}

const create = async (res, body) => {
  if (body.templateID === 'late') await listing
  if (body.templateID === 'missing') return fail(res, 404, "template 'missing' not found")
  if (body.templateID === 'full') return fail(res, 429, 'you have reached the maximum number')
  if (body.templateID === 'busy' && busy-- > 0) return fail(res, 429, 'slow down', { 'retry-after': '0' })
  reply(res, 201, view(make(body), true))
}

const list = (res, query) => {
  listed()
  const limit = Number(query.get('limit'))
  const from = Number(query.get('nextToken') ?? 0)
  const wanted = new URLSearchParams(decodeURIComponent(query.get('metadata') ?? ''))
  let all = [...sandboxes.values()].reverse()
  for (const [k, v] of wanted)
    all = all.filter((s) => s.metadata[decodeURIComponent(k)] === decodeURIComponent(v))
  const more = from + limit < all.length
  reply(res, 200, all.slice(from, from + limit).map((s) => view(s, false)),
    more ? { 'x-next-token': String(from + limit) } : {})
}

const templateView = (id, name) => ({
  templateID: id, buildID: `b-${name}`, cpuCount: 2, memoryMB: 1024, diskSizeMB: 2560, public: name === 'public',
  aliases: [name, 'also'], names: [`team/${name}`], createdAt: '2026-01-02T03:04:05Z', updatedAt: '2026-01-02T03:04:05Z',
  createdBy: name === 'public' ? null : { id: 'u', email: 'dev@example.com' }, lastSpawnedAt: null, spawnCount: 3,
  buildCount: 1, envdVersion: '0.6.13', buildStatus: 'ready',
})

// What is logged of a build, two entries a page, as the service words it.
const buildLog = (body) => {
  const entry = (message, step) => ({ timestamp: '2026-01-02T03:04:05Z', level: 'info', message, step })
  const steps = body.steps.map((s, i) =>
    entry(`[builder ${i + 1}/${body.steps.length}] ${s.type} ${s.args.join(' ')}`, String(i + 1)))
  return [entry(`[base] FROM ${body.fromImage}`, 'base'), ...steps, entry('\x1b[32mBuild finished\x1b[0m', 'finalize')]
}

const status = (res, id, b, offset) => {
  const over = b.body && (b.template !== 'slow' || (b.asked = (b.asked ?? 0) + 1) > 1000)
  const log = b.body ? buildLog(b.body).slice(offset, offset + 2) : []
  const failed = JSON.stringify(b.body?.steps ?? '').includes('mock-fail')
  reply(res, 200, { templateID: b.templateID, buildID: id, logs: [], logEntries: log,
    status: !b.body ? 'waiting' : !over ? 'building' : failed ? 'error' : 'ready',
    ...(over && failed ? { reason: { message: 'command failed: exit status 1', step: '3', logEntries: [] } } : {}) })
}

const templates = (req, res, url, body) => {
  const [, , id, action, sub, leaf] = url.pathname.replace(/^\/v[23]/, '').split('/')
  if (id === undefined && req.method === 'GET')
    return reply(res, 200, url.searchParams.get('teamID') === 'empty' ? [] : [templateView('rki5dems9wqfm4r03t7g', 'my-template'), templateView('tpublic', 'public')])
  if (id === undefined) {
    const buildID = `ffe12aad-b1dd-aa13-d026-${String(++made).padStart(12, '0')}`
    const templateID = `tpl${String(made).padStart(17, '0')}`
    builds.set(buildID, { templateID, template: body.name })
    return reply(res, 202, { templateID, buildID, public: false, names: [`team/${body.name}`], tags: body.tags ?? ['default'], aliases: [] })
  }
  if (id === 'aliases') return action === 'my-template' ? reply(res, 200, { templateID: 'rki5dems9wqfm4r03t7g', public: false }) : fail(res, 404, 'no such alias')
  if (id === 'tags') return req.method === 'POST' ? reply(res, 201, { tags: body.tags, buildID: 'b-tagged' }) : reply(res, 204)
  if (action === 'files') {
    const name = [...builds.values()].find((b) => b.templateID === id)?.template
    const present = name === 'cached' || uploads.has(sub)
    return reply(res, 201, { present, ...(present ? {} : { url: `http://${req.headers.host}/upload/${sub}?X-Amz-Signature=fake&name=${name}`,
      headers: { 'x-upload-token': 'secret' } }) })
  }
  if (action === 'builds' && leaf === 'status') {
    const b = builds.get(sub)
    return b ? status(res, sub, b, Number(url.searchParams.get('logsOffset'))) : fail(res, 400, `Build '${sub}' not found`)
  }
  if (action === 'builds') return (builds.get(sub).body = body), reply(res, 202)
  if (action === 'tags') return reply(res, 200, ['default', 'stable'].map((tag) => ({ tag, buildID: 'b1', createdAt: '2026-01-02T03:04:05Z' })))
  if (id === 'tgone' || id === 'gone') return fail(res, 404, `template '${id}' not found`)
  if (req.method === 'DELETE') return reply(res, 204)
  if (req.method === 'PATCH') return reply(res, 200, { names: ['team/my-template', 'my-template'] })
  reply(res, 200, { ...templateView(id, 'my-template'), builds: [...builds].filter(([, b]) => b.templateID === id)
    .map(([buildID]) => ({ buildID, status: 'ready', createdAt: '2026-01-02T03:04:05Z', cpuCount: 2, memoryMB: 1024 })) })
}

const upload = (req, res, url, bytes) => {
  const name = url.searchParams.get('name')
  if (name === 'reject') return res.writeHead(403, { 'content-type': 'application/xml' }).end('<Error>signature</Error>')
  if (name === 'flaky' && flaky-- > 0) return res.writeHead(503).end()
  uploads.add(url.pathname.split('/').at(-1))
  writeFileSync(`${log}.${uploads.size}.tar.gz`, bytes)
  res.writeHead(200).end()
}

const snapshots = new Map()
const snapshot = (name) => {
  const made = { snapshotID: name ? `${name}:default` : `snap${snapshots.size}`, names: name ? [`${name}:default`] : [] }
  return snapshots.set(made.snapshotID, made), made
}
const listSnapshots = (res, query) => {
  const from = Number(query.get('nextToken') ?? 0), limit = Number(query.get('limit'))
  const all = [...snapshots.values()].filter((s) => !query.get('name') || s.names.includes(`${query.get('name')}:default`))
  reply(res, 200, all.slice(from, from + limit), from + limit < all.length ? { 'x-next-token': String(from + limit) } : {})
}

const control = (req, res, url, body) => {
  if (req.headers['x-api-key'] !== KEY) return fail(res, 401, 'authorization header is missing')
  const [, resource, id, action] = url.pathname.split('/')
  if (url.pathname === '/sandboxes' && req.method === 'POST') return create(res, body)
  if (url.pathname === '/v2/sandboxes') return list(res, url.searchParams)
  if (resource === 'teams') return team(res, id, url.searchParams)
  if (/^(\/v[23])?\/templates(\/|$)/.test(url.pathname)) return templates(req, res, url, body)
  if (resource === 'snapshots') return listSnapshots(res, url.searchParams)
  if (resource !== 'sandboxes') return fail(res, 404, 'no such path')
  if (id === 'ihtml')
    return res.writeHead(502, { 'content-type': 'text/html' }).end('<html>\n<h1>Bad Gateway</h1>\n</html>')
  const s = sandboxes.get(id)
  if (!s) return fail(res, 404, `Sandbox "${id}" doesn't exist or you don't have access to it`)
  if (req.method === 'DELETE') return sandboxes.delete(id), reply(res, 204)
  const from = Number(url.searchParams.get('start') ?? 0)
  if (action === 'logs') return reply(res, 200, { logs: logs(s, from), logEntries: [] })
  if (action === 'metrics') return reply(res, 200, metrics(from))
  if (action === 'timeout') return (s.timeout = body.timeout), reply(res, 204)
  if (action === 'pause' && s.paused) return fail(res, 409, `Error pausing sandbox - sandbox '${id}' is already paused`)
  if (action === 'pause') return (s.paused = true), reply(res, 204)
  if (action === 'connect') s.paused = false
  if (action === 'fork') return reply(res, 201, [...Array(body.count)].map((_, i) =>
    i === 1 ? { error: { code: 503, message: 'no room' } } : { sandbox: view(make({ templateID: s.template, ...body }), true) }))
  if (action === 'snapshots') return reply(res, 201, snapshot(body.name))
  if (action === 'network') return Object.assign(s.network, body), reply(res, 204)
  look(res, s)
}

const LOGS = [
  ['05.678', { level: 'info', logger: 'process', message: 'hello from process', pid: 12, traceID: 't', sandboxID: 's' }],
  ['06.000', { level: 'debug', logger: 'filesystemSvc', message: 'debug line' }],
  ['07.000', { level: 'warn', logger: 'process', message: 'warn line', nested: { a: [1, 2] } }],
  ['08.000', { level: 'error', logger: 'process', message: 'error line' }],
].map(([s, line]) => ({ timestamp: `2026-01-02T03:04:${s}Z`, line: JSON.stringify(line) }))
// What makes the official command line crash.
const ODD = ['no JSON', '[1]', '{"message":"no level"}', '{"level":"trace","message":"it\'s \\u001b[31m","n":null,"b":true,"f":0.43,"a-b":{}}']
  .map((line) => ({ timestamp: '2026-01-02T03:04:09.000001Z', line }))
// 2,500 lines, seven of them in a millisecond, in pages of 1,000.
const MANY = Array.from({ length: 2500 }, (_, i) => ({
  timestamp: new Date(Date.parse('2026-01-02T03:04:05Z') + Math.floor(i / 7)).toISOString(),
  line: JSON.stringify({ level: 'info', message: `line ${i}` }),
}))
const logs = (s, start) => {
  const all = { odd: ODD, many: MANY }[s.template] ?? LOGS
  return all.filter((l) => Date.parse(l.timestamp) >= start).slice(0, 1000)
}

const metrics = (start) => ['05', '10'].map((s) => ({
  timestamp: `2026-01-02T03:04:${s}Z`, timestampUnix: Date.parse(`2026-01-02T03:04:${s}Z`) / 1000, cpuUsedPct: 1.5,
  cpuCount: 2, memUsed: 100 << 20, memTotal: 512 << 20, memCache: 1 << 20, diskUsed: 2 ** 30, diskTotal: 10 * 2 ** 30,
})).filter((m) => m.timestampUnix >= start)

const TEAM = '0b1c6e1e-7b4e-4f0e-9d5f-0f1d6a3c2b1a'
const team = (res, id, query) => {
  if (!id) return reply(res, 200, [{ teamID: TEAM, name: 'mock', apiKey: KEY, isDefault: true }])
  if (id !== TEAM) return fail(res, 403, 'not yours')
  reply(res, 200, [{ timestamp: new Date(query.get('start') * 1000).toISOString(), timestampUnix: Number(query.get('start')),
    concurrentSandboxes: 3, sandboxStartRate: 0.2 }])
}

// How the sandbox is when somebody looks: "brief" is killed after two looks, "sleepy" pauses.
const look = (res, s) => {
  s.looks = (s.looks ?? 0) + 1
  if (s.template === 'brief' && s.looks > 2) return fail(res, 404, 'gone')
  reply(res, 200, { ...view(s, true), ...(s.template === 'sleepy' && s.looks > 2 && { state: 'paused' }) })
}

const start = (res, { process: p, stdin }) => {
  if (p.args.at(-1).includes('mock-silent')) return res.flushHeaders()
  const child = spawn(p.cmd, p.args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...p.envs }, cwd: p.cwd,
    stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  })
  const send = (event) => res.write(envelope(0, { event }))
  child.on('error', (e) => res.end(envelope(2, { error: { code: 'invalid_argument', message: e.message } })))
  if (!child.pid) return
  processes.set(child.pid, child)
  child.stdin?.on('error', () => {})
  send({ start: { pid: child.pid } })
  send({ keepalive: {} })
  for (const kind of ['stdout', 'stderr'])
    child[kind].on('data', (bytes) => {
      if (!send({ data: { [kind]: bytes.toString('base64') } })) {
        child[kind].pause()
        res.once('drain', () => child[kind].resume())
      }
    })
  child.on('close', (code, signal) => {
    processes.delete(child.pid)
    dead = p.args.at(-1).includes('mock-die')
    if (dead || p.args.at(-1).includes('mock-drop')) return res.destroy()
    const word = { SIGKILL: 'killed', SIGTERM: 'terminated' }[signal] ?? signal
    const status = signal ? `signal: ${word}` : `exit status ${code}`
    // What protobuf leaves out: zero and empty values.
    send({ end: { ...(code ? { exitCode: code } : signal ? { exitCode: -1 } : {}),
      ...(signal ? {} : { exited: true }), status, ...(code || signal ? { error: status } : {}) } })
    res.end(envelope(2, {}))
  })
}

const unary = (res, name, body) => {
  const child = processes.get(body.process.pid)
  if (!child)
    return reply(res, 404, { code: 'not_found', message: `process with pid ${body.process.pid} not found` })
  if (name === 'SendSignal') child.kill(body.signal.replace('SIGNAL_', ''))
  if (name === 'CloseStdin') child.stdin.end()
  if (name !== 'SendInput') return reply(res, 200, {})
  // Answered when the process took it, as the service does.
  child.stdin.write(Buffer.from(body.input.stdin, 'base64'), () => reply(res, 200, {}))
}

const sandbox = (req, res, url, bytes) => {
  if (url.pathname === '/health') return reply(res, dead ? 502 : 204)
  if (req.headers['x-access-token'] !== TOKEN) return fail(res, 401, 'unauthorized access')
  const name = url.pathname.split('/').at(-1)
  if (name !== 'Start') return unary(res, name, JSON.parse(bytes))
  res.writeHead(200, { 'content-type': 'application/connect+json' })
  start(res, JSON.parse(bytes.subarray(5)))
}

const server = createServer((req, res) => {
  const chunks = []
  if (req.url.startsWith('/upload/') && req.url.includes('name=cut') && cut-- > 0) req.once('data', () => req.destroy())
  req.on('data', (c) => chunks.push(c))
  req.on('end', () => {
    const bytes = Buffer.concat(chunks)
    const url = new URL(req.url, 'http://mock')
    const envd = req.headers['e2b-sandbox-id'] !== undefined
    const stream = req.headers['content-type'] === 'application/connect+json'
    const isUpload = url.pathname.startsWith('/upload/')
    const body = isUpload ? bytes.length : bytes.length ? JSON.parse(stream ? bytes.subarray(5) : bytes) : undefined
    appendFileSync(log, JSON.stringify({ method: req.method, url: req.url, headers: req.headers, body }) + '\n')
    if (isUpload) return upload(req, res, url, bytes)
    envd ? sandbox(req, res, url, bytes) : control(req, res, url, body)
  })
})
server.listen(0, '127.0.0.1', () => writeFileSync(portFile, String(server.address().port)))
process.stdin.on('end', () => process.exit(0)).resume()
