// SPDX-License-Identifier: Apache-2.0
//
// What the tests of images share: a small root file system of this machine's own programs, its
// import, and a look into a sandbox of what came of it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { ask, create, access } from './daemon.mjs'

export const dir = () => mkdtempSync(`${process.env.E2B_HOME}/image-`)

export async function load(name, path, more) {
  const begun = await ask('POST', '/local/images', { name, path, ...more })
  assert.equal(begun.status, 202, begun.text)
  for (;;) {
    const { json } = await ask('GET', `/templates/${begun.json.templateID}/builds/${begun.json.buildID}/status`)
    if (json.status !== 'building') return json
    await new Promise((resolve) => setTimeout(resolve, 20)) // the contract knows no other way to wait
  }
}

// A few programs of this machine and what they link to: enough for a template.
const programs = ['sh', 'cat', 'ls', 'mkdir', 'chown', 'chmod', 'sed', 'head', 'bash', 'stat', 'id']
export function minimal() {
  const to = dir()
  for (const path of ['usr/bin', 'etc', 'var', 'gone/deep', 'opaque']) mkdirSync(`${to}/${path}`, { recursive: true })
  execFileSync('ln', ['-s', 'usr/bin', `${to}/bin`])
  const copy = (file) => execFileSync('sh', ['-c', 'mkdir -p "$2$(dirname "$1")" && cp -L "$1" "$2$1"', 'sh', file, to])
  for (const program of programs) {
    const path = execFileSync('sh', ['-c', 'readlink -f "$(command -v "$1")"', 'sh', program], { encoding: 'utf8' }).trim()
    execFileSync('cp', ['-L', path, `${to}/usr/bin/${program}`])
    let libraries = ''
    try { libraries = execFileSync('ldd', [path], { encoding: 'utf8' }) } catch {}
    for (const [library] of libraries.matchAll(/\/[^ ]*/g)) copy(library)
  }
  writeFileSync(`${to}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(`${to}/etc/group`, 'root:x:0:\n')
  writeFileSync(`${to}/gone/deep/file`, 'x')
  writeFileSync(`${to}/opaque/old`, 'x')
  execFileSync('ln', [`${to}/etc/group`, `${to}/etc/linked`])
  execFileSync('mkfifo', [`${to}/pipe`])
  return to
}

export const tar = (from, flags = '-c') =>
  execFileSync('tar', [flags, '--owner=0', '--group=0', '-f', '-', '-C', from, '.'], { maxBuffer: 1 << 28 })

async function read(sandbox, path) {
  return ask('GET', `/files?path=${encodeURIComponent(path)}&username=root`, undefined, { headers: access(sandbox) })
}

export async function look(template, paths) {
  const sandbox = await create({ templateID: template })
  const found = {}
  for (const path of paths) found[path] = (await read(sandbox, path)).status
  await ask('DELETE', `/sandboxes/${sandbox.sandboxID}`)
  return found
}
