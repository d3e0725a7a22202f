// SPDX-License-Identifier: Apache-2.0
// The official command line against the local backend. timeout: 180
import { run } from './backend.mjs'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'

const official = fileURLToPath(new URL('./node_modules/@e2b/cli/dist/index.js', import.meta.url))
const cli = (args, input) => {
  const done = spawnSync(process.execPath, [official, ...args], { encoding: 'utf8', input, env: { ...process.env, NO_UPDATE_NOTIFIER: '1' } })
  return { status: done.status, out: done.stdout, err: done.stderr }
}

test('create, exec with piped stdin, list, kill', () => {
  const made = cli(['sandbox', 'create', '-d', 'base'])
  assert.equal(made.status, 0, made.err)
  const id = made.out.trim()
  assert.match(id, /^i[a-z0-9]{20}$/)
  const counted = cli(['sandbox', 'exec', id, 'wc -c'], 'x'.repeat(200_000))
  assert.deepEqual([counted.status, counted.out.trim()], [0, '200000'])
  assert.equal(cli(['sandbox', 'exec', id, '--', 'sh', '-c', 'exit 3']).status, 3)
  assert.match(cli(['sandbox', 'list']).out, new RegExp(id))
  const info = cli(['sandbox', 'info', id]).out, ours = run('sandbox', 'info', id).split('\n')
  assert.match(info, /State: running/)
  assert.deepEqual(info.split('\n').filter((line) => !ours.includes(line)), [], ours.join('\n'))
  assert.match(cli(['sandbox', 'kill', id]).out, /has been killed/)
  assert.doesNotMatch(cli(['sandbox', 'list']).out, new RegExp(id))
})

const project = mkdtempSync(`${tmpdir()}/project-`)
mkdirSync(`${project}/app/data`, { recursive: true })
writeFileSync(`${project}/app/main.sh`, '#!/bin/sh\necho "$GREETING from $(cat data/who)"\n', { mode: 0o755 })
writeFileSync(`${project}/app/data/who`, 'main\n')
symlinkSync('main.sh', `${project}/app/link.sh`)
writeFileSync(`${project}/e2b.Dockerfile`, `FROM e2bdev/base
ENV GREETING=hello
RUN mkdir -p /srv/app && chown user /srv/app
WORKDIR /srv/app
COPY --chown=user:user app .
RUN GREETING=$GREETING ./link.sh > said
USER user
`)
const create = (name, ...more) => cli(['template', 'create', name, '-p', project, '--cpu-count', '1', '--memory-mb', '512', ...more])

test('template create, and what it made', () => {
  const built = create('official', '--ready-cmd', '[ -f /tmp/started ]', '-c', 'touch /tmp/started && sleep 1000')
  assert.equal(built.status, 0, built.out + built.err)
  for (const part of [/Found \.\/e2b\.Dockerfile/, /Uploaded 'app'/, /Template is ready/, /Building sandbox template official finished/])
    assert.match(built.out + built.err, part)
  const id = cli(['sandbox', 'create', '-d', 'official']).out.trim()
  assert.equal(cli(['sandbox', 'exec', id, 'cat /srv/app/said; pwd; id -un; ls /tmp/started; readlink link.sh']).out,
    'hello from main\n/srv/app\nuser\n/tmp/started\nmain.sh\n')
  assert.match(cli(['sandbox', 'kill', id]).out, /has been killed/)
  assert.match(cli(['template', 'list']).out, /official/)
})

test('what one command line uploaded the other need not', () => {
  const again = create('official')
  assert.equal(again.status, 0, again.out + again.err)
  assert.match(again.out, /Skipping upload of 'app', already cached/)
  assert.match(again.out, /CACHED \[builder/)
  assert.match(run('template', 'create', 'ours', '-p', project), /Skipping upload of 'app', already cached/)
  writeFileSync(`${project}/app/data/who`, 'other\n')
  assert.match(run('template', 'create', 'ours', '-p', project), /Uploaded 'app'/)
  assert.match(create('official').out, /Skipping upload of 'app', already cached/)
})

test('a build that fails is told by both alike', () => {
  writeFileSync(`${project}/bad.Dockerfile`, 'FROM e2bdev/base\nRUN exit 3\n')
  const theirs = create('official-bad', '-d', 'bad.Dockerfile')
  assert.equal(theirs.status, 1)
  assert.match(theirs.out + theirs.err, /Template build failed[^]*failed to run command 'exit 3': exit status 3/)
  assert.throws(() => run('template', 'create', 'ours-bad', '-p', project, '-d', 'bad.Dockerfile'),
    (e) => e.status !== 0 && /failed to run command 'exit 3': exit status 3/.test(e.stderr))
})

test('publish, unpublish, delete', () => {
  assert.match(cli(['template', 'publish', '-y', 'official']).out, /Published as: .*official/)
  assert.equal(JSON.parse(run('template', 'list', '-f', 'json')).find((t) => t.names.some((n) => n.includes('official'))).public, true)
  assert.match(cli(['template', 'unpublish', '-y', 'official']).out, /Unpublishing/)
  assert.match(cli(['template', 'delete', '-y', 'official']).out, /Deleting sandbox template official/)
  assert.doesNotMatch(cli(['template', 'list']).out, / official /)
})
