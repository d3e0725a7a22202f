// SPDX-License-Identifier: Apache-2.0
// Secrets as the official client drives them. timeout: 120
import './backend.mjs'
import { Secret, SecretNotFoundError } from 'e2b'
import { test } from 'node:test'
import assert from 'node:assert/strict'

test('create, update, look, list, destroy', async () => {
  const made = await Secret.create('API-Key', 'value', { metadata: { owner: 'me' } })
  assert.deepEqual([made.name, made.metadata], ['api-key', { owner: 'me' }])
  assert.equal(await Secret.exists('api-key'), true)
  await Secret.update('api-key', 'other')
  assert.deepEqual((await Secret.getInfo('api-key')).metadata, { owner: 'me' })
  await Secret.create('second', 'value')
  const seen = []
  const pages = Secret.list({ limit: 1 })
  while (pages.hasNext) seen.push(...(await pages.nextItems()))
  assert.deepEqual(seen.map((s) => s.name).sort(), ['api-key', 'second'])
  for (const name of ['api-key', 'second']) assert.equal(await Secret.destroy(name), true)
  assert.equal(await Secret.destroy('api-key'), false)
  assert.equal(await Secret.exists('api-key'), false)
  await assert.rejects(Secret.getInfo('api-key'), SecretNotFoundError)
  await assert.rejects(Secret.create('no name', 'value'), /Invalid secrets request/)
})
