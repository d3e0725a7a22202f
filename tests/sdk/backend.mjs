// SPDX-License-Identifier: Apache-2.0
//
// A local backend for one test file, set up as a person would: by what `e2b local env` prints. Import
// this before a client: clients read the environment when they are loaded.
import { execFileSync } from 'node:child_process'
import { after } from 'node:test'

const e2b = process.env.E2B ?? 'e2b'

// The limit is only there to end a failing test.
export async function until(condition) {
  for (const end = Date.now() + 60_000; !condition();) {
    if (Date.now() > end) throw new Error(`waited in vain for ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

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
