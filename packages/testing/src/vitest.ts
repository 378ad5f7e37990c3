import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'

import { type CurrentBranch, withBranchUsing, type WithBranchOptions } from './with-branch.ts'

export type { CurrentBranch, WithBranchOptions } from './with-branch.ts'

/** A branch of its own for a test file, or each test, of Vitest. */
export function withBranch(options?: WithBranchOptions): CurrentBranch {
  return withBranchUsing({ beforeAll, afterAll, beforeEach, afterEach }, options)
}
