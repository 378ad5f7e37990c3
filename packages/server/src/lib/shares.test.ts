import fc from 'fast-check'
import { expect, test } from 'vitest'

import { Shares } from './shares.ts'

const sharesOf = (max: number) =>
  new Shares({ max, what: 'places at the table', advice: 'wait for one' })

/** How many of them a project gets. */
function takeAll(shares: Shares, project: string | null): Array<() => void> {
  const giveBack = shares.tryTake(project)
  return giveBack === undefined ? [] : [giveBack, ...takeAll(shares, project)]
}

test('a project gets half of what the others leave, one at least where one is free', () => {
  const shares = sharesOf(8)
  const counts = ['a', 'b', 'c', 'd', 'e'].map((project) => takeAll(shares, project).length)
  expect(counts).toEqual([4, 2, 1, 1, 0])
  expect(takeAll(sharesOf(1), 'a')).toHaveLength(1)
  expect(takeAll(sharesOf(8), null)).toHaveLength(8)
})

test('a refusal says whose limit it is, and what to do', () => {
  const shares = sharesOf(4)
  const [giveBack] = takeAll(shares, 'a')
  expect(() => shares.take('a')).toThrow(
    'project a has 2 of the 4 places at the table, and the rest is kept for other projects; wait for one',
  )
  takeAll(shares, null)
  const all = 'all of the 4 places at the table are taken; wait for one'
  expect(() => shares.take('b')).toThrow(all)
  expect(() => shares.take('a')).toThrow(all)
  expect(() => shares.take(null)).toThrow(expect.objectContaining({ code: 'too_many_requests' }))
  giveBack?.()
  expect(() => shares.take('b')).not.toThrow()
})

test('whatever comes and goes, who has less than it leaves free gets one, and all come back', () => {
  const step = fc.record({ project: fc.constantFrom('a', 'b', 'c', null), take: fc.boolean() })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step), (max, steps) => {
      const shares = sharesOf(max)
      const answers: boolean[] = []
      const expected: boolean[] = []
      const held: Array<{ project: string | null; giveBack: () => void }> = []
      for (const { project, take } of steps) {
        if (take) {
          const own = held.filter((one) => one.project === project).length
          const free = max - held.length
          const giveBack = shares.tryTake(project)
          answers.push(giveBack !== undefined)
          expected.push(free > 0 && (project === null || own < free))
          if (giveBack) held.push({ project, giveBack })
        } else held.shift()?.giveBack()
      }
      expect(answers).toEqual(expected)
      for (const { giveBack } of held) giveBack()
      expect(takeAll(shares, null)).toHaveLength(max)
    }),
  )
})
