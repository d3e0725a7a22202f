// SPDX-License-Identifier: Apache-2.0
// The hashes and archives of `template pack` against those of the official client, made live for odd
// trees: what one has uploaded the other finds.
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Template } from 'e2b'

const e2b = process.env.E2B ?? 'e2b'

const file = (dir, path, content = path, mode = 0o644) => {
  const full = join(dir, path)
  mkdirSync(join(full, '..'), { recursive: true })
  writeFileSync(full, content)
  chmodSync(full, mode)
}

// Each makes a tree and says what is copied: [source, destination]...
const trees = {
  'one file': (d) => (file(d, 'a.txt', 'a\n', 0o600), [['a.txt', '/app/']]),
  'nothing in a file': (d) => (file(d, 'empty', ''), [['empty', '.']]),
  'the folder itself': (d) => (file(d, 'a'), file(d, 'b/c'), file(d, '.hidden/x'), [['.', '/all']]),
  'a folder, with and without slashes': (d) => (file(d, 's/a'), file(d, 's/t/b'),
    [['s', '/x'], ['s/', '/x'], ['./s', '/x'], ['s/t', 'rel'], ['s//t/', 'rel/']]),
  modes: (d) => {
    for (const mode of [0o400, 0o600, 0o644, 0o755, 0o4755, 0o2711, 0o777]) file(d, `m/${mode}`, 'x', mode)
    mkdirSync(join(d, 'm/sticky'))
    chmodSync(join(d, 'm/sticky'), 0o1777)
    return [['m', '/m']]
  },
  'symbolic links': (d) => {
    file(d, 'l/target', 'text')
    mkdirSync(join(d, 'l/dir'))
    file(d, 'l/dir/inside')
    symlinkSync('target', join(d, 'l/file-link'))
    symlinkSync('dir', join(d, 'l/dir-link'))
    symlinkSync('/etc/hostname', join(d, 'l/absolute'))
    symlinkSync('../é ü', join(d, 'l/odd'))
    symlinkSync('file-link', join(d, 'l/link-to-link'))
    symlinkSync('dir-link', join(d, 'l/link-to-dir-link'))
    symlinkSync('.', join(d, 'l/itself'))
    file(d, 'é ü')
    return [['l', '/l'], ['l/file-link', '/f'], ['l/dir-link', '/d']]
  },
  'hard links': (d) => {
    file(d, 'h/one', 'text', 0o640)
    linkSync(join(d, 'h/one'), join(d, 'h/two'))
    linkSync(join(d, 'h/one'), join(d, 'outside'))
    return [['h', '/h'], ['outside', '/o']]
  },
  'names of all kinds': (d) => {
    const names = ['a b', 'a-b', 'a.b', 'a/b', 'a0', 'ä', 'a\u0308', 'ÿ', ' leading', 'trailing ', 'dot.', '\u202e', '日本', '𝒳', '\uff5a', '\ue000', "quo'te", 'new\nline',
      '-dash', '.dot', '..dots', 'UPPER', 'lower', '~', '#hash', '$dollar', 'per%cent', 'tab\there', 'x'.repeat(200)]
    for (const name of names) file(d, `n/${name}`, name)
    return [['n', '/n']]
  },
  'empty folders': (d) => (mkdirSync(join(d, 'e/f/g'), { recursive: true }), mkdirSync(join(d, 'e/h')), [['e', '/e']]),
  'long paths': (d) => {
    const deep = Array.from({ length: 12 }, (_, i) => `${i}`.repeat(20)).join('/')
    file(d, `p/${deep}/file`)
    symlinkSync(`${deep}/file`, join(d, 'p/link'))
    return [['p', '/p']]
  },
  'big files': (d) => {
    file(d, 'big/sparse', '')
    truncateSync(join(d, 'big/sparse'), 40_000_000)
    file(d, 'big/exact', Buffer.alloc(1 << 20, 7))
    file(d, 'big/more', Buffer.from(Array.from({ length: 3_000_001 }, (_, i) => (i * i) >> 3)))
    return [['big', '/big']]
  },
  'many files': (d) => {
    for (let i = 0; i < 3000; i++) file(d, `many/${i % 37}/${i}`, `${i}`)
    return [['many', '/many']]
  },
  patterns: (d) => {
    for (const name of ['one.txt', 'two.txt', '.three.txt', 'four.md', 'sub/five.txt']) file(d, name)
    return [['*.txt', '/t/'], ['*.md', '/t/'], ['[ot]*.txt', '/t/'], ['????.md', '/t/']]
  },
}

