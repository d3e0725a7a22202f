// SPDX-License-Identifier: Apache-2.0
// Templates as the official client builds them. timeout: 180
import './backend.mjs'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'

const { Sandbox, Template, waitForFile } = await import('e2b')

const context = mkdtempSync(`${tmpdir()}/context-`)
mkdirSync(`${context}/folder`)
writeFileSync(`${context}/folder/test.txt`, 'This is a test file.')
symlinkSync('test.txt', `${context}/folder/symlink.txt`)

test('build with files, start command and tags; a sandbox of it', async () => {
  const lines = []
  const template = Template({ fileContextPath: context })
    .fromBaseImage()
    .copy('folder/*', 'folder', { forceUpload: true })
    .runCmd('cat folder/symlink.txt > said')
    .setEnvs({ GREETING: 'hello' })
    .setWorkdir('/app')
    .setStartCmd('touch /tmp/started && sleep 1000', waitForFile('/tmp/started'))
  const info = await Template.build(template, 'sdk-template:v1', { cpuCount: 1, memoryMB: 512, onBuildLogs: (l) => lines.push(l.message) })
  assert.deepEqual([info.name, info.tags], ['sdk-template:v1', ['v1']])
  assert.ok(lines.some((l) => l.includes('Template is ready')), lines.join('\n'))
  assert.equal(await Template.exists('sdk-template'), true)
  assert.equal(await Template.exists('sdk-no-template'), false)
  const sandbox = await Sandbox.create('sdk-template:v1')
  const said = await sandbox.commands.run('cat /home/user/said; pwd; ls /tmp/started; nproc')
  assert.match(said.stdout, /^This is a test file\.\/app\n\/tmp\/started\n/)
  await sandbox.kill()
})

test('a failure points at the call', async () => {
  const failed = Template.build(Template().fromTemplate('base').runCmd('exit 3'), 'sdk-bad')
  await assert.rejects(failed, (error) => error.name === 'BuildError' && /exit status 3/.test(error.message) && /template\.test\.mjs/.test(error.stack))
})

test('in the background, and its tags', async () => {
  const template = Template().fromBaseImage().skipCache().runCmd('sleep 1.5')
  const info = await Template.buildInBackground(template, 'sdk-background:one')
  let status = await Template.getBuildStatus(info)
  assert.equal(status.status, 'building')
  while (status.status === 'building') status = await Template.getBuildStatus(info)
  assert.equal(status.status, 'ready')
  const assigned = await Template.assignTags('sdk-background:one', ['production', 'latest'])
  assert.equal(assigned.buildId, info.buildId)
  assert.deepEqual((await Template.getTags('sdk-background')).map((t) => t.tag), ['one', 'production', 'latest'])
  await Template.removeTags('sdk-background', 'production')
  assert.deepEqual((await Template.getTags('sdk-background')).map((t) => t.tag), ['one', 'latest'])
})
