import { type BranchOptions, createBranch, type TestBranch } from './branch.ts'
import { setVariable } from './config.ts'
import { dismissJanitor } from './watch.ts'

export interface WithBranchOptions extends BranchOptions {
  /** One branch for the file, or describe block, that asks for it; or another for each of its tests. */
  per?: 'file' | 'test'
  /** Environment variable that has the connection string meanwhile, for the program under test. */
  variable?: string
}

/** The branch of the running test: its fields are there once the hooks have run. */
export type CurrentBranch = Omit<TestBranch, 'delete'>

type Hook = (work: () => Promise<void>, timeoutMs: number) => void

/** What a test runner calls them. */
export interface Hooks {
  beforeAll: Hook
  afterAll: Hook
  beforeEach: Hook
  afterEach: Hook
}

/** A branch of a busy parent may take seconds. */
const hookTimeoutMs = 150_000

/** Registers the hooks of a runner that make a branch before and delete it after. */
export function withBranchUsing(hooks: Hooks, options: WithBranchOptions = {}): CurrentBranch {
  const { per = 'file', variable, ...branchOptions } = options
  const [before, after] =
    per === 'file' ? [hooks.beforeAll, hooks.afterAll] : [hooks.beforeEach, hooks.afterEach]
  let branch: TestBranch | undefined
  let restore: () => void = () => undefined
  before(async () => {
    branch = await createBranch(branchOptions)
    if (variable !== undefined) restore = setVariable(variable, branch.url)
  }, hookTimeoutMs)
  after(async () => {
    restore()
    const made = branch
    branch = undefined
    await made?.delete()
    if (per === 'file') dismissJanitor()
  }, hookTimeoutMs)
  if (per === 'test') hooks.afterAll(async () => dismissJanitor(), hookTimeoutMs)
  const current = (): TestBranch => {
    if (branch !== undefined) return branch
    throw new Error('the branch is made before the tests: use it inside of a test or a hook')
  }
  return {
    get id() {
      return current().id
    },
    get name() {
      return current().name
    },
    get projectId() {
      return current().projectId
    },
    get url() {
      return current().url
    },
    get caFile() {
      return current().caFile
    },
  }
}
