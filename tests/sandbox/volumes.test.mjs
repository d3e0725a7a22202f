// SPDX-License-Identifier: Apache-2.0
// Volumes: made, filled from outside, mounted in sandboxes, kept, deleted; and what a sandbox may put
// into one to catch who looks at it. timeout: 240
import { test, before, after } from 'node:test'
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { apiKey, ask, create, port, start, startDaemon } from './daemon.mjs'

let daemon
before(async () => { daemon = await startDaemon() })
after(async () => {
  for (const { sandboxID } of (await ask('GET', '/sandboxes')).json) await ask('DELETE', `/sandboxes/${sandboxID}`)
  await daemon.end('SIGTERM')
})

const single = process.env.E2B_LANE === 'single'

class Volume {
  static async make(name) {
    const made = await ask('POST', '/volumes', { name })
    assert.equal(made.status, 201, made.text)
    return Object.assign(new Volume(), made.json)
  }
  // Over TCP, with the volume's own token and nothing else.
  ask(method, what, query = {}, body) {
    return ask(method, `/volumecontent/${this.volumeID}/${what}?${new URLSearchParams(query)}`, body, {
      tcp: true, headers: { authorization: `Bearer ${this.token}` },
    })
  }
  put(path, text, more) { return this.ask('PUT', 'file', { path, ...more }, Buffer.from(text)) }
  get(path) { return this.ask('GET', 'file', { path }) }
  delete() { return ask('DELETE', `/volumes/${this.volumeID}`) }
}

const sh = async (sandbox, script, user = 'user') => {
  const s = await start(sandbox, script, {}, { authorization: 'Basic ' + Buffer.from(`${user}:`).toString('base64') }).end()
  assert.equal(s.exit.exitCode ?? 0, 0, `${script}: ${s.out}${s.err}`)
  return s.out
}
const mounted = (volume, path = '/data') => create({ volumeMounts: [{ name: volume.name, path }] })

test('a volume from its making to its end', async () => {
  const volume = await Volume.make('life')
  assert.match(volume.volumeID, /^[0-9a-f-]{36}$/)
  assert.equal(volume.domain, `localhost:${port()}`)
  assert.deepEqual((await ask('GET', '/volumes')).json, [{ volumeID: volume.volumeID, name: 'life' }])
  assert.deepEqual((await ask('GET', `/volumes/${volume.volumeID}`)).json, { ...volume })
  const twice = await ask('POST', '/volumes', { name: 'life' })
  assert.deepEqual([twice.status, twice.json.message], [400, "Volume with name 'life' already exists"])
  for (const name of ['', 'a b', 'a/b', '..', 'ä', 'x'.repeat(129), 1, undefined])
    assert.equal((await ask('POST', '/volumes', { name })).status, 400, name)
  assert.equal((await ask('GET', '/volumes/life')).status, 400)
  assert.equal((await volume.put('/f', 'x')).status, 201)
  assert.equal((await volume.delete()).status, 204)
  assert.equal((await volume.delete()).status, 404)
  assert.equal((await ask('GET', `/volumes/${volume.volumeID}`)).status, 404)
  assert.deepEqual(readdirSync(join(process.env.E2B_HOME, 'volumes')), [])
})

