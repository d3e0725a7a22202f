// SPDX-License-Identifier: Apache-2.0
// Images as other tools make them, imported and run by the command line. timeout: 180
import { test, after } from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dir, minimal, tar } from './images.mjs'

const run = (program, ...args) => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const e2b = (...args) => run(process.env.E2B, ...args)
e2b('local', 'start')
after(() => e2b('local', 'stop'))

// Output of shell text in a sandbox of the template, as a list of lines.
const inside = (template, text) => e2b('sandbox', 'run', template, '--', 'sh', '-c', text).trimEnd().split('\n')

/* ---- umoci ---- */

// A change of the root file system becomes a layer.
function layer(image, change) {
  const bundle = `${dir()}/bundle`, rootless = process.getuid() ? ['--rootless'] : []
  run('umoci', 'unpack', ...rootless, '--image', image, bundle)
  change(`${bundle}/rootfs`)
  run('umoci', 'repack', '--image', image, bundle)
}

function made() {
  const layout = `${dir()}/image`, image = `${layout}:v1`
  run('umoci', 'init', '--layout', layout)
  run('umoci', 'new', '--image', image)
  layer(image, (root) => run('cp', '-a', `${minimal()}/.`, root))
  layer(image, (root) => {
    rmSync(`${root}/gone/deep`, { recursive: true })
    rmSync(`${root}/opaque`, { recursive: true })
    symlinkSync('gone', `${root}/opaque`)
    mkdirSync(`${root}/gone/now-a-folder`)
    writeFileSync(`${root}/gone/Főtanúsítvány ${'x'.repeat(120)}`, 'name')
    writeFileSync(`${root}/etc/linked`, 'of its own\n')
  })
  layer(image, (root) => {
    rmSync(`${root}/gone/now-a-folder`, { recursive: true })
    writeFileSync(`${root}/gone/now-a-folder`, 'now a file\n', { mode: 0o604 })
  })
  run('umoci', 'config', '--image', image, '--config.env', 'GREETING=hello there', '--config.workingdir', '/var')
  return layout
}

test('three layers of umoci', (t) => {
  try { run('umoci', '--version') } catch { return t.skip('umoci is not installed') }
  e2b('template', 'import', 'umoci:v1', made())
  assert.deepEqual(inside('umoci:v1', 'echo "$GREETING"; pwd; cat /opaque/now-a-folder /etc/linked; stat -c "%a %h" /gone/now-a-folder; ls /gone'), [
    'hello there', '/var', 'now a file', 'of its own', '604 1', `Főtanúsítvány ${'x'.repeat(120)}`, 'now-a-folder'])
})

/* ---- docker ---- */

// A layer that is there twice is written once, and linked to.
test('an archive of docker save with a link, and the folder of it', () => {
  const to = dir(), twice = dir()
  writeFileSync(`${twice}/twice`, 'text\n')
  for (const name of ['0', '1', '2']) mkdirSync(`${to}/${name}`)
  writeFileSync(`${to}/c.json`, '{"config":{"WorkingDir":"/etc"}}')
  writeFileSync(`${to}/0/layer.tar`, tar(minimal()))
  writeFileSync(`${to}/2/layer.tar`, tar(twice))
  symlinkSync('../2/layer.tar', `${to}/1/layer.tar`)
  writeFileSync(`${to}/manifest.json`, '[{"Config":"c.json","Layers":["0/layer.tar","1/layer.tar","2/layer.tar"]}]')
  writeFileSync(`${to}.tar`, tar(to))
  for (const [name, path] of [['archive', `${to}.tar`], ['folder', to]]) {
    e2b('template', 'import', `linked:${name}`, path)
    assert.deepEqual(inside(`linked:${name}`, 'pwd; cat /twice'), ['/etc', 'text'])
  }
})
