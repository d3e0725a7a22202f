// SPDX-License-Identifier: Apache-2.0
// The control plane: create, look, list, time, kill, and what is refused. timeout: 180
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import net from 'node:net'
import { statSync } from 'node:fs'
import { apiKey, ask, create, port, socketPath, startDaemon } from './daemon.mjs'

let daemon
before(async () => { daemon = await startDaemon() })
after(async () => {
  for (const { sandboxID } of (await ask('GET', '/sandboxes')).json) await ask('DELETE', `/sandboxes/${sandboxID}`)
  await daemon.end('SIGTERM')
})

test('a sandbox from its creation to its end', async () => {
  const made = await ask('POST', '/v2/sandboxes', { templateID: 'base', metadata: { a: 'b' }, timeout: 60 })
  assert.equal(made.status, 201)
  const { sandboxID, ...rest } = made.json
  assert.match(sandboxID, /^i[a-z0-9]{20}$/)
  assert.match(rest.envdAccessToken, /^[0-9a-f]{64}$/)
  assert.equal(rest.domain, `localhost:${port()}`)
  assert.equal(rest.alias, 'base')
  for (const key of ['templateID', 'clientID', 'envdVersion']) assert.equal(typeof rest[key], 'string', key)
  const detail = (await ask('GET', `/sandboxes/${sandboxID}`)).json
  assert.equal(detail.state, 'running')
  assert.deepEqual(detail.metadata, { a: 'b' })
  assert.equal(detail.envdAccessToken, rest.envdAccessToken)
  assert.ok(detail.cpuCount > 0 && detail.memoryMB > 0 && detail.diskSizeMB > 0)
  const lifetime = new Date(detail.endAt) - new Date(detail.startedAt)
  assert.ok(lifetime >= 60_000 && lifetime < 70_000, `${lifetime}`)
  assert.equal((await ask('GET', `/sandboxes/${sandboxID}-6532622b`)).status, 200)
  for (const path of [`/sandboxes/${sandboxID}/logs`, `/v2/sandboxes/${sandboxID}/logs`, `/events/sandboxes/${sandboxID}`]) {
    const [short, long] = await Promise.all([ask('GET', path), ask('GET', path.replace(sandboxID, `${sandboxID}-6532622b`))])
    assert.deepEqual([long.status, long.json], [200, short.json])
    assert.match(long.text, /[a-z]{7}/)
  }
  assert.equal((await ask('GET', `/sandboxes/${sandboxID}-6532622b/metrics`)).status, 200)
  for (const path of ['', '/logs', '/metrics']) assert.equal((await ask('GET', `/sandboxes/NONE${path}`)).status, 400)
  const killed = await ask('DELETE', `/sandboxes/${sandboxID}`)
  assert.deepEqual([killed.status, killed.text], [204, ''])
  for (const method of ['GET', 'DELETE']) {
    const gone = await ask(method, `/sandboxes/${sandboxID}`)
    assert.equal(gone.status, 404)
    assert.equal(gone.json.code, 404)
    assert.match(gone.json.message, new RegExp(`^Sandbox "${sandboxID}" doesn't exist or you don't have access to it: it ended at \\S+Z \\(request\\)$`))
  }
})

test('the defaults of both versions, and of the clients', async () => {
  const v1 = await ask('POST', '/sandboxes', { templateID: 'base', metadata: {}, envVars: {} })
  assert.equal(v1.status, 201)
  assert.equal(v1.json.envdAccessToken, undefined)
  const detail = (await ask('GET', `/sandboxes/${v1.json.sandboxID}`)).json
  assert.ok(new Date(detail.endAt) - new Date(detail.startedAt) < 20_000)
  const full = await ask('POST', '/sandboxes', {
    templateID: 'e2bdev/base', timeout: 300, secure: true, allow_internet_access: true, autoPause: false, autoPauseMemory: true,
    metadata: {}, envVars: {}, network: { allowPublicTraffic: true, allowOut: [], egressProxy: null }, mcp: null, volumeMounts: [],
    autoResume: { enabled: false }, iam: null, somethingNew: 1 })
  assert.equal(full.status, 201, full.text)
  assert.match(full.json.envdAccessToken, /^[0-9a-f]{64}$/)
})

