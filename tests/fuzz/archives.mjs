// SPDX-License-Identifier: Apache-2.0
//
// Writes the seeds of the fuzz targets `layer` and `image`, which are archives, to the corpus beside
// it: node tests/fuzz/archives.mjs
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { tar, BLOCK_DEVICE, CHAR_DEVICE, FOLDER, HARD_LINK, LINK, PIPE } from '../sandbox/tar.mjs'

const packed = (bytes, tool) => execFileSync(tool, ['-c'], { input: bytes })
const file = (name, more) => ({ name, data: name, ...more })
const link = (name, to) => ({ name, type: LINK, to })
const hard = (name, to) => ({ name, type: HARD_LINK, to })

// The root has file, folder/below, and the links up, out and folder/up, which lead beside it.
const layers = {
  usual: tar({ name: './', type: FOLDER, mode: 0o755 }, { name: 'etc/', type: FOLDER, mode: 0o755 }, file('etc/x', { uid: 1000, gid: 50, mtime: 1e9 }),
    hard('etc/same', 'etc/x'), link('etc/l', 'x'), file('bin/su', { mode: 0o4755 }), file('file'), file('folder')),
  'file-systems-others': tar({ name: 'null', type: CHAR_DEVICE, major: 1, minor: 3 }, { name: 'disk', type: BLOCK_DEVICE, major: 8 }, { name: 'pipe', type: PIPE }, file('file')),
  climbs: tar(file('../beside/file')),
  'climbs-later': tar(file('folder/../../beside/new')),
  absolute: tar(file('/beside/file'), file('//file')),
  'through-link': tar(file('up/file'), file('up/new')),
  'through-absolute-link': tar(file('out/file'), file('out/new')),
  'through-new-link': tar(link('mine', 'up/../../beside'), file('mine/folder/below')),
  'through-link-to-file': tar(file('folder/up')),
  'through-proc': tar(link('proc', '/proc/self/cwd'), file('proc/x'), link('fd', '/proc/self/fd/3'), file('fd')),
  'folder-over-link': tar({ name: 'up', type: FOLDER, mode: 0o700 }, file('up/file')),
  'hard-link-climbs': tar(hard('mine', '../beside/file')),
  'hard-link-through-link': tar(hard('mine', 'up/file'), file('mine')),
  'hard-link-to-link': tar(hard('mine', 'folder/up'), file('mine')),
  'hard-link-to-itself': tar(hard('file', 'file')),
  'hard-link-with-data': tar({ ...hard('mine', 'file'), data: 'text' }),
  whiteouts: tar({ name: '.wh.file' }, { name: 'folder/.wh..wh..opq' }, { name: '.wh.missing' }),
  'whiteouts-through-link': tar({ name: 'up/.wh.file' }, { name: 'up/.wh..wh..opq' }, { name: 'out/folder/.wh..wh..opq' }),
  'whiteouts-of-links': tar({ name: '.wh.up' }, { name: 'folder/.wh.up' }, file('up')),
  'whiteouts-that-climb': tar({ name: 'folder/.wh...' }),
  'whiteouts-of-nothing': tar({ name: '.wh.' }),
  sparse: tar({ name: 'holes', hole: 1 << 16 }, { name: 'more', hole: 2 ** 40 }),
  'size-lies': tar({ name: 'a', size: 2 ** 33, data: 'short' }),
  'ids-and-modes': tar(file('a', { uid: 2 ** 31 - 1, gid: 4e9, mode: 0o7777777 }), { name: 'd', type: FOLDER, mode: 0 }, file('d/x')),
  deep: tar(file('x/'.repeat(49) + 'y'), link('x/x/l', 'x/'.repeat(40)), file('x/x/l/' + 'z/'.repeat(40))),
  attributes: tar(file('a', { pax: { 'SCHILY.xattr.user.k': 'v', 'SCHILY.xattr.user.overlay.opaque': 'y', 'SCHILY.xattr.trusted.overlay.opaque': 'y',
    'SCHILY.xattr.security.capability': Buffer.from('0100000200200000000000000000000000000000', 'hex'), 'LIBARCHIVE.xattr.user.b': 'eA' } }),
  { name: 'd', type: FOLDER, mode: 0o755, pax: { 'SCHILY.xattr.user.overlay.whiteout': 'y' } }),
  'names-of-pax': tar(file('a', { pax: { path: 'é/日本/' + 'n'.repeat(200) } }), { ...link('l', 'x'), pax: { linkpath: '../'.repeat(100) + 'beside' } }, file('l/file')),
  'names-too-long': tar(file('a', { pax: { path: 'n/'.repeat(3000) } })),
  'times': tar(file('a', { pax: { mtime: '-99999999999.5' } }), file('b', { pax: { mtime: '1e30' } })),
  'cut-off': tar(file('a'), file('b', { data: 'x'.repeat(2000) })).subarray(0, 1700),
  nothing: tar(),
  'no-archive': Buffer.from('this is none'),
}
for (const tool of ['gzip', 'xz', 'zstd', 'bzip2']) layers[tool] = packed(layers.usual, tool)