test('files and directories, made, described, changed and removed', async () => {
  const volume = await Volume.make('files')
  const root = (await volume.ask('GET', 'path', { path: '/' })).json
  assert.deepEqual([root.type, root.path, root.name], ['directory', '/', '/'])
  assert.equal((await volume.ask('POST', 'dir', { path: '/a/b' })).status, 404)
  const made = await volume.ask('POST', 'dir', { path: 'a/b/', force: true, mode: 0o2750, uid: 1000, gid: 1000 })
  assert.equal(made.status, 201)
  assert.deepEqual([made.json.path, made.json.mode, made.json.uid, made.json.gid],
    ['/a/b', 0o2750, single ? 0 : 1000, single ? 0 : 1000])
  assert.equal((await volume.ask('POST', 'dir', { path: '/a/b' })).status, 409)
  assert.equal((await volume.ask('POST', 'dir', { path: '/a/b', force: true })).status, 201)
  const put = await volume.put('/a/b/f', 'hello', { mode: 0o600 })
  assert.equal(put.status, 201)
  const { name, type, path, size, mode } = put.json
  assert.deepEqual({ name, type, path, size, mode }, { name: 'f', type: 'file', path: '/a/b/f', size: 5, mode: 0o600 })
  for (const key of ['atime', 'mtime', 'ctime']) assert.ok(Math.abs(new Date(put.json[key]) - Date.now()) < 60_000, key)
  assert.equal((await volume.put('/a/b/f', 'again')).status, 409)
  assert.equal((await volume.put('/a/b/f', 'hi', { force: true })).json.size, 2)
  assert.equal((await volume.put('/none/f', 'x')).status, 404)
  assert.equal((await volume.put('/a/b', 'x', { force: true })).status, 400)
  const got = await volume.get('/a/b/f')
  assert.deepEqual([got.status, got.text, got.headers['content-type'], got.headers['content-length']],
    [200, 'hi', 'application/octet-stream', '2'])
  const list = async (path, depth) => (await volume.ask('GET', 'dir', { path, ...(depth && { depth }) })).json.map((e) => e.path)
  assert.deepEqual(await list('/'), ['/a'])
  assert.deepEqual(await list('/', 3), ['/a', '/a/b', '/a/b/f'])
  assert.deepEqual(await list('/a/b'), ['/a/b/f'])
  assert.equal((await volume.ask('GET', 'dir', { path: '/nope' })).status, 404)
  assert.equal((await volume.ask('GET', 'dir', { path: '/', depth: 0 })).status, 400)
  const changed = await volume.ask('PATCH', 'path', { path: '/a/b/f' }, { mode: 0o640, uid: 1001 })
  assert.deepEqual([changed.status, changed.json.mode, changed.json.uid], [200, 0o640, single ? 0 : 1001])
  assert.equal((await volume.ask('PATCH', 'path', { path: '/nope' }, { mode: 0 })).status, 404)
  for (const body of [{ mode: 'x' }, { mode: 0o10000 }, { uid: -1 }, { uid: 65536 }, []])
    assert.equal((await volume.ask('PATCH', 'path', { path: '/a' }, body)).status, 400, JSON.stringify(body))
  assert.equal((await volume.ask('DELETE', 'path', { path: '/a' })).status, 204)
  assert.equal((await volume.ask('DELETE', 'path', { path: '/a' })).status, 404)
  assert.equal((await volume.ask('DELETE', 'path', { path: '/' })).status, 400)
  assert.deepEqual(await list('/'), [])
  const big = 'x'.repeat(5_000_000)
  assert.equal((await volume.put('/big', big)).json.size, big.length)
  assert.equal((await volume.get('/big')).text, big)
  await volume.delete()
})

test('only the token of the volume opens it, and errors have a code that is a string', async () => {
  const volume = await Volume.make('door')
  const other = await Volume.make('other')
  const look = (headers, id = volume.volumeID) => ask('GET', `/volumecontent/${id}/path?path=/`, undefined, { tcp: true, headers })
  for (const headers of [{}, { authorization: volume.token }, { authorization: 'Bearer x' }, { 'x-api-key': apiKey() },
    { authorization: `Bearer ${other.token}` }, { authorization: `Bearer ${apiKey()}` }]) {
    const refused = await look(headers)
    assert.deepEqual([refused.status, refused.json.code], [401, '401'])
  }
  assert.equal((await look({ authorization: `Bearer ${volume.token}` })).status, 200)
  assert.equal((await look({ authorization: `Bearer ${volume.token}` }, crypto.randomUUID())).status, 401)
  const missing = await volume.ask('GET', 'path', { path: '/nope' })
  assert.deepEqual([missing.status, missing.json], [404, { code: '404', message: 'Path /nope not found' }])
  assert.equal((await volume.ask('GET', 'path')).status, 400)
  assert.equal((await volume.ask('GET', 'path', { path: '/' + 'x'.repeat(5000) })).status, 400)
  for (const v of [volume, other]) await v.delete()
})

test('mounted, it is written inside and read outside, and outlives sandbox and daemon', async () => {
  const volume = await Volume.make('kept')
  await volume.put('/from-outside', 'hello\n')
  const one = await mounted(volume, '/mnt/deep/data')
  assert.equal(await sh(one, 'cat /mnt/deep/data/from-outside; echo inside >/mnt/deep/data/mine; stat -c %U /mnt/deep/data/mine'),
    `hello\n${single ? 'root' : 'user'}\n`)
  const detail = (await ask('GET', `/sandboxes/${one.sandboxID}`)).json
  assert.deepEqual(detail.volumeMounts, [{ name: 'kept', path: '/mnt/deep/data' }])
  assert.equal((await volume.get('/mine')).text, 'inside\n')
  const busy = await volume.delete()
  assert.equal(busy.status, 409)
  assert.match(busy.json.message, new RegExp(one.sandboxID))
  const two = await mounted(volume, '/v')
  await sh(two, 'echo two >>/v/mine')
  assert.equal(await sh(one, 'cat /mnt/deep/data/mine'), 'inside\ntwo\n')
  await daemon.end('SIGKILL')
  daemon = await startDaemon()
  assert.equal((await volume.get('/mine')).text, 'inside\ntwo\n')
  assert.equal((await volume.delete()).status, 409)
  for (const { sandboxID } of [one, two]) await ask('DELETE', `/sandboxes/${sandboxID}`)
  const three = await mounted(volume)
  assert.equal(await sh(three, 'cat /data/mine'), 'inside\ntwo\n')
  await ask('DELETE', `/sandboxes/${three.sandboxID}`)
  assert.equal((await volume.delete()).status, 204)
})

