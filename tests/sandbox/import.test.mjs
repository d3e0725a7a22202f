// SPDX-License-Identifier: Apache-2.0
// Images from this machine's disk: the three kinds of them, layers with whiteouts, and archives
// that are made to do harm. timeout: 180
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
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

for (const [how, flags] of [['plain', '-c'], ['gzip', '-cz'], ['xz', '-cJ'], ['zstd', '-c']])
  test(`a root file system, ${how}`, async (t) => {
    let bytes = tar(root, flags)
    if (how === 'zstd') {
      try { bytes = execFileSync('zstd', ['-q', '-c'], { input: bytes, maxBuffer: 1 << 28 }) } catch { return t.skip('not here: zstd') }
    }
    const path = `${dir()}/root.tar`
    writeFileSync(path, bytes)
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

/* ---- harm ---- */

// Archives that no tar would write, by Python's.
function evil(script) {
  const path = `${dir()}/evil.tar`
  execFileSync('python3', ['-c', `
import tarfile, io, sys
t = tarfile.open(sys.argv[1], 'w')
def add(name, data=b'evil', **fields):
    i = tarfile.TarInfo(name)
    for k, v in fields.items(): setattr(i, k, v)
    i.size = len(data) if i.type == tarfile.REGTYPE else 0
    t.addfile(i, io.BytesIO(data))
home = sys.argv[2]
${script}
t.close()`, path, home])
  return path
}

const harm = {
  'a path that climbs': ["add('../../../escaped')", /holds the path/],
  'an absolute path': ["add(home + '/escaped')", null],
  'a link out, written through': ["add('out', type=tarfile.SYMTYPE, linkname=home)\nadd('out/escaped')", null],
  'a link that climbs, written through': ["add('out', type=tarfile.SYMTYPE, linkname='../../../../../../../../..' + home)\nadd('out/escaped')", null],
  'a hard link to the outside': ["add('passwd', type=tarfile.LNKTYPE, linkname='../../../../../../etc/passwd')", /climbs|cannot unpack/],
  'a hard link through a link out': ["add('out', type=tarfile.SYMTYPE, linkname='/')\nadd('mine', type=tarfile.LNKTYPE, linkname='out' + home + '/api-key')", /cannot unpack/],
  'a whiteout of the outside': ["add('out', type=tarfile.SYMTYPE, linkname=home)\nadd('out/.wh.api-key')", null],
  'a whiteout of the directory above': ["add('a/.wh...')", /hides nothing/],
  'nothing at all': ['', /nothing in the image|cannot be read/],
}

for (const [what, [script, message]] of Object.entries(harm))
  test(`an archive with ${what}`, async () => {
    const key = readFileSync(`${home}/api-key`), before = readdirSync(`${home}/layers`).length
    const loaded = await load('evil', evil(script))
    assert.equal(loaded.status, 'error') // there is no shell in it either
    if (message) assert.match(loaded.reason.message, message)
    assert.ok(!existsSync(`${home}/escaped`) && !existsSync('/escaped'))
    assert.deepEqual(readFileSync(`${home}/api-key`), key)
    assert.equal(readdirSync(`${home}/layers`).length, before)
  })

test('what is no image, and a bomb', async () => {
  const path = `${dir()}/x`
  writeFileSync(path, 'this is no archive at all, however it is looked at'.repeat(100))
  assert.equal((await load('noise', path)).status, 'error')
  execFileSync('sh', ['-c', 'mkdir "$1.d" && truncate -s 600M "$1.d/zeroes" && tar -C "$1.d" -cf - . | gzip -1 > "$1"', 'sh', path])
  const bomb = await load('bomb', path)
  assert.equal(bomb.status, 'error')
  assert.match(bomb.reason.message, /meant to fill a disk/)
  for (const body of [{}, { name: 'x' }, { name: 'x', path: 'relative' }, { name: 'x', path: '/no/such' }, { name: 'x', path: '/dev/null' }, { name: 'A B', path }])
    assert.ok((await ask('POST', '/local/images', body)).status >= 400, JSON.stringify(body))
  const tcp = await ask('POST', '/local/images', { name: 'x', path }, { tcp: true })
  assert.equal(tcp.status, 403)
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
