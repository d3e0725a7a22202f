// SPDX-License-Identifier: Apache-2.0
// Files, watching and git through the official clients. timeout: 180
import { clients, until } from './backend.mjs'
import { test } from 'node:test'
import assert from 'node:assert/strict'

for (const [name, { Sandbox, FileNotFoundError, InvalidArgumentError, FileType, FilesystemEventType, getSignature }] of clients) {
  test(name, async (t) => {
    const sandbox = await Sandbox.create()
    const { files } = sandbox
    t.after(() => sandbox.kill())

    await t.test('write and read every form', async () => {
      const info = await files.write('notes/a.txt', 'text é')
      assert.equal(info.path, '/home/user/notes/a.txt')
      assert.equal(await files.read('notes/a.txt'), 'text é')
      const bytes = Uint8Array.from([0, 255, 1, 254])
      await files.write('/tmp/b.bin', bytes.buffer)
      assert.deepEqual(await files.read('/tmp/b.bin', { format: 'bytes' }), bytes)
      assert.equal((await files.read('/tmp/b.bin', { format: 'blob' })).size, 4)
      await files.write('/tmp/s', new Blob(['streamed']).stream())
      let text = ''
      for await (const part of await files.read('/tmp/s', { format: 'stream' })) text += Buffer.from(part)
      assert.equal(text, 'streamed')
      await files.write('/tmp/empty', '')
      assert.equal(await files.read('/tmp/empty'), '')
      const many = await files.write([{ path: '/tmp/m/1', data: '1' }, { path: '/tmp/m/2', data: '2' }])
      assert.deepEqual(many.map((m) => m.path), ['/tmp/m/1', '/tmp/m/2'])
      await assert.rejects(files.read('/tmp/none'), FileNotFoundError)
      await assert.rejects(files.read('/tmp'), InvalidArgumentError)
      const large = Buffer.alloc(20_000_000, 'abcdefghij')
      await files.write('/tmp/large', large)
      assert.ok(Buffer.from(await files.read('/tmp/large', { format: 'bytes' })).equals(large))
    })

    await t.test('directories', async () => {
      assert.equal(await files.makeDir('d/e/f'), true)
      assert.equal(await files.makeDir('d/e/f'), false)
      await files.write('d/e/x', 'x')
      await sandbox.commands.run('ln -s e/x d/link && ln -s nowhere d/broken')
      const entries = await files.list('d', { depth: 2 })
      assert.deepEqual(entries.map((e) => e.path), ['/home/user/d/e', '/home/user/d/e/f', '/home/user/d/e/x', '/home/user/d/link'])
      const link = await files.getInfo('d/link')
      assert.equal(link.type, FileType.FILE)
      assert.equal(link.symlinkTarget, '/home/user/d/e/x')
      const made = await files.getInfo('d/e')
      assert.deepEqual([made.type, made.owner, made.group, made.permissions, made.mode], [FileType.DIR, 'user', 'user', 'drwxr-xr-x', 0o755])
      assert.equal((await files.rename('d/e/x', 'moved/y')).path, '/home/user/moved/y')
      assert.equal(await files.exists('d/e/x'), false)
      await files.remove('d')
      await files.remove('d')
      assert.equal(await files.exists('d'), false)
      await assert.rejects(files.list('d'), FileNotFoundError)
      await assert.rejects(files.rename('d', 'q'), FileNotFoundError)
    })

    await t.test('as another user', async () => {
      await files.write('/root/secret', 's', { user: 'root' })
      assert.equal((await files.getInfo('/root/secret', { user: 'root' })).owner, 'root')
      assert.equal(await files.read('~/secret', { user: 'root' }), 's')
    })

    await t.test('watch, recursively', async () => {
      const seen = []
      await files.makeDir('w/sub')
      const handle = await files.watchDir('w', (event) => seen.push(`${event.type} ${event.name}`), { recursive: true })
      await files.write('w/sub/a', '1')
      await until(() => seen.includes(`${FilesystemEventType.CREATE} sub/a`) && seen.includes(`${FilesystemEventType.WRITE} sub/a`))
      await sandbox.commands.run('mkdir -p w/n/e/s/t && touch w/n/e/s/t/file && mv w/sub/a w/sub/b && rm w/sub/b')
      await until(() => seen.includes(`${FilesystemEventType.CREATE} n/e/s/t/file`))
      await until(() => seen.includes(`${FilesystemEventType.RENAME} sub/a`) && seen.includes(`${FilesystemEventType.REMOVE} sub/b`))
      await handle.stop()
      await assert.rejects(files.watchDir('missing', () => {}), FileNotFoundError)
    })

    await t.test('signed urls', async () => {
      const up = await sandbox.uploadUrl('signed file.txt', { useSignatureExpiration: 60 })
      const form = new FormData()
      form.append('file', new Blob(['by url']), 'signed file.txt')
      const put = await fetch(up, { method: 'POST', body: form })
      assert.equal(put.status, 200)
      const got = await fetch(await sandbox.downloadUrl('signed file.txt'))
      assert.equal(await got.text(), 'by url')
      const url = new URL(await sandbox.downloadUrl('signed file.txt'))
      url.searchParams.set('path', '/etc/shadow')
      assert.equal((await fetch(url)).ok, false)
      const late = new URL(await sandbox.downloadUrl('signed file.txt', { useSignatureExpiration: -10 }))
      assert.equal((await fetch(late)).status, 401)
    })

    await t.test('git', async () => {
      if (!sandbox.git) return
      const { git } = sandbox
      await git.configureUser('A Person', 'person@example.com')
      await git.init('repo', { initialBranch: 'main' })
      await files.write('repo/file', 'content')
      assert.equal((await git.status('repo')).hasUntracked, true)
      await git.add('repo')
      await git.commit('repo', 'first')
      await git.createBranch('repo', 'other')
      assert.equal((await git.branches('repo')).currentBranch, 'other')
      await git.checkoutBranch('repo', 'main')
      await git.remoteAdd('repo', 'origin', '/home/user/bare')
      assert.equal(await git.remoteGet('repo', 'origin'), '/home/user/bare')
      await sandbox.commands.run('git init --bare bare')
      await git.push('repo', { remote: 'origin', branch: 'main' })
      await git.clone('/home/user/bare', { path: 'copy', branch: 'main' })
      assert.equal(await files.read('copy/file'), 'content')
    })
  })
}
