// SPDX-License-Identifier: Apache-2.0
//
// The file APIs of a sandbox by plain requests: every rule, and what only an enemy would send.
// timeout: 240
import { create, request } from './sandbox.mjs'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import zlib from 'node:zlib'

const box = await create()
// Where there is a single id, everybody is root.
const owner = (await box.sh('id -un')).trim()

const text = (r) => r.body.toString()
const message = (r) => JSON.parse(r.body).message
const form = (parts, boundary = 'XX') => Buffer.concat([
  ...parts.flatMap(([disposition, body]) => [
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`),
    Buffer.from(body), Buffer.from('\r\n'),
  ]),
  Buffer.from(`--${boundary}--\r\n`),
])
const multipart = { 'content-type': 'multipart/form-data; boundary=XX' }
const post = (query, body, headers) => box.request('POST', `/files${query}`, { headers, body })

test('Stat tells what a file is', async () => {
  await box.sh('mkdir -p ~/s && cd ~/s && printf 12345 >f && chmod 640 f && touch -d "2020-02-03T04:05:06.789Z" f && ln -s f l && ln -s nowhere b && mkdir t && chmod 1777 t && mkfifo p')
  const { entry } = (await box.fs('Stat', { path: 's/f' })).json
  assert.deepEqual(entry, {
    name: 'f', type: 'FILE_TYPE_FILE', path: '/home/user/s/f', size: '5', mode: 0o640,
    permissions: '-rw-r-----', owner, group: owner, modifiedTime: '2020-02-03T04:05:06.789000000Z',
  })
  const link = (await box.fs('Stat', { path: '~/s/l' })).json.entry
  assert.deepEqual([link.type, link.permissions, link.symlinkTarget, link.mode], ['FILE_TYPE_FILE', 'Lrwxrwxrwx', '/home/user/s/f', 0o640])
  const broken = (await box.fs('Stat', { path: '/home/user/s/b' })).json.entry
  assert.deepEqual([broken.type, broken.symlinkTarget], ['FILE_TYPE_UNSPECIFIED', '/home/user/s/b'])
  const permissions = async (path) => (await box.fs('Stat', { path })).json.entry.permissions
  assert.equal(await permissions('s/t'), 'dtrwxrwxrwx')
  assert.equal(await permissions('s/p'), 'prw-r--r--')
  assert.equal(await permissions('/dev/null'), 'Dcrw-rw-rw-')
  assert.equal((await box.fs('Stat', { path: '/' })).json.entry.name, '/')
})

test('paths: empty, ~, relative, .., ~other, NUL, too long', async () => {
  const path = async (p) => (await box.fs('Stat', { path: p })).json.entry?.path
  assert.equal(await path(''), '/home/user')
  assert.equal(await path('~'), '/home/user')
  assert.equal(await path('.'), '/home/user')
  assert.equal(await path('../../etc/hostname'), '/etc/hostname')
  assert.equal(await path('/home/user/../../etc/hostname'), '/home/user/../../etc/hostname')
  assert.equal(await path('../../../../../../../../etc/passwd'), '/etc/passwd')
  const other = await box.fs('Stat', { path: '~root' })
  assert.deepEqual([other.status, other.json.code, other.json.message], [400, 'invalid_argument', 'cannot expand user-specific home dir'])
  assert.equal((await box.fs('Stat', '{"path":"a\\u0000b"}')).json.code, 'invalid_argument')
  assert.equal((await box.fs('Stat', { path: 7 })).json.code, 'invalid_argument')
  assert.equal((await box.fs('Stat', { path: 'x'.repeat(5000) })).json.code, 'invalid_argument')
  assert.equal((await box.request('GET', '/files?path=a%00b')).status, 400)
  assert.equal((await box.request('GET', '/files?path=a%zzb')).status, 400)
  const missing = await box.fs('Stat', { path: '/nowhere' })
  assert.deepEqual([missing.status, missing.json.code], [404, 'not_found'])
})

test('users: who is asked for owns and has the home', async () => {
  const as = (user) => ({ authorization: `Basic ${Buffer.from(`${user}:`).toString('base64')}` })
  assert.equal((await box.fs('Stat', { path: '~' }, as('root'))).json.entry.path, '/root')
  const unknown = await box.fs('Stat', { path: '~' }, as('nobody-here'))
  assert.deepEqual([unknown.status, unknown.json.code, unknown.json.message], [401, 'unauthenticated', "invalid username: 'nobody-here'"])
  const r = await box.get('x', {}, '&username=nobody-here')
  assert.equal(r.status, 401)
  assert.match(message(r), /^error looking up user 'nobody-here': /)
  await box.put('/opt/deep/er/f', 'x', {}, '&username=root')
  assert.equal(await box.sh('stat -c %U:%a /opt/deep /opt/deep/er /opt/deep/er/f'), 'root:755\nroot:755\nroot:644\n')
  await box.put('/opt/deep/er/f', 'y')
  assert.equal((await box.sh('stat -c %U /opt/deep/er/f')).trim(), owner)
})

test('MakeDir, Move, Remove', async () => {
  const made = await box.fs('MakeDir', { path: 'm/a/b' })
  assert.equal(made.json.entry.permissions, 'drwxr-xr-x')
  const again = await box.fs('MakeDir', { path: 'm/a/b' })
  assert.deepEqual([again.status, again.json], [409, { code: 'already_exists', message: 'directory already exists: /home/user/m/a/b' }])
  await box.put('m/file', 'content')
  assert.deepEqual((await box.fs('MakeDir', { path: 'm/file' })).json,
    { code: 'invalid_argument', message: 'path already exists but it is not a directory: /home/user/m/file' })
  assert.deepEqual((await box.fs('MakeDir', { path: 'm/file/x' })).json, { code: 'internal', message: 'path is a file: /home/user/m/file' })
  const moved = await box.fs('Move', { source: 'm/file', destination: 'm/new/place' })
  assert.equal(moved.json.entry.path, '/home/user/m/new/place')
  assert.equal(text(await box.get('m/new/place')), 'content')
  assert.equal((await box.fs('Move', { source: 'm/file', destination: 'm/q' })).json.code, 'not_found')
  await box.put('m/over', 'old')
  await box.fs('Move', { source: 'm/new/place', destination: 'm/over' })
  assert.equal(text(await box.get('m/over')), 'content')
  assert.equal((await box.fs('Move', { source: 'm/over', destination: '/tmp/other-file-system' })).status, 200)
  assert.equal(text(await box.get('/tmp/other-file-system')), 'content')
  await box.sh('mkdir -p ~/m/keep && echo x >~/m/keep/f && ln -s ~/m/keep ~/m/a/link')
  assert.deepEqual((await box.fs('Remove', { path: 'm/a' })).json, {})
  assert.deepEqual((await box.fs('Remove', { path: 'm/a' })).json, {})
  assert.equal(text(await box.get('m/keep/f')), 'x\n')
})

test('ListDir: depth, order, links, odd names', async () => {
  await box.sh('mkdir -p ~/l/a/1 && cd ~/l && touch a/1/x a/2 a-b z && ln -s a link && ln -s l ~/to-l && printf x >"$(printf "bad\\xff")"')
  const paths = async (body) => (await box.fs('ListDir', body)).json.entries.map((e) => e.path.replace(/^.*?l\//, ''))
  assert.deepEqual(await paths({ path: 'l', depth: 0 }), ['a', 'a-b', 'bad\ufffd', 'link', 'z'])
  assert.deepEqual(await paths({ path: 'l', depth: 3 }), ['a', 'a/1', 'a/1/x', 'a/2', 'a-b', 'bad\ufffd', 'link', 'z'])
  const through = (await box.fs('ListDir', { path: 'to-l' })).json.entries
  assert.equal(through[0].path, '/home/user/to-l/a')
  assert.equal((await box.fs('ListDir', { path: 'l/z' })).json.code, 'invalid_argument')
  assert.equal((await box.fs('ListDir', { path: 'nowhere' })).json.code, 'not_found')
  assert.equal((await box.fs('ListDir', { path: 'l', depth: -1 })).json.code, 'invalid_argument')
  await box.sh('cd ~/l && ln -s loop loop')
  const loop = await box.fs('ListDir', { path: 'l/loop' })
  assert.deepEqual([loop.status, loop.json.code], [400, 'failed_precondition'])
  await box.sh('mkdir ~/many && cd ~/many && touch $(seq 5000)')
  assert.equal((await box.fs('ListDir', { path: 'many' })).json.entries.length, 5000)
})

test('GET /files: headers, ranges, conditions', async () => {
  await box.put('g/data.json', '{"a":12345}')
  await box.sh('touch -d "2020-02-03T04:05:06.789Z" ~/g/data.json')
  const whole = await box.get('g/data.json')
  assert.equal(whole.status, 200)
  const { vary, 'content-type': type, 'content-disposition': disposition, 'last-modified': modified, 'accept-ranges': ranges, 'content-length': length } = whole.headers
  assert.deepEqual([vary, type, disposition, modified, ranges, length],
    ['Accept-Encoding', 'application/json', 'inline; filename=data.json', 'Mon, 03 Feb 2020 04:05:06 GMT', 'bytes', '11'])
  const range = async (value, more = {}) => {
    const r = await box.get('g/data.json', { range: value, ...more })
    return [r.status, r.headers['content-range'], r.status === 206 ? text(r) : undefined]
  }
  assert.deepEqual(await range('bytes=2-4'), [206, 'bytes 2-4/11', 'a":'])
  assert.deepEqual(await range('bytes=9-'), [206, 'bytes 9-10/11', '5}'])
  assert.deepEqual(await range('bytes=-3'), [206, 'bytes 8-10/11', '45}'])
  assert.deepEqual(await range('bytes=-99'), [206, 'bytes 0-10/11', '{"a":12345}'])
  assert.deepEqual(await range('bytes=0-99'), [206, 'bytes 0-10/11', '{"a":12345}'])
  assert.deepEqual(await range('bytes=11-'), [416, 'bytes */11', undefined])
  assert.deepEqual(await range('bytes=4-2'), [416, 'bytes */11', undefined])
  assert.deepEqual(await range('lines=1-2'), [416, 'bytes */11', undefined])
  assert.deepEqual(await range('bytes=99999999999999999999-'), [416, 'bytes */11', undefined])
  assert.deepEqual(await range('bytes=0-1,4-5'), [200, undefined, undefined])
  assert.deepEqual(await range('bytes=0-1', { 'if-range': modified }), [206, 'bytes 0-1/11', '{"'])
  assert.deepEqual(await range('bytes=0-1', { 'if-range': '"tag"' }), [200, undefined, undefined])
  assert.deepEqual(await range('bytes=2-4', { 'accept-encoding': 'gzip' }), [206, 'bytes 2-4/11', 'a":'])
  const conditional = async (headers) => (await box.get('g/data.json', headers)).status
  assert.equal(await conditional({ 'if-modified-since': modified }), 304)
  assert.equal(await conditional({ 'if-modified-since': 'Sun, 02 Feb 2020 04:05:06 GMT' }), 200)
  assert.equal(await conditional({ 'if-modified-since': 'yesterday' }), 200)
  assert.equal(await conditional({ 'if-none-match': '*' }), 304)
  assert.equal(await conditional({ 'if-none-match': '"x"', 'if-modified-since': modified }), 200)
  assert.equal(await conditional({ 'if-unmodified-since': 'Sun, 02 Feb 2020 04:05:06 GMT' }), 412)
  assert.equal(await conditional({ 'if-match': '"x"' }), 412)
})

test('GET /files: empty files, types, names', async () => {
  await box.put('g/empty', '')
  const empty = await box.get('g/empty', { 'accept-encoding': 'gzip' })
  assert.deepEqual([empty.status, empty.headers['content-length'], empty.headers['transfer-encoding'], text(empty)], [200, '0', undefined, ''])
  const type = async (name, body) => {
    await box.put(`g/${name}`, body)
    return (await box.get(`g/${name}`)).headers['content-type']
  }
  assert.equal(await type('page', '<!DOCTYPE html><p>'), 'text/html; charset=utf-8')
  assert.equal(await type('image', Buffer.from('89504e470d0a1a0a', 'hex')), 'image/png')
  assert.equal(await type('noise', Buffer.from([0, 1, 2])), 'application/octet-stream')
  assert.equal(await type('words', 'just words'), 'text/plain; charset=utf-8')
  assert.equal(await type('STYLE.CSS', ''), 'text/css; charset=utf-8')
  const disposition = async (name) => {
    await box.put(`g/${name}`, 'x')
    return (await box.get(`g/${name}`)).headers['content-disposition']
  }
  assert.equal(await disposition('two words'), 'inline; filename="two words"')
  assert.equal(await disposition('quo"te'), 'inline; filename="quo\\"te"')
  assert.equal(await disposition('grüße.txt'), "inline; filename*=utf-8''gr%C3%BC%C3%9Fe.txt")
  assert.equal(await disposition('new\r\nline'), "inline; filename*=utf-8''new%0D%0Aline")
})

test('GET /files: gzip for who means it', async () => {
  const plain = 'compress me '.repeat(100_000)
  await box.put('g/big.txt', plain)
  const get = (accept) => box.get('g/big.txt', accept ? { 'accept-encoding': accept } : {})
  for (const accept of ['gzip', 'gzip;q=1.0, identity;q=0.5', 'identity;q=0, *', 'GZIP']) {
    const r = await get(accept)
    assert.equal(r.headers['content-encoding'], 'gzip', accept)
    assert.equal(zlib.gunzipSync(r.body).toString(), plain)
  }
  for (const accept of [undefined, 'gzip, deflate', 'gzip;q=0', 'identity, gzip;q=0.5', '*', 'br']) {
    const r = await get(accept)
    assert.equal(r.headers['content-encoding'], undefined, accept)
    assert.equal(r.body.length, plain.length)
  }
  assert.equal((await get('identity;q=0')).status, 406)
  assert.equal((await get('*;q=0')).status, 406)
})

test('GET /files: what is no file', async () => {
  await box.sh('mkfifo ~/fifo; cd ~ && ln -s /etc escape && ln -s round round')
  assert.deepEqual([(await box.get('nothing')).status, message(await box.get('nothing'))], [404, "path '/home/user/nothing' does not exist"])
  assert.deepEqual([(await box.get('/etc')).status, message(await box.get('/etc'))], [400, "path '/etc' is a directory"])
  assert.equal((await box.request('GET', '/files')).status, 400)
  const fifo = await box.get('fifo')
  assert.deepEqual([fifo.status, message(fifo)], [400, "path '/home/user/fifo' is not a regular file"])
  assert.equal((await box.get('/dev/zero')).status, 400)
  assert.equal((await box.get('round')).status, 400)
  assert.ok([400, 403, 404].includes((await box.get('/proc/kcore')).status))
  assert.equal(text(await box.get('escape/hostname')), await box.sh('cat /etc/hostname'))
  assert.match(text(await box.get('/proc/version')), /^Linux version/)
  assert.equal((await box.get('/proc/1/environ')).status < 500, true)
})

test('a file that grows and one that shrinks while they are read', async () => {
  const size = 64 << 20
  await box.sh(`truncate -s ${size} ~/grows && truncate -s ${size} ~/shrinks`)
  const slow = (name, change) => new Promise((resolve, reject) => {
    let received = 0
    request('GET', `/files?path=${name}`, {
      headers: box.headers(),
      raw: (req) => {
        req.on('response', (res) => {
          res.once('data', () => {
            res.pause()
            change().then(() => res.resume(), reject)
          })
          res.on('data', (part) => { received += part.length })
          res.on('close', () => resolve([res.complete, received]))
        })
        req.end()
      },
    }).catch(() => {})
  })
  assert.deepEqual(await slow('grows', () => box.sh('printf more >>~/grows')), [true, size])
  const [complete, received] = await slow('shrinks', () => box.sh('truncate -s 10 ~/shrinks'))
  assert.equal(complete, false)
  assert.ok(received < size)
  assert.equal(text(await box.get('shrinks')).length, 10)
})

test('POST /files: forms', async () => {
  const one = await post('?path=up/one.txt', form([['name="file"; filename="ignored"', 'first']]), multipart)
  assert.deepEqual([one.status, JSON.parse(one.body)], [200, [{ name: 'one.txt', path: '/home/user/up/one.txt', type: 'file' }]])
  assert.equal(text(await box.get('up/one.txt')), 'first')
  const several = await post('', form([
    ['name="file"; filename="up/a b.txt"', 'A\r\n--XY\r\n'], ['name="note"', 'not a file'],
    ['name="file"; filename="/tmp/ü.bin"', Buffer.from([13, 10, 45, 45, 88, 0, 255])], ['name="file"; filename="up/empty"', ''],
    ["name=\"file\"; filename=\"x\"; filename*=utf-8''up%2Fstar%20%C3%A4", '*'],
  ]), multipart)
  assert.equal(several.status, 200, text(several))
  assert.deepEqual(JSON.parse(several.body).map((e) => e.path),
    ['/home/user/up/a b.txt', '/tmp/ü.bin', '/home/user/up/empty', '/home/user/up/star ä'])
  assert.equal(text(await box.get('up/a b.txt')), 'A\r\n--XY\r\n')
  assert.deepEqual([...(await box.get('/tmp/ü.bin')).body], [13, 10, 45, 45, 88, 0, 255])
  assert.equal((await box.get('up/empty')).headers['content-length'], '0')
  const twice = await post('?path=up/twice', form([['name="file"; filename="1"', '1'], ['name="file"; filename="2"', '2']]), multipart)
  assert.equal(twice.status, 400)
  assert.match(message(twice), /^you cannot upload multiple files to the same path .* only the first specified file was uploaded/)
  assert.equal(text(await box.get('up/twice')), '1')
  const zipped = await post('?path=up/z', zlib.gzipSync(form([['name="file"; filename="z"', 'zipped']])), { ...multipart, 'content-encoding': 'gzip' })
  assert.equal(zipped.status, 200, text(zipped))
  assert.equal(text(await box.get('up/z')), 'zipped')
})

test('POST /files: forms that are wrong', async () => {
  const bad = async (body, headers = multipart) => {
    const r = await post('?path=up/bad', body, headers)
    assert.equal(r.status, 400, text(r))
    return message(r)
  }
  assert.match(await bad('--XX\r\nContent-Disposition: form-data; name="file"\r\n\r\nhalf'), /ends early/)
  assert.equal(text(await box.get('up/bad')), 'half')
  await bad('')
  await bad('--XX\r\nno colon here\r\n\r\n\r\n--XX--')
  await bad('--XXgarbage\r\n')
  await bad(`--XX\r\nContent-Disposition: form-data; name="${'n'.repeat(20000)}"\r\n\r\n`)
  await bad('x', { 'content-type': 'multipart/form-data' })
  await bad('x', { 'content-type': `multipart/form-data; boundary=${'b'.repeat(71)}` })
  assert.match(await bad('x', { 'content-type': 'text/plain' }), /^unsupported content type: text\/plain, expected multipart\/form-data or application\/octet-stream/)
  await bad('x', {})
})

test('POST /files: raw bodies', async () => {
  const none = await box.request('POST', '/files', { headers: { 'content-type': 'application/octet-stream' }, body: 'x' })
  assert.deepEqual([none.status, message(none)], [400, 'path query parameter is required for raw body upload'])
  assert.equal((await box.put('raw/a', 'long content')).status, 200)
  assert.equal((await box.put('raw/a', 'short')).status, 200)
  assert.equal(text(await box.get('raw/a')), 'short')
  assert.equal(await box.sh('stat -c %U:%a ~/raw ~/raw/a'), `${owner}:755\n${owner}:644\n`)
  assert.deepEqual([(await box.put('raw', 'x')).status, message(await box.put('raw', 'x'))], [400, 'path is a directory: /home/user/raw'])
  assert.match(message(await box.put('raw/a/below', 'x')), /path is a file: \/home\/user\/raw\/a$/)
  await box.sh('mkfifo ~/raw/fifo')
  assert.equal((await box.put('raw/fifo', 'x')).status, 400)
  assert.equal((await box.put('/dev/null', 'x')).status, 400)
  const large = Buffer.alloc(50 << 20, 'some content ')
  assert.equal((await box.put('raw/large', zlib.gzipSync(large, { level: 1 }), { 'content-encoding': 'gzip' })).status, 200)
  const digest = createHash('sha256').update(large).digest('hex')
  assert.equal((await box.sh('sha256sum <~/raw/large')).split(' ')[0], digest)
  assert.ok((await box.get('raw/large')).body.equals(large))
  const two = Buffer.concat([zlib.gzipSync('one '), zlib.gzipSync('two')])
  assert.equal((await box.put('raw/members', two, { 'content-encoding': 'gzip' })).status, 200)
  assert.equal(text(await box.get('raw/members')), 'one two')
  assert.equal((await box.put('raw/x', 'no gzip', { 'content-encoding': 'gzip' })).status, 400)
  assert.equal((await box.put('raw/x', zlib.gzipSync('cut off').subarray(0, 15), { 'content-encoding': 'gzip' })).status, 400)
  assert.equal((await box.put('raw/x', 'x', { 'content-encoding': 'br' })).status, 400)
})

test('metadata: kept, replaced as a whole, checked', async () => {
  const upload = await box.put('meta/f', 'x', { 'X-Metadata-Color': 'deep blue', 'x-metadata-SIZE': '9' })
  assert.deepEqual(JSON.parse(upload.body)[0].metadata, { color: 'deep blue', size: '9' })
  assert.deepEqual((await box.fs('Stat', { path: 'meta/f' })).json.entry.metadata, { color: 'deep blue', size: '9' })
  await box.put('meta/f', 'x', { 'X-Metadata-Other': '1' })
  assert.deepEqual((await box.fs('Stat', { path: 'meta/f' })).json.entry.metadata, { other: '1' })
  assert.deepEqual((await box.fs('ListDir', { path: 'meta' })).json.entries[0].metadata, { other: '1' })
  const bad = async (headers) => {
    const r = await box.put('meta/f', 'y', headers)
    assert.equal(r.status, 400)
    assert.match(message(r), /^invalid metadata: /)
  }
  await bad({ 'X-Metadata-A': 'tab\there' })
  await bad({ [`X-Metadata-${'k'.repeat(247)}`]: 'v' })
  await bad({ 'X-Metadata-A': 'v'.repeat(4090) })
  await bad({ 'X-Metadata-': 'v' })
  assert.equal(text(await box.get('meta/f')), 'x')
})

test('compose', async () => {
  const compose = async (body) => {
    const r = await box.request('POST', '/files/compose', { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    return [r.status, JSON.parse(r.body)]
  }
  await box.put('c/1', 'one ')
  await box.put('c/2', 'two')
  assert.deepEqual(await compose({ source_paths: ['c/1', 'c/2'], destination: 'c/out/all' }),
    [200, { name: 'all', path: '/home/user/c/out/all', type: 'file' }])
  assert.equal(text(await box.get('c/out/all')), 'one two')
  assert.equal((await box.get('c/1')).status, 404)
  assert.deepEqual(await compose({ source_paths: ['c/1'], destination: 'c/x' }), [404, { code: 404, message: 'source file not found: /home/user/c/1' }])
  for (const body of [{ source_paths: [], destination: 'c/x' }, { source_paths: ['c/out/all'] }, { source_paths: [7], destination: 'x' },
    { source_paths: ['c'], destination: 'c/x' }, { source_paths: ['c/out/all'], destination: '/home/user/c/out/all' }, { destination: 'x' }])
    assert.equal((await compose(body))[0], 400, JSON.stringify(body))
  assert.equal(text(await box.get('c/out/all')), 'one two')
  const open = await request('POST', '/files/compose', {
    headers: { 'E2b-Sandbox-Id': box.id, 'E2b-Sandbox-Port': '49983', 'content-type': 'application/json' },
    body: JSON.stringify({ source_paths: ['c/out/all'], destination: 'c/x' }),
  })
  assert.equal(open.status, 401)
})

test('pre-signed URLs', async () => {
  const sign = (path, operation, user = '', expiration) => {
    const input = [path, operation, user, box.token, ...(expiration ? [expiration] : [])].join(':')
    return 'v1_' + createHash('sha256').update(input).digest('base64').replace(/=+$/, '')
  }
  const url = (path, operation, { user, expiration, signature } = {}) => '/files?' + new URLSearchParams({
    path, ...(user ? { username: user } : {}), signature: signature ?? sign(path, operation, user, expiration),
    ...(expiration ? { signature_expiration: expiration } : {}),
  })
  const now = Math.floor(Date.now() / 1000)
  const raw = { headers: { 'content-type': 'application/octet-stream' }, body: 'signed' }
  assert.equal((await request('POST', url('sig ned/f+1', 'write'), raw)).status, 200)
  assert.equal(text(await request('GET', url('sig ned/f+1', 'read'))), 'signed')
  assert.equal(text(await request('GET', url('sig ned/f+1', 'read', { user: 'user', expiration: now + 60 }))), 'signed')
  const refused = async (path, options, pattern) => {
    const r = await request('GET', path, options)
    assert.deepEqual([r.status, JSON.parse(r.body).code], [401, 401])
    assert.match(message(r), pattern)
  }
  await refused(url('sig ned/f+1', 'read', { expiration: now - 5 }), {}, /^signature is already expired$/)
  await refused(url('sig ned/f+1', 'write'), {}, /^invalid signature$/)
  const here = { headers: { 'E2b-Sandbox-Id': box.id, 'E2b-Sandbox-Port': '49983' } }
  await refused('/files?path=x', here, /^missing signature query parameter$/)
  await refused(url('x', 'read', { signature: 'v1_wrong' }), here, /^invalid signature$/)
  await refused('/files?path=x', { headers: { ...here.headers, 'X-Access-Token': 'wrong' } }, /^access token present in header but does not match$/)
  assert.equal((await request('POST', '/filesystem.Filesystem/Stat', { ...here, headers: { ...here.headers, 'content-type': 'application/json' }, body: '{}' })).status, 401)
})

test('a client that vanishes leaves what it sent, and no other name', async () => {
  const watch = box.stream('filesystem.Filesystem/WatchDir', { path: '/home/user' })
  assert.deepEqual(await watch.next(), { start: {} })
  const names = new Set()
  await request('POST', '/files?path=vanish', {
    headers: box.headers({ 'content-type': 'application/octet-stream', 'content-length': 100 << 20 }),
    raw: (req) => {
      req.write(Buffer.alloc(1 << 20, 'v'))
      watch.next().then(function seen(m) {
        names.add(m.filesystem.name)
        if (m.filesystem.type === 'EVENT_TYPE_WRITE') req.destroy()
        else return watch.next().then(seen)
      })
    },
  }).then(() => assert.fail('it should have been cut off'), () => {})
  watch.close()
  const size = Number(await box.sh('stat -c %s ~/vanish'))
  assert.ok(size > 0 && size <= 1 << 20)
  assert.deepEqual([...names], ['vanish'])
})

test('a full disk is 507', async () => {
  const free = Number(await box.sh('df --output=avail -B1 /tmp | tail -1'))
  await box.sh(`head -c ${free - (2 << 20)} /dev/zero >/tmp/filler`)
  const r = await box.put('/tmp/too-much', Buffer.alloc(8 << 20))
  assert.deepEqual([r.status, message(r)], [507, 'not enough disk space available'])
  await box.put('kept', Buffer.alloc(1 << 20))
  await box.sh('cat /dev/zero >/tmp/filler2 2>/dev/null || true')
  const c = await box.request('POST', '/files/compose', {
    headers: { 'content-type': 'application/json' }, body: JSON.stringify({ source_paths: ['kept'], destination: '/tmp/all' }),
  })
  assert.equal(c.status, 507)
  assert.equal((await box.get('kept')).status, 200)
  await box.sh('rm -f /tmp/filler /tmp/filler2 /tmp/too-much /tmp/part')
})
