// SPDX-License-Identifier: Apache-2.0
//
// Builds as a program asks for them, and the archives that their steps copy from.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import http from 'node:http'
import { ask } from './daemon.mjs'

const home = process.env.E2B_HOME

export const name = (() => { let n = 0; return () => `t-${++n}` })()
export const run = (line, ...user) => ({ type: 'RUN', args: [line, ...user] })

export async function begin(spec, template = name(), more = {}) {
  const made = await ask('POST', '/v3/templates', { name: template, ...more })
  assert.equal(made.status, 202, made.text)
  const { templateID, buildID } = made.json
  const path = `/templates/${templateID}/builds/${buildID}`
  const started = await ask('POST', `/v2${path}`, { fromImage: 'e2bdev/base', steps: [], force: false, ...spec })
  assert.equal(started.status, 202, started.text)
  assert.equal(started.headers['content-length'], '0')
  return { templateID, buildID, path, template }
}

export async function end(build) {
  for (;;) {
    const { json } = await ask('GET', `${build.path}/status?logsOffset=0&limit=100`)
    if (json.status !== 'building') return { ...build, ...json, lines: json.logEntries.map((l) => l.message) }
    await new Promise((resolve) => setTimeout(resolve, 20)) // the contract knows no other way to wait
  }
}

export const build = async (...args) => end(await begin(...args))

export function put(url, bytes, { length = bytes.length, cut } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: 'PUT', headers: { 'content-length': length } }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode))
    })
    request.on('error', (error) => (cut ? resolve('cut') : reject(error)))
    request.write(bytes, () => cut && request.destroy())
    if (!cut) request.end()
  })
}

// An archive by GNU tar, under any hash: it is the client's.
export function archive(args, files) {
  const dir = mkdtempSync(`${home}/ctx-`)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${dir}/${path}`), { recursive: true })
    writeFileSync(`${dir}/${path}`, text)
  }
  const bytes = execFileSync('tar', ['-cz', '-C', dir, ...args])
  return { bytes, hash: createHash('sha256').update(bytes).digest('hex') }
}

export async function place(template, { hash, bytes }) {
  const asked = await ask('GET', `/templates/${template}/files/${hash}`)
  assert.equal(asked.status, 201, asked.text)
  if (bytes) assert.equal(await put(asked.json.url, bytes), 200)
  return asked.json
}
