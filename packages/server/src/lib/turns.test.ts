import { expect, test, vi } from 'vitest'

import { Turns } from './turns.ts'

/** Work that ends when it is told to. */
function openWork() {
  let end = (): void => undefined
  const done = new Promise<void>((resolve) => (end = resolve))
  return { done, end: () => end() }
}

test('so many begin at a time, in order, also after one that fails', async () => {
  const turns = new Turns(2, 60_000)
  const begun: number[] = []
  const works = [0, 1, 2, 3].map(() => openWork())
  const runs = works.map(async ({ done }, at) =>
    turns.run(async () => {
      begun.push(at)
      await done
      if (at === 0) throw new Error('failed')
    }),
  )
  const failed = runs[0]?.catch(String)
  await vi.waitFor(() => expect(begun).toEqual([0, 1]))
  works[0]?.end()
  expect(await failed).toBe('Error: failed')
  await vi.waitFor(() => expect(begun).toEqual([0, 1, 2]))
  works[1]?.end()
  await vi.waitFor(() => expect(begun).toEqual([0, 1, 2, 3]))
  for (const work of works) work.end()
  await Promise.all(runs.slice(1))
  await expect(turns.run(async () => 'free again')).resolves.toBe('free again')
})

test('one that takes long holds nobody up, and gives its place back once', async () => {
  const turns = new Turns(1, 5)
  const [long, second, third] = [openWork(), openWork(), openWork()]
  const begun: string[] = []
  const first = turns.run(async () => long.done)
  const after = turns.run(async () => {
    begun.push('second')
    await second.done
  })
  await vi.waitFor(() => expect(begun).toEqual(['second']))
  long.end()
  await first
  second.end()
  await after
  const last = turns.run(async () => third.done)
  third.end()
  await last
  expect(begun).toEqual(['second'])
})
