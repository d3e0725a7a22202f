// SPDX-License-Identifier: Apache-2.0
//
// Watching directories, by plain requests. timeout: 240
import { create } from './sandbox.mjs'
import { test } from 'node:test'
import assert from 'node:assert/strict'

const box = await create()
const owner = (await box.sh('id -un')).trim()

// Opens a stream and collects what it tells, until `wanted` (a list of "TYPE name") was told.
async function watch(path, options = {}) {
  const stream = box.stream('filesystem.Filesystem/WatchDir', { path, ...options })
  assert.deepEqual(await stream.next(), { start: {} })
  const seen = []
  const told = new Set()
  return {
    seen,
    close: stream.close,
    until: async (...wanted) => {
      const missing = new Set(wanted.filter((w) => !told.has(w)))
      while (missing.size) {
        const m = await stream.next()
        assert.ok(!m.end && !m.broken, JSON.stringify(m))
        if (!m.filesystem) continue
        const text = `${m.filesystem.type.slice('EVENT_TYPE_'.length)} ${m.filesystem.name}`
        seen.push(m.filesystem)
        told.add(text)
        missing.delete(text)
      }
    },
  }
}

test('the kinds of events, in order', async () => {
  await box.sh('mkdir ~/w')
  const w = await watch('w')
  await box.sh('cd ~/w && printf x >f && chmod 600 f && mv f g && rm g && mkdir sub && touch sub/quiet end')
  await w.until('CREATE end')
  const told = w.seen.map((e) => `${e.type.slice(11)} ${e.name}`)
  assert.deepEqual(told, ['CREATE f', 'WRITE f', 'CHMOD f', 'RENAME f', 'CREATE g', 'REMOVE g', 'CREATE sub', 'CREATE end', ...told.slice(8)])
  assert.ok(w.seen.every((e) => e.entry === undefined))
  w.close()
})

test('entries, where they are asked for and there is one', async () => {
  await box.sh('mkdir -p ~/e/sub')
  const w = await watch('~/e', { recursive: true, includeEntry: true })
  await box.sh('printf abc >~/e/sub/f && mv ~/e/sub/f ~/e/sub/g')
  await w.until('CREATE sub/g')
  const { entry } = w.seen.find((e) => e.name === 'sub/g')
  assert.deepEqual([entry.name, entry.path, entry.type, entry.owner, entry.size], ['g', '/home/user/e/sub/g', 'FILE_TYPE_FILE', owner, '3'])
  assert.equal(w.seen.find((e) => e.type === 'EVENT_TYPE_RENAME').entry, undefined)
  w.close()
})

test('failures come in the stream', async () => {
  await box.sh('touch ~/file')
  const failure = async (body) => {
    const stream = box.stream('filesystem.Filesystem/WatchDir', body)
    const { end } = await stream.next()
    return end.error
  }
  assert.deepEqual(await failure({ path: 'none' }), { code: 'not_found', message: 'path /home/user/none not found: no such file or directory' })
  assert.deepEqual(await failure({ path: 'file' }), { code: 'invalid_argument', message: 'path /home/user/file not a directory' })
  assert.equal((await failure({ path: '~root' })).code, 'invalid_argument')
  assert.equal((await failure({ path: 'x', recursive: 'yes' })).code, 'invalid_argument')
})

test('nothing is lost in directories that appear', async () => {
  await box.sh('mkdir ~/race')
  const w = await watch('race', { recursive: true })
  const trees = 100
  await box.sh(`cd ~/race && for i in $(seq ${trees}); do mkdir -p $i/a/b/c/d && echo x >$i/a/b/c/d/f; done`)
  const wanted = []
  for (let i = 1; i <= trees; i++)
    wanted.push(...['', '/a', '/a/b', '/a/b/c', '/a/b/c/d', '/a/b/c/d/f'].map((p) => `CREATE ${i}${p}`), `WRITE ${i}/a/b/c/d/f`)
  await w.until(...wanted)
  const created = w.seen.filter((e) => e.type === 'EVENT_TYPE_CREATE').map((e) => e.name)
  assert.equal(new Set(created).size, created.length)
  await box.sh('cd ~/race && mv 1 moved && touch moved/a/b/new && rm -r 2')
  await w.until('RENAME 1', 'CREATE moved', 'CREATE moved/a/b/new', 'REMOVE 2/a/b/c/d/f', 'REMOVE 2')
  assert.ok(!w.seen.some((e) => e.name === '1/a/b/new'))
  w.close()
})

test('keep-alives', async () => {
  const stream = box.stream('filesystem.Filesystem/WatchDir', { path: '/tmp' }, { 'keepalive-ping-interval': '1' })
  assert.deepEqual(await stream.next(), { start: {} })
  assert.deepEqual(await stream.next(), { keepalive: {} })
  stream.close()
})

