// SPDX-License-Identifier: Apache-2.0
//
// What sandboxes use, as the API tells it: nothing before it was looked at, then what they really
// use, and the same when they are gone.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { ask, create, start, startDaemon } from './daemon.mjs'
import { until } from './until.mjs'

let daemon
before(async () => { daemon = await startDaemon() })
after(() => daemon.end('SIGTERM'))

const now = () => Math.floor(Date.now() / 1000)
const metrics = async (id, query = '') => {
  const answer = await ask('GET', `/sandboxes/${id}/metrics${query}`)
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

// The first sample that satisfies `condition`; one is taken every 5 s.
const sample = (id, condition = () => true) => until(async () => (await metrics(id)).find(condition))

test('metrics tell what a sandbox uses', async () => {
  const from = now()
  const sandbox = await create()
  const id = sandbox.sandboxID
  const early = await metrics(id)
  const newest = Object.values((await ask('GET', `/sandboxes/metrics?sandbox_ids=${id}`)).json.sandboxes)
  assert.ok(early.length <= 1 && newest.length <= 1) // a look may just have been due
  for (const one of [...early, ...newest]) assert.ok(one.memUsed > 0, `made up: ${JSON.stringify(one)}`)

  const first = await sample(id)
  assert.deepEqual(Object.keys(first).sort(), ['cpuCount', 'cpuUsedPct', 'diskTotal', 'diskUsed', 'memCache',
    'memTotal', 'memUsed', 'timestamp', 'timestampUnix'])
  for (const key of ['cpuCount', 'diskTotal', 'memTotal', 'memUsed', 'timestampUnix'])
    assert.ok(Number.isInteger(first[key]) && first[key] > 0, `${key} ${first[key]}`)
  assert.equal(Date.parse(first.timestamp), first.timestampUnix * 1000)
  assert.ok(first.timestampUnix >= from && first.timestampUnix <= now())

  const busy = start(sandbox, `dd if=/dev/zero of=/home/user/file bs=1M count=40 2>/dev/null
    exec python3 -c 'x = b"x" * (80 << 20)
while True: pass'`)
  const later = await sample(id, (s) => s.cpuUsedPct > 2 && s.memUsed > 80 << 20 && s.diskUsed > 39 << 20)
  assert.ok(later.cpuUsedPct <= 110, `${later.cpuUsedPct}`)
  assert.ok(later.memUsed < 200 << 20, `${later.memUsed}`)
  assert.ok(later.diskUsed < 60 << 20, `${later.diskUsed}`)
  busy.leave()

  const several = (await ask('GET', `/sandboxes/metrics?sandbox_ids=${id},inobody`)).json.sandboxes
  assert.deepEqual(Object.keys(several), [id])
  assert.ok(several[id].timestampUnix >= later.timestampUnix)

  const all = await metrics(id)
  const last = all.at(-1).timestampUnix
  assert.deepEqual(await metrics(id, `?start=${last}&end=${last}`), all.slice(-1))
  assert.deepEqual(await metrics(id, `?start=${from - 7200}&end=${from - 3600}`), [])
  assert.equal((await ask('DELETE', `/sandboxes/${id}`)).status, 204)
  assert.deepEqual((await metrics(id)).slice(0, all.length), all)
})

test('the team sees how many there were', async () => {
  const [{ teamID }] = (await ask('GET', '/teams')).json
  const team = (path = '') => ask('GET', `/teams/${teamID}/metrics${path}`)
  const series = (await team()).json
  assert.ok(series.length >= 2)
  assert.deepEqual(Object.keys(series[0]).sort(), ['concurrentSandboxes', 'sandboxStartRate', 'timestamp', 'timestampUnix'])
  assert.equal(series.reduce((sum, s) => sum + s.sandboxStartRate * 5, 0), 1)
  assert.equal((await team('/max?metric=concurrent_sandboxes')).json.value, 1)
  assert.equal((await team('/max?metric=sandbox_start_rate')).json.value, 0.2)
  assert.equal((await team('/max?metric=joy')).status, 400)
  assert.deepEqual((await team('?start=5&end=6')).json, [])
  for (const path of ['metrics', 'metrics/max?metric=concurrent_sandboxes'])
    assert.equal((await ask('GET', `/teams/other/${path}`)).status, 403)
})

test('what cannot be answered is refused', async () => {
  assert.equal((await ask('GET', '/sandboxes/inobody0000000000000/metrics')).status, 404)
  assert.equal((await ask('GET', '/sandboxes/inobody/metrics?start=yesterday')).status, 400)
  assert.equal((await ask('GET', '/sandboxes/inobody/metrics?start=9&end=3')).status, 400)
  assert.equal((await ask('GET', '/sandboxes/metrics')).status, 400)
  const many = Array.from({ length: 101 }, (_, i) => `i${i}`).join()
  assert.equal((await ask('GET', `/sandboxes/metrics?sandbox_ids=${many}`)).status, 400)
})
