// SPDX-License-Identifier: Apache-2.0
//
// The way out of a sandbox, as root by veth and as an ordinary user by slirp4netns, in a network of
// its own: this "host" is a namespace, the "internet" a second one behind it. timeout: 180
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import fs from 'node:fs'
import path from 'node:path'
import { until } from './until.mjs'

const self = fileURLToPath(import.meta.url)
const { E2B_BUILD, E2B_LANE, HOME } = process.env
const SERVICE = '198.18.0.2', OTHER = '198.18.0.3'

if (E2B_LANE !== 'root') {
  test('network', { skip: 'not here: it makes the namespaces of the hosts it talks to, as root' }, () => {})
} else if (!process.env.E2B_TEST_HOST) {
  const inside = spawnSync('unshare', ['--net', '--mount', '--propagation', 'private', process.execPath, ...process.execArgv, self],
    { stdio: 'inherit', env: { ...process.env, E2B_TEST_HOST: '1' } })
  process.exit(inside.status ?? 1)
} else {
  await main()
}

function sh(command) {
  return execFileSync('sh', ['-ec', command], { encoding: 'utf8' })
}

async function makeInternet() {
  sh(`ip link set lo up
      mount -t tmpfs none /dev/net; mknod -m 666 /dev/net/tun c 10 200
      mkdir -p /run/netns; mount -t tmpfs none /run/netns; ip netns add internet
      ip link add out type veth peer name in netns internet
      ip addr add 198.18.0.1/24 dev out; ip link set out up
      ip -n internet link set lo up; ip -n internet link set in up
      ip -n internet addr add ${SERVICE}/24 dev in; ip -n internet addr add ${OTHER}/24 dev in`)
  return serve(['ip', 'netns', 'exec', 'internet'], 'hello', [8080, '0.0.0.0'])
}


// The programs in this host's network; other hosts have theirs.
const ours = () => sh("find /proc/[0-9]*/ns/net -lname \"$(readlink /proc/self/ns/net)\" 2>/dev/null | sed 's,ns/net,comm,' | xargs cat 2>/dev/null || true")

// In a process of its own: calls of the command line block this one.
async function serve(as, word, ...places) {
  const program = `const net = require('net')
    Promise.all(${JSON.stringify(places)}.map(([port, host]) => new Promise((up) =>
      net.createServer((s) => s.end('${word}\\n')).listen(port, host, up)))).then(() => console.log('up'))`
  const [command, ...rest] = [...as, process.execPath, '-e', program]
  const server = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => server.stdout.once('data', resolve))
  return server
}

// A backend of its own; `as` is the prefix of a command that runs as its user.
async function backend(name, as, uid) {
  const home = path.join(HOME, name)
  fs.mkdirSync(home)
  fs.chownSync(home, uid, uid)
  const env = { ...process.env, HOME: home, E2B_HOME: home }
  const e2b = (...args) => {
    const [program, ...rest] = [...as, `${HOME}/programs/e2b`, ...args]
    return spawnSync(program, rest, { encoding: 'utf8', env, timeout: 120_000 })
  }
  const { E2B_API_KEY: apiKey, E2B_API_URL: apiUrl } = JSON.parse(e2b('local', 'env', '--format', 'json').stdout)
  const call = async (method, where, body) => {
    const response = await fetch(apiUrl + where, { method, headers: { 'X-API-Key': apiKey }, body: body && JSON.stringify(body) })
    const text = await response.text()
    return { status: response.status, body: text && JSON.parse(text) }
  }
  const create = async (options) => {
    const made = await call('POST', '/v2/sandboxes', { templateID: 'base', ...options })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    return made.body.sandboxID
  }
  const reaches = (id, host, port = 8080) =>
    e2b('sandbox', 'exec', id, '--', 'timeout', '2', 'bash', '-c', `cat </dev/tcp/${host}/${port}`).stdout.trim()
  return { e2b, call, create, reaches }
}

// An ordinary user may not be able to reach the build tree.
function copyPrograms() {
  fs.chmodSync(HOME, 0o755)
  fs.mkdirSync(`${HOME}/programs`)
  for (const name of ['e2b', 'e2bd', 'e2b-agent']) fs.copyFileSync(`${E2B_BUILD}/${name}`, `${HOME}/programs/${name}`)
}

async function ways() {
  copyPrograms()
  const uid = Number(sh('id -u e2b-test'))
  const user = ['setpriv', '--reuid', 'e2b-test', '--regid', String(uid), '--init-groups', '--inh-caps=-all']
  return [['veth', await backend('root', [], 0)], ['slirp4netns', await backend('user', user, uid)]]
}

