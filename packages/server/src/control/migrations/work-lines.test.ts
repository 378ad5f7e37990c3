import { setImmediate as immediate } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { Works } from './work-lines.ts'

test('no project has all rehearsals, and one that ends makes room, read or not', async () => {
  const works = new Works()
  const { signal } = new AbortController()
  let end = (): void => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  const begin = (project: string) => works.run(project, signal, async () => ended)
  for (let number = 0; number < 4; number += 1) begin('busy')
  expect(() => begin('busy')).toThrow('project busy has 4 of the 8 rehearsals, merges and the like')
  begin('quiet')
  end()
  await immediate()
  const told: unknown[] = []
  for await (const line of works.run('busy', signal, async () => ({ type: 'result' }))) {
    told.push(line)
  }
  expect(told).toEqual([{ type: 'result' }])
})
