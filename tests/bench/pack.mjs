// SPDX-License-Identifier: Apache-2.0
//
// One template build by the official client up to its upload, against a server that takes everything:
//   pack.mjs FOLDER FILE      copies `tree` of the folder; FILE is the archive that arrived
import { createServer } from 'node:http'
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const [folder, file] = process.argv.slice(2)
const require = createRequire(fileURLToPath(new URL('../sdk/', import.meta.url)))
const { Template } = require('e2b')

const server = createServer(async (req, res) => {
  const json = (status, body) => res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  if (req.method === 'PUT') return (await pipeline(req, createWriteStream(file)), res.end())
  req.resume()
  if (req.url === '/v3/templates') return json(202, { templateID: 't', buildID: 'b', tags: [], names: [], aliases: [], public: false })
  if (req.url.includes('/files/')) return json(201, { present: false, url: `http://127.0.0.1:${server.address().port}/upload` })
  res.writeHead(202, { 'content-length': 0 }).end()
})
server.keepAliveTimeout = 0 // between two requests the client packs, however long
server.listen(0, '127.0.0.1', async () => {
  const template = Template({ fileContextPath: folder }).fromImage('x').copy('tree', '/tree')
  await Template.buildInBackground(template, 'bench', {
    apiKey: 'e2b_' + '0'.repeat(40), apiUrl: `http://127.0.0.1:${server.address().port}`,
  })
  process.exit(0)
})