test('a stream lives as long as its client said', async () => {
  const stream = box.stream('filesystem.Filesystem/WatchDir', { path: '/tmp' }, { 'connect-timeout-ms': '1500' })
  assert.deepEqual(await stream.next(), { start: {} })
  assert.equal((await stream.next()).end.error.code, 'deadline_exceeded')
})

test('watchers that are asked', async () => {
  await box.sh('mkdir ~/poll')
  const { watcherId } = (await box.fs('CreateWatcher', { path: 'poll', recursive: true })).json
  const events = async (id = watcherId) => (await box.fs('GetWatcherEvents', { watcherId: id })).json
  assert.deepEqual(await events(), { events: [] })
  await box.sh('mkdir -p ~/poll/a && touch ~/poll/a/f')
  const seen = []
  while (!seen.some((e) => e.name === 'a/f')) seen.push(...(await events()).events)
  assert.deepEqual(seen[0], { name: 'a', type: 'EVENT_TYPE_CREATE' })
  assert.deepEqual((await box.fs('RemoveWatcher', { watcherId })).json, {})
  assert.deepEqual(await events(), { code: 'not_found', message: `watcher with id ${watcherId} not found` })
  assert.equal((await box.fs('RemoveWatcher', { watcherId })).json.code, 'not_found')
  assert.equal((await box.fs('CreateWatcher', { path: 'none' })).json.code, 'not_found')
})

test('a thousand watchers', async () => {
  await box.sh('mkdir -p ~/k/sub')
  const made = await Promise.all(Array.from({ length: 1000 }, () => box.fs('CreateWatcher', { path: 'k', recursive: true })))
  const ids = made.map((m) => m.json.watcherId)
  assert.equal(new Set(ids).size, 1000)
  await box.sh('touch ~/k/sub/f')
  for (const watcherId of ids) {
    let events = []
    while (!events.some((e) => e.type === 'EVENT_TYPE_CREATE' && e.name === 'sub/f'))
      ({ events } = (await box.fs('GetWatcherEvents', { watcherId })).json)
  }
  const limit = await Promise.all(Array.from({ length: 3200 }, () => box.fs('CreateWatcher', { path: 'k' })))
  assert.ok(limit.some((r) => r.json.code === 'resource_exhausted'))
  await Promise.all([...ids, ...limit.map((r) => r.json.watcherId).filter(Boolean)].map((watcherId) => box.fs('RemoveWatcher', { watcherId })))
  const again = await watch('k')
  again.close()
})

test('watchers that are never asked lose nothing silently, and leave room for others', async () => {
  // The first fill nearly all that may be held, the second would the rest.
  for (const [path, rounds] of [['flood', 12], ['again', 2]]) {
    await box.sh(`mkdir ~/${path}`)
    const ids = []
    for (let i = 0; i < 9; i++) ids.push((await box.fs('CreateWatcher', { path })).json.watcherId)
    // Another one tells how far the events have come, so that the kernel's own queue never overflows.
    const w = await watch(path)
    for (let i = 0; i < rounds; i++) {
      await box.sh(`cd ~/${path} && touch $(seq 1000) && rm $(seq 1000) && touch end${i}`)
      await w.until(`CREATE end${i}`)
    }
    w.close()
    const lost = path === 'flood' ? 'resource_exhausted' : undefined
    for (const watcherId of ids) assert.equal((await box.fs('GetWatcherEvents', { watcherId })).json.code, lost)
  }
})

test('what waits for a watcher that was stopped from inside is bounded', async () => {
  const other = await create()
  const open = (path) => other.stream('filesystem.Filesystem/WatchDir', { path })
  assert.deepEqual(await open('/tmp').next(), { start: {} })
  await other.sh('kill -STOP $(pgrep -x e2b-agent | grep -vx 1)', 'root')
  const answers = Array.from({ length: 600 }, () => open(`/${'x'.repeat(3000)}`).next())
  assert.match((await Promise.race(answers)).end.error.message, /too many requests wait/)
  await other.sh('kill -CONT $(pgrep -x e2b-agent | grep -vx 1)', 'root')
  const codes = new Set((await Promise.all(answers)).map((answer) => answer.end.error.code))
  assert.deepEqual([...codes].sort(), ['invalid_argument', 'resource_exhausted'])
  await other.kill()
})

test('the end of the sandbox ends its streams', async () => {
  const other = await create()
  const stream = other.stream('filesystem.Filesystem/WatchDir', { path: '/tmp' })
  assert.deepEqual(await stream.next(), { start: {} })
  await other.kill()
  assert.deepEqual(await stream.next(), { broken: true })
})
