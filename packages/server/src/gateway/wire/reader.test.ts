import { PassThrough } from 'node:stream'

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { message } from './messages.ts'
import { readBytes, readMessage } from './reader.ts'

const never = new AbortController().signal

test('reads messages split anywhere, and leaves what follows in the stream', async () => {
  const bytes = Buffer.concat([
    message('p', Buffer.from('first')),
    message('p', Buffer.alloc(0)),
    message('p', Buffer.from('third')),
    Buffer.from('rest'),
  ])
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 8 }),
      async (cuts) => {
        const stream = new PassThrough()
        const ends = [...cuts.toSorted((one, other) => one - other), bytes.length]
        let from = 0
        const writing = (async () => {
          for (const end of ends) {
            stream.write(bytes.subarray(from, end))
            from = end
            await new Promise((resolve) => setImmediate(resolve))
          }
        })()
        const bodies: string[] = []
        for (let at = 0; at < 3; at++) {
          bodies.push((await readMessage(stream, 10, never)).body.toString())
        }
        await writing
        expect(bodies).toEqual(['first', '', 'third'])
        expect((await readBytes(stream, 4, never)).toString()).toBe('rest')
        expect(stream.listenerCount('readable')).toBe(0)
      },
    ),
    { numRuns: 50 },
  )
})

test('refuses a message over the limit before reading it', async () => {
  const stream = new PassThrough()
  stream.write(message('p', Buffer.alloc(11)).subarray(0, 5))
  await expect(readMessage(stream, 10, never)).rejects.toThrow('invalid message length')
})

test('rejects where the stream ends first, with or without some of the bytes', async () => {
  for (const sent of ['', 'abc']) {
    const stream = new PassThrough()
    stream.end(sent)
    await expect(readBytes(stream, 4, never)).rejects.toThrow('disconnected')
  }
})

test('rejects where the stream is destroyed while it waits', async () => {
  const stream = new PassThrough()
  const reading = readBytes(stream, 4, never)
  stream.destroy()
  await expect(reading).rejects.toThrow('disconnected')
})

test("rejects with the signal's reason", async () => {
  const controller = new AbortController()
  const stream = new PassThrough()
  const reading = readBytes(stream, 4, controller.signal)
  controller.abort(new Error('too slow'))
  await expect(reading).rejects.toThrow('too slow')
  await expect(readBytes(stream, 4, controller.signal)).rejects.toThrow('too slow')
  expect(stream.listenerCount('readable')).toBe(0)
})
