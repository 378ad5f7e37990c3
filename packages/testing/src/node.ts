import { after, afterEach, before, beforeEach } from 'node:test'

import { type CurrentBranch, withBranchUsing, type WithBranchOptions } from './with-branch.ts'

export type { CurrentBranch, WithBranchOptions } from './with-branch.ts'

/** A branch of its own for a test file, or each test, of Node's test runner. */
export function withBranch(options?: WithBranchOptions): CurrentBranch {
  return withBranchUsing(
    {
      beforeAll: (work, timeout) => before(work, { timeout }),
      afterAll: (work, timeout) => after(work, { timeout }),
      beforeEach: (work, timeout) => beforeEach(work, { timeout }),
      afterEach: (work, timeout) => afterEach(work, { timeout }),
    },
    options,
  )
}
