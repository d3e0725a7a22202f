// SPDX-License-Identifier: Apache-2.0
//
// The backend as a program speaks to it: started here, asked over its Unix socket or over TCP with
// node's own HTTP client, and without any library for the Connect protocol.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'

const home = process.env.E2B_HOME
export const socketPath = `${home}/run/e2b.sock`

// Connections are kept for one backend: the next knows nothing of them.
let agent

export async function startDaemon({ env = {} } = {}) {
  agent = new http.Agent({ keepAlive: true })
  const daemon = spawn(`${process.env.E2B}d`, [], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  daemon.stdout.on('data', (d) => { said += d })
  daemon.stderr.on('data', (d) => { said += d })
  const ended = once(daemon, 'exit')
  await new Promise((resolve, reject) => {
    const look = () => said.split('\n').includes('ready') && resolve()
    daemon.stdout.on('data', look)
    daemon.stderr.on('data', look)
    ended.then(([code, signal]) => reject(new Error(`the backend did not start: ${signal ?? code} ${said}`)))
  })
  return {
    pid: daemon.pid,
    said: () => said,
    async end(signal) {
      daemon.kill(signal)
      await ended
    },
  }
}

export const apiKey = () => readFileSync(`${home}/api-key`, 'utf8').trim()
export const port = () => Number(readFileSync(`${home}/port`, 'utf8'))

// One request; the answer as {status, headers, text, json}.
export function ask(method, path, body, { headers = {}, tcp = false } = {}) {
  const where = tcp ? { host: '127.0.0.1', port: port() } : { socketPath }
  const bytes = body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const request = http.request({ ...where, agent, method, path, headers: { 'content-type': 'application/json', ...headers } }, (answer) => {
      const pieces = []
      answer.on('data', (d) => pieces.push(d))
      answer.on('error', reject)
      answer.on('end', () => {
        const text = Buffer.concat(pieces).toString()
        let json
        try { json = JSON.parse(text) } catch { json = undefined }
        resolve({ status: answer.statusCode, headers: answer.headers, text, json })
      })
    })
    request.on('error', reject)
    request.end(bytes)
  })
}

export async function create(fields = {}) {
  const made = await ask('POST', '/v2/sandboxes', { templateID: 'base', ...fields })
  if (made.status !== 201) throw new Error(`${made.status} ${made.text}`)
  return made.json
}

export const access = (sandbox, more) => ({
  'e2b-sandbox-id': sandbox.sandboxID, 'e2b-sandbox-port': '49983',
  ...(sandbox.envdAccessToken && { 'x-access-token': sandbox.envdAccessToken }), ...more })

export const unary = (sandbox, method, message, headers) =>
  ask('POST', `/process.Process/${method}`, message, { headers: access(sandbox, headers) })

export const basic = (user) => ({ authorization: 'Basic ' + Buffer.from(`${user}:`).toString('base64') })
export const envelope = (message) => {
  const json = Buffer.from(JSON.stringify(message))
  const head = Buffer.alloc(5)
  head.writeUInt32BE(json.length, 1)
  return Buffer.concat([head, json])
}

// A stream of a process. Collects what comes; `until` waits for a condition, `end` for the last envelope.
export class Stream {
  constructor(sandbox, method, message, headers = {}) {
    this.out = this.err = this.pty = ''
    this.bytes = 0
    this.events = []
    this.waiting = []
    this.over = new Promise((resolve, reject) => { this.resolve = resolve; this.reject = reject })
    this.over.catch(() => {})
    this.request = http.request({
      socketPath, agent, method: 'POST', path: `/process.Process/${method}`,
      headers: access(sandbox, { 'content-type': 'application/connect+json', ...headers }),
    }, (answer) => this.read(answer))
    this.request.on('error', this.reject)
    this.request.end(envelope(message))
  }
  read(answer) {
    this.answer = answer
    this.status = answer.statusCode
    let left = Buffer.alloc(0)
    answer.on('data', (piece) => {
      left = left.length ? Buffer.concat([left, piece]) : piece
      while (left.length >= 5 && left.length >= 5 + left.readUInt32BE(1)) {
        const length = left.readUInt32BE(1)
        this.take(left[0], JSON.parse(left.subarray(5, 5 + length).toString()))
        left = left.subarray(5 + length)
      }
    })
    answer.on('error', this.reject)
    answer.on('end', () => this.reject(new Error(`the stream broke: ${this.status}`)))
  }
  take(flags, message) {
    if (flags & 2) { this.last = message; this.resolve(this) }
    else {
      const { start, data, end } = message.event
      this.events.push(Object.keys(message.event)[0])
      if (start) this.pid = start.pid
      if (end) this.exit = end
      if (data?.stdout) { const b = Buffer.from(data.stdout, 'base64'); this.bytes += b.length; this.out = (this.out + b).slice(-65536) }
      if (data?.stderr) this.err += Buffer.from(data.stderr, 'base64')
      if (data?.pty) this.pty += Buffer.from(data.pty, 'base64')
    }
    this.waiting = this.waiting.filter(([condition, resolve]) => !condition(this) || resolve(this))
  }
  until(condition) {
    if (condition(this)) return Promise.resolve(this)
    return Promise.race([
      new Promise((resolve) => this.waiting.push([condition, resolve])),
      this.over.then(() => { if (!condition(this)) throw new Error(`ended before: ${this.out} ${this.err} ${this.pty} ${JSON.stringify(this.last)}`) }),
    ])
  }
  end() { return this.over }
  leave() { this.request.destroy() }
}

export const start = (sandbox, script, { process: config, ...more } = {}, headers = {}) =>
  new Stream(sandbox, 'Start', { process: { cmd: '/bin/bash', args: ['-c', script], ...config }, stdin: false, ...more }, headers)
export const input = (sandbox, pid, text) =>
  unary(sandbox, 'SendInput', { process: { pid }, input: { stdin: Buffer.from(text).toString('base64') } })
