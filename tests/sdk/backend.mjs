// SPDX-License-Identifier: Apache-2.0
//
// A local backend for one test file, set up as a person would: by what `e2b local env` prints. Import
// this before a client: clients read the environment when they are loaded.
import { execFileSync } from 'node:child_process'
import { after } from 'node:test'

export { until } from '../sandbox/until.mjs'

const e2b = process.env.E2B ?? 'e2b'

export const run = (...args) => execFileSync(e2b, args, { encoding: 'utf8' })

for (const line of run('local', 'env', '--shell', 'sh').split('\n')) {
  const match = line.match(/^export ([A-Z0-9_]+)='?([^']*)'?$/)
  if (match) process.env[match[1]] = match[2]
}

after(() => {
  run('sandbox', 'kill', '--all')
  run('local', 'stop')
})

// The clients under test: the current one, and the newest that still speaks v1 of create and connect.
export const clients = [
  ['e2b (v2 create)', await import('e2b')],
  ['e2b (v1 create)', await import('e2b-v1')],
]
