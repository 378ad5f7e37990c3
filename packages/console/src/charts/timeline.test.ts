import { expect, test } from 'vitest'

import { createTimeline, type Sample } from './timeline.ts'

const startMs = Date.parse('2026-05-01T12:00:00Z')
const second = 1000

const sample = (atSeconds: number, awake_seconds: number): Sample => ({
  at: new Date(startMs + atSeconds * second).toISOString(),
  awake_seconds,
})

/** Of so many seconds, in seconds from its beginning. */
function timelineOf(
  samples: Sample[],
  seconds: number,
  { stepSeconds = 15, isAwake = false } = {},
) {
  const range = { fromMs: startMs, toMs: startMs + seconds * second }
  const timeline = createTimeline(samples, range, { stepSeconds, isAwake })
  return {
    ...timeline,
    asleep: timeline.asleep.map(({ fromMs, toMs }) => [
      (fromMs - startMs) / second,
      (toMs - startMs) / second,
    ]),
  }
}

test('a compute that is looked at each step has not slept', () => {
  const samples = [0, 15, 30, 45].map((at) => sample(at, 15))
  const { asleep, breaks, times } = timelineOf(samples, 60)
  expect(asleep).toEqual([])
  expect([...breaks]).toEqual([])
  expect(times).toHaveLength(4)
})

test('one that has nothing to do is looked at once a minute, and has not slept either', () => {
  const { asleep, seconds } = timelineOf([sample(0, 15), sample(60, 60)], 120, { isAwake: true })
  expect(asleep).toEqual([])
  expect(seconds).toEqual([15, 60])
})

test('it slept between samples that do not say that it was awake', () => {
  const { asleep, breaks } = timelineOf([sample(0, 15), sample(300, 10), sample(315, 15)], 330)
  expect(asleep).toEqual([[15, 305]])
  expect([...breaks]).toEqual([1])
})

test('it slept before its first sample and after its last', () => {
  expect(timelineOf([sample(300, 5)], 600).asleep).toEqual([
    [0, 310],
    [315, 600],
  ])
  expect(timelineOf([], 600).asleep).toEqual([[0, 600]])
})

test('frozen is asleep, in steps of any length', () => {
  const frozen = [0, 60, 120, 180].map((at) => sample(at, at === 0 ? 60 : 0))
  const { asleep, samples } = timelineOf(frozen, 240, { stepSeconds: 60 })
  expect(asleep).toEqual([[60, 240]])
  expect(samples).toHaveLength(1)
})

test('a rate is of the time awake', () => {
  expect(timelineOf([sample(0, 5)], 15).seconds).toEqual([5])
  expect(
    timelineOf([sample(0, 300), sample(600, 600)], 1200, { stepSeconds: 600 }).seconds,
  ).toEqual([300, 600])
})
