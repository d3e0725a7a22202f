// SPDX-License-Identifier: Apache-2.0
// What builds keep for the next ones: shown with its size and its users, removed when nothing needs
// it, and never before. timeout: 180
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { archive, begin, build, end, name, place, run } from './builds.mjs'
import { apiKey, ask, create, startDaemon } from './daemon.mjs'

const home = process.env.E2B_HOME
let daemon
before(async () => { daemon = await startDaemon() })
after(() => daemon.end('SIGTERM'))

const cache = async () => (await ask('GET', '/local/cache')).json
const prune = async (all = false) => (await ask('POST', '/local/cache/prune', { all })).json
const layers = () => readdirSync(`${home}/layers`)
const megabytes = (n, path) => run(`head -c ${n}000000 /dev/urandom > ${path}`)
const remove = async (template) => assert.equal((await ask('DELETE', `/templates/${template}`)).status, 204)

test('what steps left, with its size and who is made of it', async () => {
  assert.deepEqual(await cache(), { layers: [], files: [] })
  const built = await build({ steps: [megabytes(5, '/home/user/five'), run('true')] }, 'shown', { tags: ['v1', 'default'] })
  assert.equal(built.status, 'ready', built.reason?.message)
  const sandbox = await create({ templateID: 'shown:v1' })
  const [nothing, five] = (await cache()).layers
  assert.deepEqual([nothing.step, nothing.sizeBytes, five.step], ['RUN true', 0, 'RUN head -c 5000000 /dev/urandom > /home/user/five'])
  assert.ok(five.sizeBytes >= 5e6 && five.sizeBytes < 5.2e6, `${five.sizeBytes} bytes`)
  assert.ok(built.lines.some((l) => l.includes(`[${five.key.slice(0, 12)}]`)))
  for (const layer of [nothing, five]) assert.deepEqual(layer.usedBy.sort(), [`sandbox ${sandbox.sandboxID}`, 'shown', 'shown:v1'])
  assert.ok(Math.abs(Date.parse(five.lastUsedAt) - Date.now()) < 60_000)
  // without the template the sandbox alone needs them
  await prune()
  await ask('DELETE', `/sandboxes/${sandbox.sandboxID}`)
  assert.deepEqual((await cache()).layers.map((l) => l.usedBy.sort()), [['shown', 'shown:v1'], ['shown', 'shown:v1']])
  const pretty = execFileSync(process.env.E2B, ['template', 'cache', 'list'], { encoding: 'utf8' })
  assert.match(pretty, /^STEP +KEY +SIZE +LAST USED +USED BY\n/)
  assert.match(pretty, /^RUN head -c 5000000 \S+ > \S+ +[0-9a-f]{12} +5\.0 MB .* shown:v1, shown$/m)
  assert.match(pretty, /^2 steps, 0 archives of files: 5\.0 MB$/m)
})

test('what is needed stays, what is not goes, and both are told', async () => {
  const steps = [megabytes(2, '/home/user/two')], template = name()
  await build({ steps }, template)
  await build({ steps: [megabytes(3, '/home/user/three')] }, template) // its name leads here now
  await build({ steps: [megabytes(4, '/home/user/four'), run('exit 1')] }) // and nothing to this
  const before = layers().length
  const pruned = await prune()
  assert.ok(pruned.freedBytes >= 6e6 && pruned.freedBytes < 6.3e6, JSON.stringify(pruned))
  assert.ok(layers().length < before)
  assert.deepEqual((await cache()).layers.filter((l) => !l.usedBy.length), [])
  assert.deepEqual(await prune(), { layers: 0, files: 0, freedBytes: 0 })
  const again = await build({ steps: [megabytes(3, '/home/user/three')] }, template)
  assert.equal(again.lines.filter((l) => l.startsWith('CACHED')).length, 1)
})

test('all of it is forgotten, and what templates are made of is still there', async () => {
  const template = name(), steps = [run('echo here > /home/user/file')]
  await build({ steps }, template)
  assert.match(execFileSync(process.env.E2B, ['template', 'cache', 'prune', '--all'], { encoding: 'utf8' }), /^Removed: \d+ steps, 0 archives of files\nFreed: \S+ \S*B\n$/)
  assert.deepEqual(await cache(), { layers: [], files: [] })
  const sandbox = await create({ templateID: template })
  assert.equal(execFileSync(process.env.E2B, ['sandbox', 'exec', sandbox.sandboxID, 'cat file'], { encoding: 'utf8' }), 'here\n')
  const again = await build({ steps }, template)
  assert.equal(again.lines.filter((l) => l.startsWith('CACHED')).length, 0)
  await ask('DELETE', `/sandboxes/${sandbox.sandboxID}`)
  for (const t of (await ask('GET', '/templates')).json)
    if (!t.names.includes('base')) await remove(t.templateID)
  await prune()
  assert.deepEqual(layers(), [])
})

test('a build under way, or about to start, keeps its layers and its files', async () => {
  const template = name(), file = archive(['f'], { f: 'f' })
  await build({}, template)
  await place(template, file)
  assert.deepEqual((await cache()).files.map((f) => f.hash), [file.hash])
  const waiting = await ask('POST', '/v3/templates', { name: template })
  assert.equal((await place(template, { hash: file.hash })).present, true)
  assert.equal((await prune()).files, 0)
  assert.equal((await ask('POST', `/v2/templates/${template}/builds/${waiting.json.buildID}`, { fromImage: 'e2bdev/base' })).status, 202)
  const steps = [run('echo first > /home/user/first'), run('sleep 3; cat first'), { type: 'COPY', args: ['f', '/home/user/f'], filesHash: file.hash }]
  const started = await begin({ steps }, template)
  for (let lines = []; !lines.some((l) => l.includes('RUN sleep'));)
    lines = (await ask('GET', `${started.path}/status`)).json.logs
  assert.ok((await cache()).layers.some((l) => l.usedBy.includes(`build ${started.buildID}`)))
  assert.equal((await prune(true)).files, 0)
  await ask('POST', '/local/gc')
  const built = await end(started)
  assert.equal(built.status, 'ready', built.reason?.message)
  assert.ok(built.lines.some((l) => l.endsWith('[stdout]: first')))
  assert.equal((await prune()).files, 1)
})

test('only this machine\'s owner is told', async () => {
  for (const [method, path] of [['GET', '/local/cache'], ['POST', '/local/cache/prune']])
    assert.equal((await ask(method, path, method === 'POST' ? {} : undefined, { tcp: true, headers: { 'x-api-key': apiKey() } })).status, 403)
  assert.equal((await ask('POST', '/local/cache/prune', { all: 'yes' })).status, 400)
})
