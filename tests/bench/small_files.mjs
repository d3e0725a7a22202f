// SPDX-License-Identifier: Apache-2.0
//
// Many small files into a sandbox and out again, 8 at a time over kept connections, and the same
// number by cp -r.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import http from 'node:http'

const [url, id, token, count, directory] = process.argv.slice(2)
const { hostname, port } = new URL(url)
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
const headers = { 'E2b-Sandbox-Id': id, 'E2b-Sandbox-Port': '49983', 'X-Access-Token': token, 'Content-Type': 'application/octet-stream' }
const content = 'x'.repeat(1000)
const name = (i) => `${i % 100}/${i}`

const request = (method, path, body) => new Promise((resolve, reject) => {
  const req = http.request({ hostname, port, method, path, agent, headers }, (res) => {
    res.resume()
    res.on('end', () => (res.statusCode === 200 ? resolve() : reject(new Error(`${method} ${path}: ${res.statusCode}`))))
  })
  req.on('error', reject)
  req.end(body)
})

function tell(label, began) {
  console.log(label.padEnd(46), String(Math.round(count / ((Date.now() - began) / 1000))).padStart(9), 'files/s')
}

async function all(label, one) {
  const began = Date.now()
  let next = 0
  await Promise.all(Array.from({ length: 8 }, async () => { while (next < count) await one(next++) }))
  tell(label, began)
}

await all(`${count} files of 1 kB in`, (i) => request('POST', `/files?path=small/${name(i)}`, content))
await all(`${count} files of 1 kB out`, (i) => request('GET', `/files?path=small/${name(i)}`))
for (let i = 0; i < 100; i++) mkdirSync(`${directory}/${i}`, { recursive: true })
for (let i = 0; i < count; i++) writeFileSync(`${directory}/${name(i)}`, content)
const began = Date.now()
execFileSync('cp', ['-r', directory, `${directory}.copy`])
tell('  cp -r of as many', began)
process.exit(0)