// What an archive holds: type, mode, size, name and target of everything, in order.
const listing = (archive) =>
  execFileSync('tar', ['--numeric-owner', '--full-time', '--quoting-style=escape', '-tvzf', archive],
    { encoding: 'utf8', maxBuffer: 1 << 28 })

const pack = (dir, copies, ...options) => {
  const dockerfile = 'FROM x\n' + copies.map((c) => `COPY ${JSON.stringify(c)}\n`).join('')
  writeFileSync(join(dir, 'Dockerfile'), dockerfile)
  const out = mkdtempSync(join(tmpdir(), 'out-'))
  const printed = execFileSync(e2b, ['template', 'pack', '-p', dir, '-o', out, '--format', 'json', ...options],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  return { out, layers: JSON.parse(printed) }
}

const official = async (dir, copies) => {
  let template = Template({ fileContextPath: dir }).fromImage('x')
  for (const [source, dest] of copies) template = template.copy(source, dest)
  const steps = JSON.parse(await Template.toJSON(template, true)).steps
  return steps.filter((s) => s.type === 'COPY').map((s) => s.filesHash)
}

const fresh = (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'tree-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

for (const [name, make] of Object.entries(trees))
  test(`hashes of ${name}`, async (t) => {
    const dir = fresh(t)
    const copies = make(dir)
    for (const options of [[], ['--ignore-compat']]) {
      const { out, layers } = pack(dir, copies, ...options)
      t.after(() => rmSync(out, { recursive: true, force: true }))
      assert.deepEqual(layers.map((l) => l.filesHash), await official(dir, copies))
      for (const { filesHash, packedBytes } of layers) assert.ok(packedBytes > 0, filesHash)
    }
  })

test('the vector of the contract', (t) => {
  const dir = fresh(t)
  const { layers } = pack(dir, trees['one file'](dir))
  assert.equal(layers[0].filesHash, '19f05e3483a22f891b41ac1545255f3647c370f913c94f30583f58561159f277')
})

const ignores = ['node_modules', 'node_modules/**', 'src/**', '*.log', '**/*.log', '/build', '.git/', '!keep', 'src/*',
  '**/deep', '{a,b}.log', 'src/[ab]*', '**', '*', 'no?e_modules/**', 'src/sub/', './src', '# x', '  *.log  ',
  'src/**/x.log', '**/node_modules/**', '*/', 'src', '.*']

for (const line of ignores)
  test(`--ignore-compat with '${line}'`, async (t) => {
    const dir = fresh(t)
    for (const f of ['a.log', 'b.log', 'keep', 'node_modules/m/i.js', 'node_modules/a.log', 'src/a', 'src/b.log', 'src/sub/x.log',
      'src/deep/y', 'build/out', '.git/HEAD', '.env']) file(dir, f)
    file(dir, '.dockerignore', `${line}\n`)
    for (const copies of [[['.', '/x']], [['src', '/x']], [['*', '/x/']]]) {
      // The official client reads the folder as it is then: with the same Dockerfile in it.
      writeFileSync(join(dir, 'Dockerfile'), 'FROM x\n' + copies.map((c) => `COPY ${JSON.stringify(c)}\n`).join(''))
      const expected = await official(dir, copies).catch((e) => e.message)
      if (typeof expected === 'string') {
        assert.throws(() => pack(dir, copies, '--ignore-compat'), /No files found/, expected)
        continue
      }
      // A pattern may become one step a match here: then the hashes are others on purpose.
      if (copies[0][0] === '*') continue
      const { out, layers } = pack(dir, copies, '--ignore-compat')
      t.after(() => rmSync(out, { recursive: true, force: true }))
      assert.deepEqual(layers.map((l) => l.filesHash), expected, copies[0][0])
    }
  })

test('archives are the same bytes every time, and unpack to what was packed', (t) => {
  const dir = fresh(t)
  const copies = [...trees['names of all kinds'](dir), ...trees.modes(dir), ...trees['symbolic links'](dir).slice(0, 1)]
  const one = pack(dir, copies)
  const two = pack(dir, copies)
  t.after(() => [one, two].forEach(({ out }) => rmSync(out, { recursive: true, force: true })))
  for (const name of readdirSync(one.out)) {
    execFileSync('cmp', [join(one.out, name), join(two.out, name)])
    for (const line of listing(join(one.out, name)).trimEnd().split('\n')) assert.match(line, / 0\/0 .* 1980-01-01 /)
    const to = mkdtempSync(join(tmpdir(), 'unpacked-'))
    t.after(() => rmSync(to, { recursive: true, force: true }))
    execFileSync('tar', ['-xzpf', join(one.out, name), '-C', to])
    for (const top of readdirSync(to)) execFileSync('diff', ['-r', '--no-dereference', join(dir, top), join(to, top)])
  }
})
