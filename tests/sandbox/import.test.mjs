// SPDX-License-Identifier: Apache-2.0
// Images from this machine's disk: the three kinds of them, layers with
// whiteouts, what is damaged, and whom an image runs as. timeout: 180
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { Stream, ask, create, startDaemon } from './daemon.mjs'
import { dir, load, look, minimal, tar } from './images.mjs'

const home = process.env.E2B_HOME
let daemon, root, plain, packed
before(async () => {
  daemon = await startDaemon()
  root = minimal()
  plain = [tar(root), second()]
  packed = gzipSync(plain[0], { level: 1 })
})
after(() => daemon.end('SIGTERM'))

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex')

// A second layer that hides a file and a whole directory's content, and writes through a link.
function second() {
  const to = dir()
  mkdirSync(`${to}/gone`)
  mkdirSync(`${to}/opaque`)
  writeFileSync(`${to}/gone/.wh.deep`, '')
  writeFileSync(`${to}/opaque/.wh..wh..opq`, '')
  writeFileSync(`${to}/added`, 'two')
  return tar(to)
}

const config = { architecture: { x64: 'amd64', arm64: 'arm64' }[process.arch], os: 'linux', config: { Env: ['PATH=/usr/bin:/bin', 'LANG=C'], WorkingDir: '/var' } }

const expected = { '/etc/linked': 200, '/added': 200, '/gone/deep/file': 404, '/opaque/old': 404, '/pipe': 404 }

for (const [how, flags] of [['plain', '-c'], ['gzip', '-cz'], ['xz', '-cJ'], ['zstd', '-cIzstd']])
  test(`a root file system, ${how}`, async () => {
    const path = `${dir()}/root.tar`
    writeFileSync(path, tar(root, flags))
    const loaded = await load(`root-${how}:v1`, path)
    assert.equal(loaded.status, 'ready', loaded.reason?.message)
    assert.deepEqual(await look(`root-${how}:v1`, ['/etc/linked', '/gone/deep/file', '/pipe']), { '/etc/linked': 200, '/gone/deep/file': 200, '/pipe': 404 })
  })

// `change` gets each part before it is written, by what it is, and may return other bytes.
function layout(change = (what, bytes) => bytes, diffs = (ids) => ids) {
  const to = dir()
  mkdirSync(`${to}/blobs/sha256`, { recursive: true })
  const blob = (bytes, what) => {
    writeFileSync(`${to}/blobs/sha256/${sha(bytes)}`, change(what, bytes))
    return { mediaType: `application/vnd.oci.image.${what}.v1+json`, digest: `sha256:${sha(bytes)}`, size: bytes.length }
  }
  const json = (value, type) => blob(Buffer.from(JSON.stringify(value)), type)
  const layers = [blob(packed, 'packed'), blob(plain[1], 'layer')]
  const whole = { ...config, rootfs: { type: 'layers', diff_ids: diffs(plain.map((bytes) => `sha256:${sha(bytes)}`)) } }
  const manifest = json({ schemaVersion: 2, config: json(whole, 'config'), layers }, 'manifest')
  const other = { ...json({ schemaVersion: 2, layers: [] }, 'other'), platform: { architecture: 's390x', os: 'linux' } }
  const index = json({ schemaVersion: 2, manifests: [other, { ...manifest, platform: { architecture: config.architecture, os: 'linux' } }] }, 'index')
  writeFileSync(`${to}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(`${to}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [index] }))
  return to
}

test('an OCI layout, as a directory and as an archive', async () => {
  const path = layout()
  const loaded = await load('oci:dir', path)
  assert.equal(loaded.status, 'ready', loaded.reason?.message)
  assert.deepEqual(await look('oci:dir', Object.keys(expected)), expected)
  writeFileSync(`${path}.tar`, tar(path))
  assert.equal((await load('oci:tar', `${path}.tar`)).status, 'ready')
  assert.deepEqual(await look('oci:tar', Object.keys(expected)), expected)
})

// One byte of it, which leaves JSON and tar what they are.
const damaged = (bytes, at) => {
  const copy = Buffer.from(bytes)
  copy[at < 0 ? bytes.length + at : at] ^= 1
  return copy
}
const damages = {
  index: [(what, bytes) => (what === 'index' ? damaged(bytes, bytes.indexOf('os')) : bytes), undefined, /^blobs\/sha256\/\w+ is damaged: it should be sha256:[0-9a-f]{64}, and is [0-9a-f]{64}$/],
  manifest: [(what, bytes) => (what === 'manifest' ? damaged(bytes, bytes.indexOf('2')) : bytes), undefined, /is damaged: it should be/],
  configuration: [(what, bytes) => (what === 'config' ? damaged(bytes, bytes.indexOf('LANG')) : bytes), undefined, /is damaged: it should be/],
  'plain layer': [(what, bytes) => (what === 'layer' ? damaged(bytes, bytes.indexOf('two')) : bytes), undefined, /^layer 2 of 2: the layer is damaged: it should be/],
  'packed layer': [(what, bytes) => (what === 'packed' ? damaged(bytes, 1000) : bytes), undefined, /^layer 1 of 2: the layer is damaged: it should be/],
  'layer with more behind it': [(what, bytes) => (what === 'packed' ? Buffer.concat([bytes, Buffer.alloc(9)]) : bytes), undefined, /the layer is damaged: it should be/],
  'content of a layer': [undefined, ([one]) => [one, one], /^layer 2 of 2: what is in the layer is damaged: it should be/],
  'number of layers': [undefined, ([one]) => [one], /tells of 1 layers, and it has 2/],
  'kind of digest': [undefined, ([one]) => [one, 'md5:00'], /'md5:00' is no digest that can be checked/],
}
for (const [what, [change, diffs, message]] of Object.entries(damages))
  test(`a damaged image is refused, and leaves nothing: its ${what}`, async () => {
    const before = readdirSync(`${home}/layers`).length
    const loaded = await load('damaged', layout(change, diffs))
    assert.equal(loaded.status, 'error')
    assert.match(loaded.reason.message, message)
    assert.equal(readdirSync(`${home}/layers`).length, before)
    assert.ok(!(await ask('GET', '/templates')).json.some((t) => t.aliases.includes('damaged')))
  })

