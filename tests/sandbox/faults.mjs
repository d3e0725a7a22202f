// SPDX-License-Identifier: Apache-2.0
//
// A backend whose wall clock and memory a test rules: faults.so, see tests/faults.c.
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { startDaemon } from './daemon.mjs'

const file = `${process.env.HOME}/faults`
const at = { wallMs: 0, failAt: 8, count: 16, limited: 24, room: 32 }

const fd = openSync(file, 'w+')
writeSync(fd, Buffer.alloc(40), 0, 40, 0)
process.on('exit', () => closeSync(fd))

export function setFault(name, value) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt(value))
  writeSync(fd, bytes, 0, 8, at[name])
}
export function getFault(name) {
  const bytes = Buffer.alloc(8)
  readSync(fd, bytes, 0, 8, at[name])
  return Number(bytes.readBigInt64LE())
}
export const startFaulty = () =>
  startDaemon({ env: { LD_PRELOAD: `${dirname(process.env.E2B)}/faults.so`, FAULTS: file } })
