// SPDX-License-Identifier: Apache-2.0
//
// Tar archives of entries that no tar would write: what an entry says of itself is taken as it is.
//   tar({ name: 'a', data: 'text' }, { name: 'b', type: LINK, to: '../a' }) is a Buffer
// `pax` has records for an extended header before the entry, `size` is what the header claims.
const BLOCK = 512
export const FILE = '0', HARD_LINK = '1', LINK = '2', CHAR_DEVICE = '3', BLOCK_DEVICE = '4', FOLDER = '5', PIPE = '6'
const EXTENDED = 'x', OLD_SPARSE = 'S'

const octal = (number, length) =>
  number < 8 ** (length - 1) ? number.toString(8).padStart(length - 1, '0') + '\0' : base256(number, length)
const base256 = (number, length) => {
  const bytes = Buffer.alloc(length)
  let left = BigInt(number)
  for (let i = length - 1; i > 0; i--, left >>= 8n) bytes[i] = Number(left & 255n)
  bytes[0] |= 0x80
  return bytes
}

const padded = (data) => Buffer.concat([data, Buffer.alloc((BLOCK - data.length % BLOCK) % BLOCK)])

function record([key, value]) {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')])
  let length = rest.length
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function header({ name = '', type = FILE, mode = 0o644, uid = 0, gid = 0, size, to = '', mtime = 0, major = 0, minor = 0 }) {
  const block = Buffer.alloc(BLOCK)
  const put = (at, value) => Buffer.from(value).copy(block, at)
  put(0, Buffer.from(name).subarray(0, 100))
  put(100, octal(mode, 8))
  put(108, octal(uid, 8))
  put(116, octal(gid, 8))
  put(124, octal(size, 12))
  put(136, octal(mtime, 12))
  put(148, ' '.repeat(8))
  put(156, type)
  put(157, Buffer.from(to).subarray(0, 100))
  put(257, type === OLD_SPARSE ? 'ustar  \0' : 'ustar\x0000')
  put(329, octal(major, 8))
  put(337, octal(minor, 8))
  return block
}

const sealed = (block) => {
  Buffer.from(block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0') + '\0').copy(block, 148)
  return block
}

// A hole as large as `hole` with `data` at its end, in GNU's old form.
function sparse({ hole, data = 'end', ...entry }) {
  const bytes = Buffer.from(data), block = header({ ...entry, type: OLD_SPARSE, size: bytes.length })
  Buffer.from(octal(hole, 12)).copy(block, 386)
  Buffer.from(octal(bytes.length, 12)).copy(block, 398)
  Buffer.from(octal(hole + bytes.length, 12)).copy(block, 483)
  return Buffer.concat([sealed(block), padded(bytes)])
}

function plain({ data = '', pax, ...entry }) {
  const bytes = Buffer.from(data)
  const extended = pax ? plain({ name: 'pax', type: EXTENDED, data: Buffer.concat(Object.entries(pax).map(record)) }) : Buffer.alloc(0)
  return Buffer.concat([extended, sealed(header({ size: bytes.length, ...entry })), padded(bytes)])
}

export const entry = (fields) => fields.hole ? sparse(fields) : plain(fields)
export const tar = (...entries) => Buffer.concat([...entries.map(entry), Buffer.alloc(2 * BLOCK)])