test('a mount gives nothing away: no devices, no set-user-id, no mount of one\'s own', async () => {
  const volume = await Volume.make('strict')
  const sandbox = await mounted(volume)
  const options = await sh(sandbox, "awk '$5 == \"/data\" { print $6 }' /proc/self/mountinfo")
  assert.match(options, /nosuid/)
  assert.match(options, /nodev/)
  assert.match(await sh(sandbox, 'mount -o remount,suid,bind /data 2>&1 || echo refused; umount /data 2>&1 || echo refused', 'root'),
    /refused[^]*refused/)
  await ask('DELETE', `/sandboxes/${sandbox.sandboxID}`)
  await volume.delete()
})

test('links, pipes and deep trees that a sandbox leaves lead nobody astray', async () => {
  const volume = await Volume.make('traps')
  const sandbox = await mounted(volume)
  await sh(sandbox, `cd /data; ln -s /etc/passwd up; ln -s ../../../../etc rel; ln -s loop loop; mkfifo fifo
    mkdir etc; echo mine >etc/passwd; printf '\\377' >$'bad\\377name'; d=.; for i in $(seq 300); do d=$d/x; done; mkdir -p $d`)
  // Links resolve in the volume, as if it were all there is.
  assert.equal((await volume.get('/up')).text, 'mine\n')
  assert.equal((await volume.get('/rel/passwd')).text, 'mine\n')
  assert.equal((await volume.get('/../../etc/passwd')).text, 'mine\n')
  assert.equal((await volume.get('/loop')).status, 400)
  assert.equal((await volume.get('/fifo')).status, 400)
  assert.equal((await volume.put('/fifo', 'x', { force: true })).status, 400)
  assert.equal((await volume.put('/up', 'theirs', { force: true })).status, 201)
  assert.equal(await sh(sandbox, 'cat /data/etc/passwd'), 'theirs')
  const up = (await volume.ask('GET', 'path', { path: '/up' })).json
  assert.deepEqual([up.type, up.target], ['symlink', '/etc/passwd'])
  const list = await volume.ask('GET', 'dir', { path: '/', depth: 1000 })
  assert.equal(list.status, 200)
  assert.ok(list.json.length > 300)
  assert.equal((await volume.ask('DELETE', 'path', { path: '/x' })).status, 204)
  await ask('DELETE', `/sandboxes/${sandbox.sandboxID}`)
  assert.equal((await volume.delete()).status, 204)
  assert.ok(existsSync('/etc/passwd'))
})

test('what is refused of mounts', async () => {
  const volume = await Volume.make('there')
  const other = await Volume.make('too')
  const m = (path, name = 'there') => ({ name, path })
  const bad = [
    [m('/data', 'nowhere')], [m('data')], [m('/')], [m('/a/')], [m('/a/../b')], [m('/proc')], [m('/sys/x')], [m('/dev')],
    [m('/a'), m('/b')], [m('/a'), m('/a', 'too')], [{ name: 'there' }], [{ path: '/a' }], ['x'], [m('/' + 'x'.repeat(300))],
  ]
  for (const volumeMounts of bad) {
    const r = await ask('POST', '/v2/sandboxes', { templateID: 'base', volumeMounts })
    assert.equal(r.status, 400, JSON.stringify(volumeMounts) + r.text)
  }
  const nested = await create({ volumeMounts: [m('/a/b'), m('/a', 'too')] })
  await sh(nested, 'echo x >/a/b/f; echo y >/a/f')
  assert.equal((await volume.get('/f')).text, 'x\n')
  assert.equal((await other.get('/f')).text, 'y\n')
  await ask('DELETE', `/sandboxes/${nested.sandboxID}`)
  for (const v of [volume, other]) assert.equal((await v.delete()).status, 204)
})
