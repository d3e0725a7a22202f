// SPDX-License-Identifier: Apache-2.0
// The official command line against the local backend. timeout: 120
import './backend.mjs'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const official = fileURLToPath(new URL('./node_modules/@e2b/cli/dist/index.js', import.meta.url))
const cli = (args, input) => {
  const done = spawnSync(process.execPath, [official, ...args], { encoding: 'utf8', input, env: { ...process.env, NO_UPDATE_NOTIFIER: '1' } })
  return { status: done.status, out: done.stdout, err: done.stderr }
}

test('create, exec with piped stdin, list, kill', () => {
  const made = cli(['sandbox', 'create', '-d', 'base'])
  assert.equal(made.status, 0, made.err)
  const id = made.out.trim()
  assert.match(id, /^i[a-z0-9]{20}$/)
  const counted = cli(['sandbox', 'exec', id, 'wc -c'], 'x'.repeat(200_000))
  assert.deepEqual([counted.status, counted.out.trim()], [0, '200000'])
  assert.equal(cli(['sandbox', 'exec', id, '--', 'sh', '-c', 'exit 3']).status, 3)
  assert.match(cli(['sandbox', 'list']).out, new RegExp(id))
  assert.match(cli(['sandbox', 'info', id]).out, /State: Running/i)
  assert.match(cli(['sandbox', 'kill', id]).out, /has been killed/)
  assert.doesNotMatch(cli(['sandbox', 'list']).out, new RegExp(id))
})