test('what is not understood or not built is refused by name', async () => {
  const refused = [
    [{}, 400, /templateID/], [{ templateID: 7 }, 400, /templateID/], [{ templateID: 'base', timeout: '9' }, 400, /timeout/],
    [{ templateID: 'base', timeout: 0 }, 400, /^Timeout must be greater than 0$/],
    [{ templateID: 'base', timeout: 999999 }, 400, /^Timeout cannot be greater than \d+ hours$/],
    [{ templateID: 'nope' }, 404, /^template 'nope' not found$/], [{ templateID: 'base:x' }, 404, /^tag 'x' does not exist for template 'base'$/],
    [{ templateID: 'base', metadata: { a: 1 } }, 400, /metadata/], [{ templateID: 'base', envVars: { 'a=b': 'c' } }, 400, /envVars/],
    [{ templateID: 'base', autoPause: true, autoPauseMemory: false, autoResume: { enabled: true } }, 400, /autoPauseMemory/], [{ templateID: 'base', autoPauseMemory: false }, 400, /autoPauseMemory/],
    [{ templateID: 'base', volumeMounts: [{ name: 'v', path: '/v' }] }, 400, /Volume with name 'v' not found/],
    [{ templateID: 'base', iam: { tokens: { a: {} } } }, 400, /iam/],
    [{ templateID: 'base', network: { rules: { 'a.b': [] } } }, 400, /"rules"/],
  ]
  for (const [body, status, message] of refused) {
    const answer = await ask('POST', '/v2/sandboxes', body)
    assert.equal(answer.status, status, `${JSON.stringify(body)}: ${answer.text}`)
    assert.equal(answer.json.code, status)
    assert.match(answer.json.message, message)
  }
  for (const path of ['/sandboxes/UPPER', '/sandboxes/a-b-c', '/sandboxes/%00']) assert.equal((await ask('GET', path)).status, 400, path)
  const before = (await ask('GET', '/sandboxes')).json.length
  const plan = await ask('POST', '/v2/sandboxes?dryRun=true', { templateID: 'base' })
  assert.equal(plan.status, 200)
  assert.ok(plan.json.mounts.length > 0)
  assert.equal((await ask('GET', '/sandboxes')).json.length, before)
})

test('a key is asked for over TCP, and not on the socket', async () => {
  for (const headers of [{}, { 'x-api-key': 'e2b_00' }, { authorization: 'Basic x' }]) {
    const answer = await ask('GET', '/v2/sandboxes', undefined, { tcp: true, headers })
    assert.equal(answer.status, 401)
    assert.equal(answer.json.code, 401)
  }
  assert.equal((await ask('GET', '/v2/sandboxes', undefined, { tcp: true, headers: { 'X-Api-Key': apiKey() } })).status, 200)
  assert.equal((await ask('GET', '/health', undefined, { tcp: true })).status, 204)
  assert.equal((await ask('GET', '/health')).status, 204)
  for (const file of [socketPath, `${process.env.E2B_HOME}/api-key`, `${process.env.E2B_HOME}/state.db`])
    assert.equal(statSync(file).mode & 0o777, 0o600, file)
})

test('time is set, extended, never shortened by connecting', async () => {
  const { sandboxID } = await create({ timeout: 100 })
  const left = async () => (new Date((await ask('GET', `/sandboxes/${sandboxID}`)).json.endAt) - Date.now()) / 1000
  const near = async (seconds) => { const l = await left(); assert.ok(l > seconds - 10 && l <= seconds + 1, `${l} of ${seconds}`) }
  assert.equal((await ask('POST', `/sandboxes/${sandboxID}/timeout`, { timeout: 50 })).status, 204)
  await near(50)
  const connected = await ask('POST', `/v2/sandboxes/${sandboxID}/connect`, {})
  assert.equal(connected.status, 200)
  assert.equal(connected.json.sandboxID, sandboxID)
  await near(300)
  assert.equal((await ask('POST', `/v2/sandboxes/${sandboxID}/connect`)).status, 200)
  assert.equal((await ask('POST', `/sandboxes/${sandboxID}/connect`, { timeout: 20 })).status, 200)
  await near(300)
  assert.equal((await ask('POST', `/sandboxes/${sandboxID}/refreshes`, { duration: 600 })).status, 204)
  await near(600)
  assert.equal((await ask('POST', `/sandboxes/${sandboxID}/refreshes`)).status, 204)
  await near(600)
  for (const [path, body] of [['timeout', {}], ['timeout', { timeout: 'x' }], ['refreshes', { duration: 3601 }], ['connect', {}], ['connect', { timeout: 0 }]])
    assert.equal((await ask('POST', `/sandboxes/${sandboxID}/${path}`, body)).status, 400, path)
  for (const path of ['timeout', 'refreshes', 'connect'])
    assert.equal((await ask('POST', `/sandboxes/inothere/${path}`, { timeout: 5 })).status, 404, path)
  await ask('POST', `/sandboxes/${sandboxID}/timeout`, { timeout: -1 })
  while ((await ask('GET', `/sandboxes/${sandboxID}`)).status !== 404);
})

