// SPDX-License-Identifier: Apache-2.0
//
// Who webhooks are sent to: verifies every signature exactly as the documentation shows it, and
// answers as told.
import crypto from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'

// The sample of the documentation, word for word but for the types.
function verifyWebhookSignature(secret, payload, payloadSignature) {
  const expectedSignatureRaw = crypto.createHash('sha256').update(secret + payload).digest('base64')
  const expectedSignature = expectedSignatureRaw.replace(/=+$/, '')
  return expectedSignature == payloadSignature
}

const open = new Set()

export class Receiver {
  requests = 0
  wrong = [] // requests that are not as documented
  events = []
  deliveries = []
  answer = () => 200 // a status; 0: never
  keep = (event, deliveryId, _status) => { // before it is answered
    this.events.push(event)
    this.deliveries.push(deliveryId)
  }

  static async open(secret, host = '127.0.0.1') {
    const receiver = new Receiver()
    receiver.server = http.createServer((request, response) => {
      const pieces = []
      request.on('data', (piece) => pieces.push(piece))
      request.on('end', () => receiver.take(secret, request, Buffer.concat(pieces).toString(), response))
    })
    receiver.server.listen(0, host)
    await once(receiver.server, 'listening')
    receiver.url = `http://127.0.0.1:${receiver.server.address().port}/hook`
    open.add(receiver)
    return receiver
  }

  static async closeAll() {
    for (const { server } of open) {
      server.closeAllConnections()
      server.close()
    }
  }

  take(secret, request, body, response) {
    this.requests++
    const { headers, method } = request
    const good = method === 'POST' && headers['content-type'] === 'application/json' && headers['e2b-signature-version'] === 'v1' &&
      /^[0-9a-f-]{36}$/.test(headers['e2b-webhook-id']) && verifyWebhookSignature(secret, body, headers['e2b-signature'])
    if (!good) this.wrong.push({ method, headers, body })
    const event = JSON.parse(body)
    const status = this.answer(event)
    this.keep(event, headers['e2b-delivery-id'], status)
    if (status) response.writeHead(status, { 'content-type': 'text/plain' }).end(status < 300 ? 'ok' : 'no')
  }
}
