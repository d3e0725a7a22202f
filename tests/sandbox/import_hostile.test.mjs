// SPDX-License-Identifier: Apache-2.0
// Images that are made to do harm: to what lies outside, to the disk, to the host by what is in
// them. timeout: 180
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ask, startDaemon } from './daemon.mjs'
import { dir, load, minimal } from './images.mjs'
import { entry, tar, CHAR_DEVICE, FOLDER, HARD_LINK, LINK } from './tar.mjs'

const home = process.env.E2B_HOME
let daemon
before(async () => { daemon = await startDaemon() })
after(() => daemon.end('SIGTERM'))

/* ---- to what lies outside ---- */

// A folder that everybody may write to, so that only the unpacker stands between it and the archive.
function outside() {
  const out = mkdtempSync(join(tmpdir(), 'outside-'))
  writeFileSync(`${out}/secret`, 'secret')
  chmodSync(`${out}/secret`, 0o666)
  chmodSync(out, 0o777)
  return out
}

const isIntact = (out) => readdirSync(out).join() === 'secret' && readFileSync(`${out}/secret`, 'utf8') === 'secret' &&
  statSync(`${out}/secret`).nlink === 1 && statSync(`${out}/secret`).mode === 0o100666 && statSync(out).mode === 0o40777

const file = (name) => ({ name, data: 'evil', mode: 0o666 })
const link = (name, to) => ({ name, type: LINK, to })
const up = '../'.repeat(12)

const harm = {
  'a path that climbs': [(out) => [file(`${up}${out.slice(1)}/escaped`)], /holds the path/],
  'an absolute path': [(out) => [file(`${out}/secret`)]],
  'a link out, written through': [(out) => [link('out', out), file('out/escaped')], /cannot unpack/],
  'a link that climbs, written through': [(out) => [link('out', up + out.slice(1)), file('out/escaped')], /cannot unpack/],
  'links to links out': [(out) => [link('a', out), link('b', 'a'), file('b/secret')], /cannot unpack/],
  'a folder over a link out': [(out) => [link('out', out), { name: 'out/.', type: FOLDER, mode: 0o700 }]],
  'a hard link to the outside': [(out) => [{ name: 'mine', type: HARD_LINK, to: `${out}/secret` }], /cannot unpack/],
  'a hard link that climbs': [(out) => [{ name: 'mine', type: HARD_LINK, to: `${up}${out.slice(1)}/secret` }], /climbs/],
  'a hard link through a link out': [(out) => [link('out', out), { name: 'mine', type: HARD_LINK, to: 'out/secret' }], /cannot unpack/],
  'a whiteout of the outside': [(out) => [link('out', out), file('out/.wh.secret')], /cannot unpack/],
  'a whiteout of all that is outside': [(out) => [link('out', out), file('out/.wh..wh..opq')], /cannot unpack/],
}

// What a program does that believes every word: tar, and rm for the whiteouts.
function believe(entries) {
  const root = dir()
  const visible = entries.filter(({ name }) => !name.includes('.wh.'))
  execFileSync('tar', ['-xPf', '-', '-C', root], { input: tar(...visible), stdio: ['pipe', 'ignore', 'ignore'] })
  for (const { name } of entries.filter((e) => !visible.includes(e))) {
    const folder = join(root, dirname(name)), hidden = name.split('.wh.').at(-1)
    for (const gone of hidden ? (hidden === '.opq' ? readdirSync(folder) : [hidden]) : []) rmSync(join(folder, gone))
  }
}

async function refused(path, message) {
  const before = readdirSync(`${home}/layers`).length
  const loaded = await load('evil', path)
  assert.equal(loaded.status, 'error') // there is no shell in it either
  if (message) assert.match(loaded.reason.message, message)
  assert.equal(readdirSync(`${home}/layers`).length, before)
}

function written(bytes) {
  const path = `${dir()}/evil`
  writeFileSync(path, bytes)
  return path
}

for (const [what, [entries, message]] of Object.entries(harm))
  test(`an archive with ${what}`, async () => {
    const harmed = outside(), out = outside()
    believe(entries(harmed))
    assert.ok(!isIntact(harmed), 'it does no harm at all')
    await refused(written(tar(...entries(out))), message)
    assert.ok(isIntact(out))
  })