// ---- images ----

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex')
const text = (value) => JSON.stringify(value)
const config = { architecture: 'amd64', os: 'linux', config: { Env: ['A=b', 'C', '=', 'D='], User: 'u:g', WorkingDir: '/w', Entrypoint: ['/e', 'x'], Cmd: ['c'] } }

const saved = (manifest, ...more) => tar({ name: 'manifest.json', data: text(manifest) }, { name: 'c', data: text(config) }, file('1/layer.tar'), ...more)

function oci(change = (parts) => parts, { platform, nest = (index) => index } = {}) {
  const blobs = []
  const blob = (bytes) => {
    blobs.push({ name: `blobs/sha256/${sha(bytes)}`, data: bytes })
    return { mediaType: 'application/x', digest: `sha256:${sha(bytes)}`, size: Buffer.byteLength(bytes) }
  }
  const layer = blob(layers.usual)
  const manifest = blob(text(change({ schemaVersion: 2, config: blob(text(config)), layers: [layer, layer] })))
  const index = nest({ schemaVersion: 2, manifests: [{ ...manifest, platform }] }, blob)
  return tar({ name: 'oci-layout', data: '{"imageLayoutVersion":"1.0.0"}' }, { name: 'index.json', data: text(index) }, ...blobs)
}

const images = {
  saved: saved([{ Config: 'c', RepoTags: ['x:1'], Layers: ['1/layer.tar', '1/layer.tar'] }]),
  'saved-gzip': packed(saved([{ Config: 'c', Layers: ['1/layer.tar'] }]), 'gzip'),
  'saved-with-links': saved([{ Config: 'c', Layers: ['1/layer.tar', '2/layer.tar', 'loop'] }], link('2/layer.tar', '../1/layer.tar'), link('loop', 'loop')),
  'saved-outside': saved([{ Config: 'c', Layers: ['up/file', '../beside/file', 'folder/up', 'out/file'] }]),
  'saved-configuration-outside': saved([{ Config: 'up/file', Layers: ['1/layer.tar'] }]),
  'saved-folder': saved([{ Config: 'c', Layers: ['1'] }]),
  'saved-types': saved([{ Config: 1, Layers: { a: 'b' } }]),
  'saved-nothing': saved([]),
  'saved-many': saved([{ Config: 'c', Layers: Array(201).fill('1/layer.tar') }]),
  'saved-broken': tar({ name: 'manifest.json', data: '[{"Config":"c","Layers":[' }),
  oci: oci(),
  'oci-nested': oci(undefined, { nest: (index, blob) => ({ schemaVersion: 2, manifests: [blob(text(index))] }) }),
  'oci-deep': oci(undefined, { nest: (index, blob) => [1, 2, 3, 4].reduce((inner) => ({ manifests: [blob(text(inner))] }), index) }),
  'oci-platform': oci(undefined, { platform: { architecture: 'amd64', os: 'linux' } }),
  'oci-other-platform': oci(undefined, { platform: { architecture: 's390x', os: 'linux' } }),
  'oci-digest-climbs': oci((m) => ({ ...m, layers: [{ digest: '../../up:file' }, { digest: 'sha256:../../../up/file' }, { digest: 'sha256:' }] })),
  'oci-types': oci((m) => ({ ...m, config: [], layers: [1, null, {}] })),
  'oci-no-layers': oci((m) => ({ ...m, layers: [] })),
  'root-file-system': layers.usual,
  empty: Buffer.alloc(0),
}

for (const [target, seeds] of Object.entries({ layer: layers, image: images })) {
  const folder = fileURLToPath(new URL(`corpus/${target}/`, import.meta.url))
  mkdirSync(folder, { recursive: true })
  for (const [name, bytes] of Object.entries(seeds)) writeFileSync(folder + name, bytes)
}
