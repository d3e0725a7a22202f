// SPDX-License-Identifier: Apache-2.0
// Volumes as the official client drives them: their files from outside, and mounted. timeout: 180
import './backend.mjs'
import { Sandbox, Volume, VolumeNotFoundError, VolumePathNotFoundError } from 'e2b'
import { test } from 'node:test'
import assert from 'node:assert/strict'

test('create, connect, list, destroy', async () => {
  const volume = await Volume.create('one')
  assert.equal((await Volume.connect(volume.volumeId)).name, 'one')
  assert.deepEqual(await Volume.list(), [{ volumeId: volume.volumeId, name: 'one' }])
  await assert.rejects(Volume.create('one'), /already exists/)
  await assert.rejects(Volume.create('not a name'), /400/)
  assert.equal(await Volume.destroy(volume.volumeId), true)
  assert.equal(await Volume.destroy(volume.volumeId), false)
  await assert.rejects(Volume.getInfo(volume.volumeId), VolumeNotFoundError)
})

test('files', async () => {
  const volume = await Volume.create('files')
  await volume.makeDir('/a/b', { force: true })
  await assert.rejects(volume.makeDir('/x/y'), VolumePathNotFoundError)
  const written = await volume.writeFile('/a/b/f.txt', 'héllo', { mode: 0o600 })
  assert.deepEqual([written.name, written.type, written.size, written.mode], ['f.txt', 'file', 6, 0o600])
  assert.ok(written.mtime instanceof Date)
  await assert.rejects(volume.writeFile('/a/b/f.txt', 'x'), /already exists/)
  await volume.writeFile('/a/b/bytes', new Blob([new Uint8Array([0, 255, 10])]), { force: true })
  assert.equal(await volume.readFile('/a/b/f.txt'), 'héllo')
  assert.deepEqual(await volume.readFile('/a/b/bytes', { format: 'bytes' }), new Uint8Array([0, 255, 10]))
  const stream = new ReadableStream({
    start(c) { for (let i = 0; i < 64; i++) c.enqueue(new Uint8Array(65536)); c.close() },
  })
  assert.equal((await volume.writeFile('/big', stream)).size, 64 * 65536)
  let got = 0
  for await (const part of await volume.readFile('/big', { format: 'stream' })) got += part.length
  assert.equal(got, 64 * 65536)
  assert.deepEqual((await volume.list('/', { depth: 3 })).map((e) => e.path), ['/a', '/a/b', '/a/b/bytes', '/a/b/f.txt', '/big'])
  assert.equal((await volume.updateMetadata('/a/b/f.txt', { mode: 0o644 })).mode, 0o644)
  assert.equal(await volume.exists('/a'), true)
  await volume.remove('/a')
  assert.equal(await volume.exists('/a'), false)
  await assert.rejects(volume.readFile('/a/b/f.txt'), VolumePathNotFoundError)
  await assert.rejects(volume.remove('/a'), VolumePathNotFoundError)
  await Volume.destroy(volume.volumeId)
})

test('mounted in sandboxes, one after the other', async () => {
  const volume = await Volume.create('shared')
  const first = await Sandbox.create({ volumeMounts: { '/mnt/v': volume } })
  await first.commands.run('echo kept >/mnt/v/file')
  assert.deepEqual((await first.getInfo()).volumeMounts, [{ name: 'shared', path: '/mnt/v' }])
  await assert.rejects(Volume.destroy(volume.volumeId), /in use/)
  await first.kill()
  assert.equal(await volume.readFile('/file'), 'kept\n')
  const second = await Sandbox.create({ volumeMounts: { '/other': 'shared' } })
  assert.equal((await second.commands.run('cat /other/file')).stdout, 'kept\n')
  await second.kill()
  assert.equal(await Volume.destroy(volume.volumeId), true)
})