test("an image's user, directory, environment and command", async () => {
  const of = (more) => {
    const to = dir()
    const text = JSON.stringify({ ...config, config: { ...config.config, ...more } })
    writeFileSync(`${to}/${sha(text)}.json`, text)
    writeFileSync(`${to}/1.tar`, tar(root))
    writeFileSync(`${to}/manifest.json`, JSON.stringify([{ Config: `${sha(text)}.json`, Layers: ['1.tar'] }]))
    return to
  }
  const command = { Entrypoint: ['/bin/sh', '-c'], Cmd: ['id -un > "/tmp/it\'s started"; while true; do head -c 1 /dev/zero > /dev/null; done'] }
  const said = async (template, more) => {
    const sandbox = await create({ templateID: template, ...more })
    const shell = new Stream(sandbox, 'Start', { process: { cmd: '/bin/sh', args: ['-c', 'id -un; echo "$PWD $LANG"; cat "/tmp/it\'s started" 2>/dev/null'] } })
    await shell.over
    await ask('DELETE', `/sandboxes/${sandbox.sandboxID}`)
    return shell.out
  }
  const single = process.env.E2B_LANE === 'single', worker = single ? 'root' : 'worker'
  assert.equal((await load('nobody', of(command))).status, 'ready')
  assert.equal(await said('nobody'), `${single ? 'root' : 'user'}\n/var C\n`)
  const loaded = await load('worker', of({ ...command, User: 'worker:worker' }), { start: true, readyCmd: '[ -s "/tmp/it\'s started" ]' })
  assert.equal(loaded.status, 'ready', loaded.reason?.message)
  assert.equal(await said('worker'), `${worker}\n/var C\n${worker}\n`)
  const before = readdirSync(`${home}/layers`).length
  for (const [fields, message] of [[{}, /neither an ENTRYPOINT nor a CMD/], [{ ...command, User: 'a b' }, /'a b' is no user/]]) {
    const refused = await load('refused', of(fields), { start: true })
    assert.equal(refused.status, 'error')
    assert.match(refused.reason.message, message)
  }
  assert.equal(readdirSync(`${home}/layers`).length, before)
})

test('what docker save writes, and FROM it', async () => {
  const to = dir()
  writeFileSync(`${to}/c.json`, JSON.stringify(config))
  writeFileSync(`${to}/1.tar`, tar(root))
  writeFileSync(`${to}/2.tar`, second())
  writeFileSync(`${to}/manifest.json`, JSON.stringify([{ Config: 'c.json', Layers: ['1.tar', '2.tar'] }]))
  writeFileSync(`${to}.tar`, tar(to))
  const loaded = await load('saved:1.0', `${to}.tar`)
  assert.equal(loaded.status, 'ready', loaded.reason?.message)
  assert.deepEqual(await look('saved:1.0', Object.keys(expected)), expected)
  const made = (await ask('POST', '/v3/templates', { name: 'from-saved' })).json
  const path = `/templates/${made.templateID}/builds/${made.buildID}`
  await ask('POST', `/v2${path}`, { fromImage: 'docker.io/library/saved:1.0', steps: [{ type: 'RUN', args: ['echo "$LANG $PWD $PATH"'] }] })
  let status
  do status = (await ask('GET', `${path}/status`)).json
  while (status.status === 'building')
  assert.equal(status.status, 'ready', status.reason?.message)
  assert.ok(status.logs.some((l) => /stdout\]: C \/var \/usr\/bin:\/bin/.test(l)), status.logs.join('\n'))
})

test('what is removed meanwhile is not what is being made', async () => {
  for (let i = 0; i < 100; i++) {
    mkdirSync(`${root}/many/${i}`, { recursive: true })
    for (let k = 0; k < 50; k++) writeFileSync(`${root}/many/${i}/${k}`, '')
  }
  const path = `${home}/many.tar`, before = readdirSync(`${home}/layers`).length
  writeFileSync(path, tar(root))
  let done = false
  const loading = load('many', path).finally(() => { done = true })
  let sweeps = 0
  while (!done) {
    const isThere = readdirSync(`${home}/layers`).length > before
    await ask('POST', '/local/gc')
    await ask('POST', '/local/cache/prune', { all: true })
    sweeps += isThere && !done
  }
  const loaded = await loading
  assert.equal(loaded.status, 'ready', loaded.reason?.message)
  assert.ok(sweeps > 0)
})
