// SPDX-License-Identifier: Apache-2.0
// Commands and terminals through the official clients. timeout: 180
import { clients, until } from './backend.mjs'
import { test } from 'node:test'
import assert from 'node:assert/strict'

for (const [name, { Sandbox, CommandExitError, TimeoutError, InvalidArgumentError }] of clients) {
  test(name, async (t) => {
    const sandbox = await Sandbox.create()
    t.after(() => sandbox.kill())

    await t.test('output, exit code, user, cwd, environment', async () => {
      const done = await sandbox.commands.run('echo out; echo err >&2; echo $A; pwd; id -un', {
        cwd: '/tmp', envs: { A: 'x=y z' }, user: 'root' })
      assert.equal(done.exitCode, 0)
      assert.equal(done.stdout, 'out\nx=y z\n/tmp\nroot\n')
      assert.equal(done.stderr, 'err\n')
      assert.equal((await sandbox.commands.run('id -un; pwd; echo $HOME')).stdout, 'user\n/home/user\n/home/user\n')
      await assert.rejects(sandbox.commands.run('exit 7'), (e) => e instanceof CommandExitError && e.exitCode === 7)
      await assert.rejects(sandbox.commands.run('true', { cwd: '/nope' }), InvalidArgumentError)
      assert.equal((await sandbox.commands.run('echo $E2B_SANDBOX $E2B_SANDBOX_ID')).stdout, `true ${sandbox.sandboxId}\n`)
      await assert.rejects(sandbox.commands.run('true', { user: 'nobody-here' }), /invalid username/)
    })

    await t.test('streams while it runs', async () => {
      const pieces = []
      await sandbox.commands.run('echo 1; until [ -e seen ]; do sleep 0.05; done; echo 2', {
        onStdout: (s) => pieces.push(s) === 1 && sandbox.files.write('seen', '') })
      assert.deepEqual(pieces, ['1\n', '2\n'])
      const big = await sandbox.commands.run('head -c 5000000 /dev/zero | tr "\\0" é | head -c 5000000')
      assert.equal(Buffer.byteLength(big.stdout) >= 4_999_998, true)
    })

    await t.test('background: stdin, list, connect, kill', async () => {
      let echoed
      const hello = new Promise((resolve) => { echoed = resolve })
      const cat = await sandbox.commands.run('cat', { background: true, stdin: true, onStdout: echoed })
      await sandbox.commands.sendStdin(cat.pid, 'hello\n')
      assert.equal(await hello, 'hello\n')
      assert.ok((await sandbox.commands.list()).some((p) => p.pid === cat.pid && p.args.includes('cat')))
      const seen = new Promise((resolve) => {
        sandbox.commands.connect(cat.pid, { onStdout: resolve }).then(() => sandbox.commands.sendStdin(cat.pid, 'again\n'))
      })
      assert.equal(await seen, 'again\n')
      await cat.closeStdin?.()
      if (!cat.closeStdin) await cat.kill()
      else assert.equal((await cat.wait()).exitCode, 0)
      const sleeper = await sandbox.commands.run('sleep 60', { background: true })
      assert.equal(await sleeper.kill(), true)
      await assert.rejects(sleeper.wait(), (e) => e.exitCode === -1 || /killed/.test(e.message))
      assert.equal(await sandbox.commands.kill(sleeper.pid), false)
    })

    await t.test('a timeout kills the process', async () => {
      await assert.rejects(sandbox.commands.run('exec sleep 61', { timeoutMs: 500 }), TimeoutError)
      const left = await sandbox.commands.run('while pgrep -x sleep >/dev/null; do :; done; echo none')
      assert.equal(left.stdout, 'none\n')
    })

    await t.test('terminal: input, resize, exit', async () => {
      let text = ''
      const terminal = await sandbox.pty.create({ cols: 80, rows: 24, onData: (d) => { text += Buffer.from(d).toString() } })
      await sandbox.pty.sendInput(terminal.pid, Buffer.from('echo $TERM:$((1+1)); stty size\n'))
      await until(() => /xterm-256color:2\r\n24 80/.test(text))
      await sandbox.pty.resize(terminal.pid, { cols: 100, rows: 30 })
      await sandbox.pty.sendInput(terminal.pid, Buffer.from('stty size\n'))
      await until(() => /30 100/.test(text))
      await sandbox.pty.sendInput(terminal.pid, Buffer.from('exit 4\n'))
      await assert.rejects(terminal.wait(), (e) => e.exitCode === 4)
      const other = await sandbox.pty.create({ cols: 80, rows: 24, onData() {} })
      assert.equal(await sandbox.pty.kill(other.pid), true)
      assert.equal(await sandbox.pty.kill(other.pid), false)
    })

    await t.test('a sandbox that is killed ends its streams', async () => {
      const doomed = await Sandbox.create()
      const running = await doomed.commands.run('sleep 60', { background: true })
      let watched
      const end = new Promise((resolve) => { watched = resolve })
      await doomed.files.watchDir('/tmp', () => {}, { onExit: watched })
      await doomed.kill()
      const gone = (e) => e instanceof TimeoutError && /was killed or reached its end of life/.test(e.message)
      await assert.rejects(running.wait(), gone)
      assert.ok(gone(await end))
    })
  })
}
