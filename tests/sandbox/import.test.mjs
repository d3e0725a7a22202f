// SPDX-License-Identifier: Apache-2.0
// Images from this machine's disk: the three kinds of them, and layers with whiteouts. timeout: 180
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { ask, startDaemon } from './daemon.mjs'
import { dir, load, look, minimal, tar } from './images.mjs'

const home = process.env.E2B_HOME
let daemon, root
before(async () => {
  daemon = await startDaemon()
  root = minimal()
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

function layout() {
  const to = dir()
  mkdirSync(`${to}/blobs/sha256`, { recursive: true })
  const blob = (bytes, mediaType) => {
    writeFileSync(`${to}/blobs/sha256/${sha(bytes)}`, bytes)
    return { mediaType, digest: `sha256:${sha(bytes)}`, size: bytes.length }
  }
  const json = (value, type) => blob(Buffer.from(JSON.stringify(value)), type)
  const layers = [tar(root, '-cz'), second()].map((bytes) => blob(bytes, 'application/vnd.oci.image.layer.v1.tar'))
  const manifest = json({ schemaVersion: 2, config: json(config, 'c'), layers }, 'application/vnd.oci.image.manifest.v1+json')
  const other = { ...json({ schemaVersion: 2, layers: [] }, 'm'), platform: { architecture: 's390x', os: 'linux' } }
  const index = json({ schemaVersion: 2, manifests: [other, { ...manifest, platform: { architecture: config.architecture, os: 'linux' } }] }, 'i')
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