test('pages hold every sandbox once, in order, whatever their size', async () => {
  const made = []
  for (let i = 0; i < 23; i++) made.push((await create({ metadata: { page: 'yes', i: `${i}` } })).sandboxID)
  for (const order of ['desc', 'asc'])
    for (const limit of [1, 2, 7, 22, 23, 24, 100]) {
      const seen = []
      let token = ''
      do {
        const page = await ask('GET', `/v2/sandboxes?metadata=page%3Dyes&order=${order}&limit=${limit}&nextToken=${token}`)
        assert.equal(page.status, 200, page.text)
        assert.equal(page.headers['x-total-running'], '23')
        assert.ok(page.json.length <= limit && page.json.length > 0)
        seen.push(...page.json)
        token = page.headers['x-next-token'] ?? ''
      } while (token)
      assert.deepEqual(seen.map((s) => s.sandboxID).sort(), [...made].sort(), `${order} ${limit}`)
      const key = (s) => (order === 'asc' ? 1 : -1) * new Date(s.startedAt)
      for (let i = 1; i < seen.length; i++)
        assert.ok(key(seen[i - 1]) < key(seen[i]) || (key(seen[i - 1]) === key(seen[i]) && seen[i - 1].sandboxID < seen[i].sandboxID))
    }
  const token = (await ask('GET', '/v2/sandboxes?limit=1')).headers['x-next-token']
  for (const bad of [`${token}x`, 'x', `${token}&order=asc`, '%00', '']) {
    const page = await ask('GET', `/v2/sandboxes?limit=1&nextToken=${bad}`)
    assert.equal(page.status, bad ? 400 : 200, bad)
  }
  for (const bad of ['limit=0', 'limit=101', 'limit=x', 'order=up', 'state=sleeping', 'startedAfter=soon', 'metadata=%25zz'])
    assert.equal((await ask('GET', `/v2/sandboxes?${bad}`)).status, 400, bad)
})

// Whoever was there all the time is seen, and nobody twice, whoever comes and goes between two pages.
test('pages are complete while sandboxes come and go', async () => {
  const stay = new Set(), until = { over: false }
  for (let i = 0; i < 12; i++) stay.add((await create({ metadata: { tide: 'yes' } })).sandboxID)
  let tides = 0
  const tide = async () => {
    for (; !until.over; tides++) {
      const { sandboxID } = await create({ metadata: { tide: 'yes' } })
      await ask('DELETE', `/sandboxes/${sandboxID}`)
    }
  }
  const tiding = [tide(), tide(), tide()]
  for (let round = 0; round < 12; round++) {
    const seen = [], order = round % 2 ? 'asc' : 'desc'
    let token = ''
    do {
      const page = await ask('GET', `/v2/sandboxes?metadata=tide%3Dyes&order=${order}&limit=${1 + round % 4}&nextToken=${token}`)
      assert.equal(page.status, 200, page.text)
      seen.push(...page.json.map((s) => s.sandboxID))
      token = page.headers['x-next-token'] ?? ''
    } while (token && seen.length < 1000)
    assert.equal(new Set(seen).size, seen.length, `${order}: nobody twice`)
    assert.deepEqual([...stay].filter((id) => !seen.includes(id)), [], order)
    const last = [...stay][round % stay.size] // the next round does without one, and its cursors may point to it
    stay.delete(last)
    await ask('DELETE', `/sandboxes/${last}`)
    stay.add((await create({ metadata: { tide: 'yes' } })).sandboxID)
  }
  until.over = true
  await Promise.all(tiding)
  assert.ok(tides > 12, `${tides}: there was a tide`)
  for (const id of stay) await ask('DELETE', `/sandboxes/${id}`)
})