async function main() {
  const internet = await makeInternet()
  const host = await serve([], 'host', [9998, '127.0.0.1'], [9999, '0.0.0.0'])
  for (const [way, { e2b, call, create, reaches }] of await ways()) {
    test(way, async (t) => {
      t.after(() => { e2b('sandbox', 'kill', '--all'); e2b('local', 'stop') })
      await t.test('is what is used', () => {
        assert.equal(JSON.parse(e2b('local', 'status', '--format', 'json').stdout).limits.network.mechanism, way)
      })
      await t.test('the first command finds the network there', async () => {
        const run = e2b('sandbox', 'run', '--', 'bash', '-c', `cat </dev/tcp/${SERVICE}/8080`)
        assert.equal(run.stdout, 'hello\n', run.stderr)
      })
      await t.test('IPv6 is at home on the loopback alone', () => {
        const run = e2b('sandbox', 'run', '--', 'sh', '-c', 'cat /proc/net/if_inet6')
        assert.match(run.stdout, /^0*1 \S+ \S+ \S+ \S+ +lo\n$/, run.stderr)
      })
      await t.test('the loopback of the host is not reached', async () => {
        const id = await create({})
        assert.equal(sh("bash -c 'cat </dev/tcp/127.0.0.1/9998'"), 'host\n')
        const gateway = e2b('sandbox', 'exec', id, '--', 'sh', '-c', "ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p'").stdout.trim()
        assert.match(gateway, /^10\./)
        for (const host of ['127.0.0.1', gateway]) assert.equal(reaches(id, host, 9998), '')
        if (way === 'veth') for (const host of ['198.18.0.1', gateway]) assert.equal(reaches(id, host, 9999), '')
      })
      await t.test('no internet: nothing', async () => {
        const id = await create({ allow_internet_access: false })
        assert.equal(reaches(id, SERVICE), '')
        assert.equal((await call('GET', `/sandboxes/${id}`)).body.allowInternetAccess, false)
      })
      await t.test('denied and allowed addresses; allow beats deny', async () => {
        const denied = await create({ network: { denyOut: [SERVICE] } })
        assert.deepEqual([reaches(denied, SERVICE), reaches(denied, OTHER)], ['', 'hello'])
        const only = await create({ network: { allowOut: [`${OTHER}/32`], denyOut: ['0.0.0.0/0'] } })
        assert.deepEqual([reaches(only, SERVICE), reaches(only, OTHER)], ['', 'hello'])
        const beats = await create({ network: { allowOut: ['198.18.0.0/24'], denyOut: [SERVICE] } })
        assert.equal(reaches(beats, SERVICE), 'hello')
      })
      await t.test('changed while it runs', async () => {
        const id = await create({})
        assert.equal((await call('PUT', `/sandboxes/${id}/network`, { denyOut: [SERVICE] })).status, 204)
        assert.deepEqual([reaches(id, SERVICE), reaches(id, OTHER)], ['', 'hello'])
        assert.equal((await call('PUT', `/sandboxes/${id}/network`, {})).status, 204)
        assert.equal(reaches(id, SERVICE), 'hello')
        const closed = await create({ allow_internet_access: false })
        assert.equal((await call('PUT', `/sandboxes/${closed}/network`, { allowOut: [SERVICE], denyOut: ['0.0.0.0/0'] })).status, 204)
        assert.deepEqual([reaches(closed, SERVICE), reaches(closed, OTHER)], ['hello', ''])
      })
      await t.test('root inside cannot undo it', async () => {
        const id = await create({ network: { denyOut: [SERVICE] } })
        const link = way === 'veth' ? 'eth0' : 'tap0'
        for (const command of ['ip route flush table main', `ip route add ${SERVICE}/32 dev ${link}`, `ip link set ${link} down`]) {
          const tried = e2b('sandbox', 'exec', '-u', 'root', id, '--', 'sh', '-c', command)
          assert.notEqual(tried.status, 0, command)
          assert.match(tried.stderr, /not permitted/i)
        }
        assert.deepEqual([reaches(id, SERVICE), reaches(id, OTHER)], ['', 'hello'])
      })
      await t.test('one sandbox does not reach another', async () => {
        const [a, b] = [await create({}), await create({})]
        e2b('sandbox', 'exec', '-b', a, 'python3 -m http.server 7000')
        assert.equal(e2b('sandbox', 'exec', a, 'for i in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/7000) 2>/dev/null && exit; sleep 0.05; done; exit 1').status, 0)
        const address = e2b('sandbox', 'exec', a, "hostname -I").stdout.trim().split(' ')[0]
        const into = (id) => e2b('sandbox', 'exec', id, '--', 'timeout', '2', 'bash', '-c', `exec 3<>/dev/tcp/${address}/7000`).status
        assert.equal(into(a), 0)
        if (way === 'veth') assert.notEqual(into(b), 0) // slirp4netns gives all of them one address
      })
      await t.test('what cannot be enforced is refused', async () => {
        const refused = async (network) => {
          const answer = await call('POST', '/v2/sandboxes', { templateID: 'base', network })
          assert.equal(answer.status, 400)
          return answer.body.message
        }
        assert.match(await refused({ allowOut: ['example.com'] }), /must include 'ALL_TRAFFIC'/)
        assert.match(await refused({ allowOut: ['example.com'], denyOut: ['0.0.0.0/0'] }), /no egress proxy/)
        assert.match(await refused({ denyOut: ['example.com'] }), /invalid denied CIDR example.com/)
        assert.match(await refused({ egressProxy: { address: 'proxy.example:1080' } }), /egressProxy/)
        assert.match(await refused({ rules: { 'example.com': [{}] } }), /rules/)
      })
      await t.test('nothing of it outlives the sandboxes', async () => {
        e2b('sandbox', 'kill', '--all')
        e2b('local', 'stop') // and with it those that were made ahead
        await until(() => !/slirp4netns/.test(ours()))
        await until(() => !/e2b-/.test(sh('ip -o link')))
      })
    })
  }
  test('end of the internet', () => { internet.kill(); host.kill() })
}
