import { expect, test } from 'vitest'

import { LoadedTrees } from './loaded-trees.ts'
import { chunkBytes, type Tree } from './manifest.ts'

const treeOf = (...chunks: string[]): Tree => ({
  entries: [
    { path: 'd', mode: 0o700 },
    { path: 'd/f', mode: 0o600, size: chunks.length * chunkBytes, mtime_ns: '0', chunks },
  ],
})

test('a volume begins with the one of its family that has the most in the same places', () => {
  const loaded = new LoadedTrees()
  loaded.add({ name: 'main' }, treeOf('x', 'y', 'z'))
  loaded.add({ name: 'child', like: 'main' }, treeOf('a', 'b', 'z'))
  loaded.add({ name: 'stranger' }, treeOf('a', 'b', 'c'))
  const like = (name: string, ...chunks: string[]) =>
    loaded.mostLike({ like: name }, treeOf(...chunks))?.name
  expect(like('main', 'a', 'b', 'c')).toBe('child')
  expect(like('main', 'x', 'b', 'z')).toBe('main')
  expect(like('child', 'a', 'y', 'q')).toBe('main')
  // The same chunks elsewhere are no blocks to share.
  expect(like('main', 'b', 'a')).toBeUndefined()
  expect(like('gone', 'a')).toBeUndefined()
  expect(loaded.mostLike({}, treeOf('a'))).toBeUndefined()
})

test('of a large family the last are remembered', () => {
  const loaded = new LoadedTrees()
  for (let number = 0; number < 20; number++) {
    loaded.add({ name: `b${number}`, like: 'main' }, treeOf(`c${number}`))
  }
  expect(loaded.mostLike({ like: 'b3' }, treeOf('c19'))?.name).toBe('b19')
  expect(loaded.mostLike({ like: 'main' }, treeOf('c0'))).toBeUndefined()
})