test('what hides nothing, and what is no image', async () => {
  await refused(written(tar(file('a/.wh...'))), /hides nothing/)
  await refused(written(tar()), /nothing in the image|cannot be read/)
  const path = written('this is no archive at all, however it is looked at'.repeat(100))
  await refused(path)
  for (const body of [{}, { name: 'x' }, { name: 'x', path: 'relative' }, { name: 'x', path: '/no/such' }, { name: 'x', path: '/dev/null' }, { name: 'A B', path }])
    assert.ok((await ask('POST', '/local/images', body)).status >= 400, JSON.stringify(body))
  const tcp = await ask('POST', '/local/images', { name: 'x', path }, { tcp: true })
  assert.equal(tcp.status, 403)
})

/* ---- to the disk ---- */

const MB = 1 << 20
const manifest = { name: 'manifest.json', data: '[{"Config":"c","Layers":["a","b"]}]' }
const bombs = {
  'one large file': [{ name: 'a', size: 300 * MB }],
  'parts that are small alone': [manifest, { name: 'a', size: 150 * MB }, { name: 'b', size: 150 * MB }],
}

// Zeros are made where they are compressed: no file of them is ever there.
function compressed(entries) {
  const path = `${dir()}/bomb`
  const pieces = entries.map((fields) => fields.data ? [entry(fields), 0] : [entry(fields), fields.size])
  const script = pieces.map(([, zeros], i) => `head -c ${i + 1 && pieces[i][0].length} <&3; head -c ${zeros} /dev/zero`).join('; ')
  writeFileSync(`${path}.heads`, Buffer.concat(pieces.map(([head]) => head)))
  execFileSync('sh', ['-c', `{ ${script}; head -c 1024 /dev/zero; } 3<"$1.heads" | gzip -1 >"$1"`, 'sh', path])
  return path
}

for (const [what, entries] of Object.entries(bombs))
  test(`a bomb of ${what}`, async () => {
    const path = compressed(entries)
    const unpacked = Number(execFileSync('sh', ['-c', 'gzip -dc "$1" | tar -xOf - | wc -c', 'sh', path], { encoding: 'utf8' }))
    assert.ok(unpacked >= 300 * MB && unpacked > 200 * statSync(path).size, `${unpacked} of ${statSync(path).size}`)
    await refused(path, /meant to fill a disk/)
  })

/* ---- to the host ---- */

const inLayers = (path) =>
  execFileSync('find', [`${home}/layers`, '-path', '*/work/work', '-prune', '-o', '-path', `*${path}`, '-print'], { encoding: 'utf8' }).split('\n').filter(Boolean)

// A root file system that works, with more in it.
function extended(...more) {
  const path = `${dir()}/root.tar`
  execFileSync('sh', ['-c', 'tar --owner=0 --group=0 -C "$1" -cf "$2" .', 'sh', minimal(), path])
  const whole = readFileSync(path)
  writeFileSync(path, Buffer.concat([...more.map(entry), whole]))
  return path
}

test('a setuid program is one inside, and on the host out of reach and of no power', async () => {
  const program = { name: 'opt/su', mode: 0o4755, data: '#!/bin/sh\n' }
  const control = dir()
  execFileSync('tar', ['-xpf', '-', '-C', control], { input: tar(program) })
  const own = lstatSync(`${control}/opt/su`)
  assert.ok(own.uid === process.getuid() && own.mode & 0o4000, 'of whoever unpacks it')
  const loaded = await load('setuid', extended(program))
  assert.equal(loaded.status, 'ready', loaded.reason?.message)
  const inside = execFileSync(process.env.E2B, ['sandbox', 'run', 'setuid', '--', 'stat', '-c', '%a %u:%g', '/opt/su'], { encoding: 'utf8' })
  assert.equal(inside.trim(), '4755 0:0')
  const [unpacked] = inLayers('/opt/su')
  assert.notEqual(lstatSync(unpacked).uid, 0)
  assert.equal(statSync(`${home}/layers`).mode & 0o077, 0)
})

test('devices are left out', async (t) => {
  const device = { name: 'opt/zero', type: CHAR_DEVICE, major: 1, minor: 5, mode: 0o666 }
  if (process.getuid() === 0) {
    const control = dir()
    execFileSync('tar', ['-xpf', '-', '-C', control], { input: tar(device) })
    assert.ok(lstatSync(`${control}/opt/zero`).isCharacterDevice())
  }
  const loaded = await load('devices', extended(device, { name: 'opt/zeroes' }))
  assert.equal(loaded.status, 'ready', loaded.reason?.message)
  assert.equal(inLayers('/opt/zeroes').length, 1)
  assert.deepEqual(inLayers('/opt/zero'), [])
})
