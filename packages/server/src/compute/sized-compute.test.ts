import { expect, test } from 'vitest'

import {
  type ControlGroups,
  type GroupLimits,
  type GroupUsage,
  noControlGroups,
} from './control-groups.ts'
import { type Occupant, SizedCompute } from './sized-compute.ts'

/** Control groups that note what they are told. */
function noteGroups() {
  const limits: GroupLimits[] = []
  const usage: GroupUsage = { cpuMs: 0, throttledMs: 0, pinnedBytes: 0, refaultedBytes: 0 }
  const noted = { limits, usage, holdsMemory: false, left: [] as string[] }
  const groups: ControlGroups = {
    kind: 'cgroup v2',
    detail: '',
    limitAll: async () => undefined,
    sweep: async () => undefined,
    compute: async (name) => ({
      limit: async (one) => {
        limits.push(one)
        return !noted.holdsMemory
      },
      usage: () => ({ ...usage }),
      remove: async () => void noted.left.push(name),
      member: async (endpointId) => ({
        enter: () => undefined,
        freeze: async () => true,
        thaw: async () => undefined,
        remove: async () => void noted.left.push(endpointId),
      }),
    }),
  }
  return { groups, noted }
}

const occupant = (endpointId: string, changes: Partial<Occupant> = {}): Occupant => ({
  endpointId,
  beforeChange: () => undefined,
  onChange: () => undefined,
  ...changes,
})

const gigabyte = 1024 ** 3

test('a small compute starts with a whole processor, and then has what it is', async () => {
  const { groups, noted } = noteGroups()
  const size = new SizedCompute('ep-a', { min: 0.25, max: 0.5 }, groups)
  const place = await size.join(occupant('ep-a'))
  expect(noted.limits.at(-1)).toEqual({ cpus: 1, memoryBytes: gigabyte, weight: 0.25 })
  await place.started()
  expect(noted.limits.at(-1)).toEqual({ cpus: 0.5, memoryBytes: gigabyte, weight: 0.25 })
  await place.leave()
  await place.leave()
  expect(noted.left).toEqual(['ep-a', 'ep-a'])
})

test('a load makes it larger at the next look, and whoever runs in it is told', async () => {
  const { groups, noted } = noteGroups()
  const size = new SizedCompute('ep-a', { min: 0.25, max: 4 }, groups)
  const told: string[] = []
  const place = await size.join(
    occupant('ep-a', {
      beforeChange: () => told.push(`was ${size.units}`),
      onChange: () => told.push(`is ${size.units}`),
    }),
  )
  await place.started()
  told.length = 0
  await size.sample(500)
  noted.usage.cpuMs += 1_000
  await size.sample(1_000)
  expect(size.units).toBe(3)
  expect(told).toEqual(['was 0.25', 'is 3'])
  expect(noted.limits.at(-1)).toEqual({ cpus: 3, memoryBytes: 12 * gigabyte, weight: 0.25 })
  await size.setBounds({ min: 0.25, max: 2 })
  expect(size.units).toBe(2)
})

test('a size that its memory does not fit into is not taken', async () => {
  const { groups, noted } = noteGroups()
  const size = new SizedCompute('ep-a', { min: 2, max: 4 }, groups)
  await (await size.join(occupant('ep-a'))).started()
  noted.holdsMemory = true
  await size.setBounds({ min: 0.25, max: 1 })
  expect(size.units).toBe(2)
  noted.holdsMemory = false
  await size.sample(500)
  expect(size.units).toBe(1)
})

test('endpoints that share a compute count for their part of it, the frozen ones for none', async () => {
  const { groups } = noteGroups()
  const size = new SizedCompute('dev', { min: 1, max: 1 }, groups)
  const [one, other] = [await size.join(occupant('ep-a')), await size.join(occupant('ep-b'))]
  expect(size.shareOfMember).toEqual({ minComputeUnits: 0.5, maxComputeUnits: 0.5 })
  await other?.freeze()
  expect(size.shareOfMember.maxComputeUnits).toBe(1)
  await other?.thaw()
  await other?.started()
  expect(size.shareOfMember.maxComputeUnits).toBe(0.5)
  await one?.leave()
  expect(size.shareOfMember.maxComputeUnits).toBe(1)
})

test('without control groups the size is the maximum, and what counts lies between the bounds', async () => {
  const size = new SizedCompute('ep-a', { min: 0.25, max: 2 }, noControlGroups('a test'))
  const place = await size.join(occupant('ep-a'))
  await place.started()
  await size.sample(500)
  expect(size.units).toBe(2)
  expect(size.shareOfMember).toEqual({ minComputeUnits: 0.25, maxComputeUnits: 2 })
  expect(await place.freeze()).toBe(false)
})
