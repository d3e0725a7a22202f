// SPDX-License-Identifier: Apache-2.0
// The life of a sandbox as the official clients drive it. timeout: 180
import { clients } from './backend.mjs'
import { test } from 'node:test'
import assert from 'node:assert/strict'

for (const [name, { Sandbox, SandboxNotFoundError, AuthenticationError }] of clients) {
  test(name, async (t) => {
    await t.test('create, info, running, kill', async () => {
      const sandbox = await Sandbox.create({ metadata: { who: 'a&b c' }, envs: { FROM: 'create' }, timeoutMs: 60_000 })
      assert.match(sandbox.sandboxId, /^i[a-z0-9]{20}$/)
      const info = await sandbox.getInfo()
      assert.equal(info.sandboxId, sandbox.sandboxId)
      assert.deepEqual(info.metadata, { who: 'a&b c' })
      assert.equal(info.state, 'running')
      assert.ok(info.endAt - info.startedAt > 50_000 && info.endAt - info.startedAt <= 61_000)
      assert.equal(await sandbox.isRunning(), true)
      assert.equal((await sandbox.commands.run('echo $FROM')).stdout, 'create\n')
      assert.equal(await sandbox.kill(), true)
      assert.equal(await sandbox.isRunning(), false)
      assert.equal(await sandbox.kill(), false)
      await assert.rejects(sandbox.getInfo(), SandboxNotFoundError)
      await assert.rejects(sandbox.commands.run('true'))
    })

    await t.test('connect to a running one by id', async () => {
      const first = await Sandbox.create()
      await first.files.write('/tmp/mark', 'one')
      const second = await Sandbox.connect(first.sandboxId)
      assert.equal(await second.files.read('/tmp/mark'), 'one')
      await Sandbox.kill(first.sandboxId)
      await assert.rejects(Sandbox.connect(first.sandboxId), SandboxNotFoundError)
    })

    await t.test('setTimeout moves the end, also nearer', async () => {
      const sandbox = await Sandbox.create({ timeoutMs: 300_000 })
      await sandbox.setTimeout(1000)
      const deadline = Date.now() + 60_000
      while ((await sandbox.isRunning()) && Date.now() < deadline);
      assert.equal(await sandbox.isRunning(), false)
      while (await Sandbox.setTimeout(sandbox.sandboxId, 1000).catch((e) => /being killed/.test(e.message)));
      await assert.rejects(Sandbox.setTimeout(sandbox.sandboxId, 1000), SandboxNotFoundError)
    })

    await t.test('list by metadata, in pages', async () => {
      const mark = `m${Math.random()}`
      const made = await Promise.all(
        [1, 2, 3].map((n) => Sandbox.create({ metadata: { mark, n: String(n) } })))
      const seen = []
      const pages = Sandbox.list({ query: { metadata: { mark } }, limit: 2 })
      while (pages.hasNext) seen.push(...(await pages.nextItems()))
      assert.deepEqual(seen.map((s) => s.sandboxId).sort(), made.map((s) => s.sandboxId).sort())
      const one = await Sandbox.list({ query: { metadata: { mark, n: '2' } } }).nextItems()
      assert.deepEqual(one.map((s) => s.sandboxId), [made[1].sandboxId])
      await Promise.all(made.map((s) => s.kill()))
      assert.deepEqual(await Sandbox.list({ query: { metadata: { mark } } }).nextItems(), [])
    })

    await t.test('what is refused, clearly', async () => {
      await assert.rejects(Sandbox.create('no-such-template'), /template 'no-such-template' not found/)
      await assert.rejects(Sandbox.create({ apiKey: `e2b_${'0'.repeat(40)}` }), AuthenticationError)
      await assert.rejects(Sandbox.create({ timeoutMs: 0 }), /Timeout must be greater than 0|400/)
    })
  })
}
