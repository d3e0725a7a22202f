// SPDX-License-Identifier: Apache-2.0
//
// A local backend for one test file, and sandboxes in it, spoken to by plain requests over TCP: what
// no client would send can be sent as well.
import { execFileSync } from 'node:child_process'
import { after } from 'node:test'
import assert from 'node:assert/strict'
import http from 'node:http'
import { envelope } from './daemon.mjs'

const e2b = process.env.E2B ?? 'e2b'
const env = {}

export const run = (...args) => execFileSync(e2b, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

for (const line of run('local', 'env', '--shell', 'sh').split('\n')) {
  const match = line.match(/^export ([A-Z0-9_]+)='?([^']*)'?$/)
  if (match) env[match[1]] = match[2]
}
after(() => {
  run('sandbox', 'kill', '--all')
  run('local', 'stop')
})

const url = new URL(env.E2B_API_URL)
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
after(() => agent.destroy())

// One request as given; `raw` has status, headers and body (a Buffer).
export function request(method, path, { headers = {}, body, raw } = {}) {
  return new Promise((resolve, reject) => {
    const req = http.request({ host: url.hostname, port: url.port, method, path, headers, agent }, (res) => {
      const parts = []
      res.on('data', (part) => parts.push(part))
      res.on('error', reject)
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts) }))
    })
    req.on('error', reject)
    if (raw) raw(req)
    else req.end(body)
  })
}

export const api = async (method, path, body) => {
  const r = await request(method, path, {
    headers: { 'X-API-Key': env.E2B_API_KEY, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  })
  return { status: r.status, json: r.body.length ? JSON.parse(r.body) : null }
}

export async function create(options = {}) {
  const { status, json } = await api('POST', '/sandboxes', { templateID: 'base', timeout: 300, secure: true, ...options })
  assert.equal(status, 201, JSON.stringify(json))
  return new Sandbox(json.sandboxID, json.envdAccessToken)
}

export class Sandbox {
  constructor(id, token) {
    this.id = id
    this.token = token
  }

  headers(more = {}) {
    const own = { 'E2b-Sandbox-Id': this.id, 'E2b-Sandbox-Port': '49983' }
    if (this.token) own['X-Access-Token'] = this.token
    return { ...own, ...more }
  }

  request(method, path, options = {}) {
    return request(method, path, { ...options, headers: this.headers(options.headers) })
  }

  // A unary call of the Connect protocol: { status, json }.
  async call(method, body, headers = {}) {
    const r = await this.request('POST', `/${method}`, {
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: r.status, json: JSON.parse(r.body) }
  }

  // A stream: messages come one by one from next(), the last one has `end`, or `broken`.
  stream(method, body, headers = {}) {
    const messages = []
    let wake = () => {}
    let rest = Buffer.alloc(0)
    const req = http.request({
      host: url.hostname, port: url.port, method: 'POST', path: `/${method}`,
      headers: this.headers({ 'content-type': 'application/connect+json', ...headers }),
    }, (res) => {
      res.on('data', (part) => {
        rest = Buffer.concat([rest, part])
        while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
          const len = rest.readUInt32BE(1)
          const json = JSON.parse(rest.subarray(5, 5 + len))
          messages.push(rest[0] & 2 ? { end: json } : json)
          rest = rest.subarray(5 + len)
        }
        wake()
      })
      res.on('error', () => {
        messages.push({ broken: true })
        wake()
      })
    })
    req.on('error', () => {})
    req.end(envelope(body))
    return {
      close: () => req.destroy(),
      next: async () => {
        while (!messages.length) await new Promise((resolve) => { wake = resolve })
        return messages.shift()
      },
    }
  }

  // A command to its end: what it printed.
  async sh(script, user = 'user') {
    const stream = this.stream('process.Process/Start', { process: { cmd: '/bin/bash', args: ['-c', script] }, stdin: false },
      { authorization: `Basic ${Buffer.from(`${user}:`).toString('base64')}` })
    let out = ''
    for (;;) {
      const { event, end, broken } = await stream.next()
      assert.ok(!broken, script)
      if (event?.data?.stdout) out += Buffer.from(event.data.stdout, 'base64')
      if (event?.data?.stderr) out += Buffer.from(event.data.stderr, 'base64')
      if (event?.end) assert.equal(event.end.exitCode ?? 0, 0, `${script}: ${out}`)
      if (end) return out
    }
  }

  fs(method, body, headers) {
    return this.call(`filesystem.Filesystem/${method}`, body, headers)
  }

  get(path, headers = {}, query = '') {
    return this.request('GET', `/files?path=${encodeURIComponent(path)}${query}`, { headers })
  }

  put(path, body, headers = {}, query = '') {
    return this.request('POST', `/files?path=${encodeURIComponent(path)}${query}`, {
      headers: { 'content-type': 'application/octet-stream', ...headers }, body,
    })
  }

  kill() {
    return api('DELETE', `/sandboxes/${this.id}`)
  }
}
