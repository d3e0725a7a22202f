// SPDX-License-Identifier: Apache-2.0

// The first true value of a condition; the limit is only there to end a failing test.
export async function until(condition, limit = 60_000) {
  const end = Date.now() + limit
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > end) throw new Error(`waited in vain for ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
