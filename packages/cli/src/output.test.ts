import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'

import { expect, test } from 'vitest'

import { createOutput } from './output.ts'

const sql = 'create function "a\u001b[2J" ()\n\treturns int; -- \u202e'

test.for([
  [true, 'create function "a\uFFFD[2J" ()\n\treturns int; -- \uFFFD\n'],
  [false, `${sql}\n`],
] as const)(
  'SQL on a terminal (%s) acts on nothing, and is as it is elsewhere',
  async ([isTTY, shown]) => {
    const stdout = Object.assign(new PassThrough(), { isTTY })
    const streams = { stdout, stderr: new PassThrough(), stdin: {} }
    createOutput(streams, () => ({ format: 'table', color: false })).script(sql)
    stdout.end()
    expect(await text(stdout)).toBe(shown)
  },
)
