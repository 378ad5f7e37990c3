import {
  type CurrentBranch,
  type Hooks,
  withBranchUsing,
  type WithBranchOptions,
} from './with-branch.ts'

export type { CurrentBranch, WithBranchOptions } from './with-branch.ts'

/** A branch of its own for a test file, or each test, of Jest, whose hooks are global. */
export function withBranch(options?: WithBranchOptions): CurrentBranch {
  // Looked up late: Jest gives every test file globals of its own.
  const hooks = globalThis as typeof globalThis & Partial<Hooks>
  const { beforeAll, afterAll, beforeEach, afterEach } = hooks
  if (!beforeAll || !afterAll || !beforeEach || !afterEach) {
    throw new Error("Jest's global hooks are not there: set injectGlobals to true")
  }
  return withBranchUsing({ beforeAll, afterAll, beforeEach, afterEach }, options)
}
