import fc from 'fast-check'
import { expect, test } from 'vitest'

import { FrameScanner } from './frame-scanner.ts'
import { message } from './messages.ts'

function scan(chunks: readonly Buffer[], isWanted: (bodyBytes: number) => boolean) {
  const frames: string[] = []
  const bodies: string[] = []
  const scanner = new FrameScanner({
    onFrame: (type, bodyBytes) => {
      frames.push(`${type}${bodyBytes}`)
      return isWanted(bodyBytes)
    },
    onBody: (type, body) => bodies.push(`${type}${body.toString('hex')}`),
  })
  for (const chunk of chunks) scanner.scan(chunk)
  return { frames, bodies, isAtBoundary: scanner.isAtBoundary, lastType: scanner.lastType }
}

const frame = fc.record({
  type: fc.constantFrom('Q', 'P', 'B', 'E', 'S', 'd', 'X'),
  body: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
})

test('sees the same messages wherever the bytes are split', () => {
  fc.assert(
    fc.property(
      fc.array(frame, { minLength: 1 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 12 })),
      (sent, sizes) => {
        const bytes = Buffer.concat(sent.map(({ type, body }) => message(type, body)))
        const chunks: Buffer[] = []
        for (let at = 0; at < bytes.length; at += chunks.at(-1)?.length ?? 1) {
          const size: number = sizes.next().value ?? 1
          chunks.push(bytes.subarray(at, at + size))
        }
        expect(scan(chunks, (bodyBytes) => bodyBytes <= 20)).toEqual({
          frames: sent.map(({ type, body }) => `${type}${body.length}`),
          bodies: sent
            .filter(({ body }) => body.length <= 20)
            .map(({ type, body }) => `${type}${body.toString('hex')}`),
          isAtBoundary: true,
          lastType: sent.at(-1)?.type,
        })
      },
    ),
  )
})

test('is at a boundary only between messages', () => {
  const bytes = message('Q', Buffer.from('x\0'))
  for (let length = 1; length < bytes.length; length++) {
    expect(scan([bytes.subarray(0, length)], () => false).isAtBoundary).toBe(false)
  }
  expect(scan([bytes], () => false).isAtBoundary).toBe(true)
})

test('stops following at a length that no message has', () => {
  const broken = Buffer.from([0x51, 0, 0, 0, 3, 1, 2, 3])
  expect(scan([broken, message('X', Buffer.alloc(0))], () => true)).toEqual({
    frames: [],
    bodies: [],
    isAtBoundary: false,
    lastType: '',
  })
})
