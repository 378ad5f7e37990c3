import fc from 'fast-check'
import { expect, test } from 'vitest'

import { FrameGate } from './frame-gate.ts'
import { message } from './messages.ts'

/** Replaces Q messages that say `old`, holds all short ones, and notes what begins. */
function createGate(begun: string[] = []): FrameGate {
  return new FrameGate({
    onFrame: (type, bodyBytes) => {
      begun.push(`${type}${bodyBytes}`)
      return type === 'Q' && bodyBytes <= 20
    },
    onMessage: (type, body) =>
      body.toString() === 'old' ? message(type, Buffer.from('brand new')) : undefined,
  })
}

const q = (text: string) => message('Q', Buffer.from(text))
const d = (bytes: number) => message('d', Buffer.alloc(bytes, 'x'))

test('what is not replaced passes as the very chunk', () => {
  const gate = createGate()
  for (const chunk of [q('other'), Buffer.concat([d(3), q('x'), d(0)]), d(5000).subarray(0, 90)]) {
    expect(gate.pass(chunk)).toBe(chunk)
  }
  expect(gate.isAtBoundary).toBe(false)
})

test('a message is replaced, and each is told of once, wherever the bytes are split', () => {
  const messages = [q('other'), q('old'), d(300), q(''), q('x'.repeat(21)), q('old'), q('last')]
  const bytes = Buffer.concat(messages)
  const expected = Buffer.concat(
    messages.map((one) => (one.toString('latin1').endsWith('old') ? q('brand new') : one)),
  )
  fc.assert(
    fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 30 }), (cuts) => {
      const begun: string[] = []
      const gate = createGate(begun)
      const passed: Buffer[] = []
      let from = 0
      for (const cut of [...cuts.toSorted((one, other) => one - other), bytes.length]) {
        passed.push(Buffer.from(gate.pass(bytes.subarray(from, cut))))
        from = cut
      }
      expect(Buffer.concat(passed)).toEqual(expected)
      expect(begun).toEqual(['Q5', 'Q3', 'd300', 'Q0', 'Q21', 'Q3', 'Q4'])
      expect(gate.isAtBoundary).toBe(true)
      expect(gate.lastType).toBe('Q')
    }),
  )
})

test('holds no more than a header and what is wanted', () => {
  const gate = createGate()
  expect(gate.pass(q('old').subarray(0, 3))).toHaveLength(0)
  expect(gate.isAtBoundary).toBe(false)
  expect(gate.pass(q('old').subarray(3, 7))).toHaveLength(0)
  expect(gate.pass(q('old').subarray(7))).toEqual(q('brand new'))
  expect(gate.pass(d(100).subarray(0, 6))).toHaveLength(6)
  expect(gate.pass(d(100).subarray(6))).toHaveLength(99)
})

test('a length that cannot be passes with all that follows', () => {
  const gate = createGate()
  const broken = Buffer.from([0x51, 0, 0, 0, 3])
  expect(gate.pass(broken)).toEqual(broken)
  expect(gate.isAtBoundary).toBe(false)
  expect(gate.pass(q('old'))).toEqual(q('old'))
})