test('filters', async () => {
  const { sandboxID, templateID } = await create({ metadata: { 'user id': 'a&b=c', other: 'x' } })
  const ids = async (query) => (await ask('GET', `/v2/sandboxes?${query}`)).json.map((s) => s.sandboxID)
  const encode = (pairs) => encodeURIComponent(new URLSearchParams(
    Object.fromEntries(Object.entries(pairs).map(([k, v]) => [encodeURIComponent(k), encodeURIComponent(v)]))).toString())
  assert.deepEqual(await ids(`metadata=${encode({ 'user id': 'a&b=c' })}`), [sandboxID])
  assert.deepEqual(await ids(`metadata=${encode({ 'user id': 'a&b=c', other: 'x' })}`), [sandboxID])
  assert.deepEqual(await ids(`metadata=${encode({ 'user id': 'a&b=c', other: 'y' })}`), [])
  assert.ok((await ids(`template=base&state=running,paused`)).includes(sandboxID))
  assert.ok((await ids(`template=${templateID}`)).includes(sandboxID))
  assert.deepEqual(await ids('template=none'), [])
  assert.deepEqual(await ids('state=paused'), [])
  assert.equal((await ask('GET', '/v2/sandboxes?state=paused')).headers['x-total-running'], undefined)
  const { startedAt } = (await ask('GET', `/sandboxes/${sandboxID}`)).json
  assert.ok((await ids(`startedAfter=${startedAt}`)).includes(sandboxID))
  assert.deepEqual(await ids(`startedAfter=${new Date(Date.parse(startedAt) + 3600e3).toISOString()}`), [])
})

test('its time ends a sandbox', async () => {
  const { sandboxID } = await create({ timeout: 1 })
  const began = Date.now()
  while ((await ask('GET', `/sandboxes/${sandboxID}`)).status !== 404) await new Promise(setImmediate)
  assert.ok(Date.now() - began > 500)
})

test('a hundred at once', async () => {
  const made = await Promise.all(Array.from({ length: 100 }, () => create()))
  assert.equal(new Set(made.map((s) => s.sandboxID)).size, 100)
  const killed = await Promise.all(made.map((s) => ask('DELETE', `/sandboxes/${s.sandboxID}`)))
  assert.ok(killed.every((k) => k.status === 204))
})

const raw = (bytes, tcp) => new Promise((resolve) => {
  const socket = tcp ? net.connect(port(), '127.0.0.1') : net.connect(socketPath)
  let text = ''
  socket.on('data', (d) => { text += d })
  socket.on('close', () => resolve(text))
  socket.on('error', () => {})
  socket.end(bytes)
})

test('rude requests are answered, and the daemon lives', async () => {
  const post = (body, more = '') => `POST /v2/sandboxes HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`
  for (const body of ['', '{', '[]', '"x"', '{"templateID":"base",}', '{"a":1,"a":2}', '\xff\xfe', '{"templateID":"\\u0000"}'])
    assert.match(await raw(post(body)), /^HTTP\/1.1 400 /, body)
  assert.match(await raw(post('['.repeat(100_000))), /^HTTP\/1.1 400 /)
  assert.match(await raw(post(`{"templateID":"${'x'.repeat(20 << 20)}"}`)), /^HTTP\/1.1 413 /)
  assert.match(await raw(post('{}', 'X-Padding: y\r\n'.repeat(10_000))), /^HTTP\/1.1 431 /)
  assert.match(await raw('GET / HTTP/9.9\r\n\r\n'), /^HTTP\/1.1 (400|505) /)
  assert.match(await raw('GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /^HTTP\/1.1 404 /)
  assert.match(await raw('PUT /sandboxes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /^HTTP\/1.1 405 [\s\S]*\r\nAllow: /)
  assert.match(await raw(post('{"templateID":"base"}'), true), /^HTTP\/1.1 401 /)
  assert.equal((await ask('GET', '/health')).status, 204)
})
