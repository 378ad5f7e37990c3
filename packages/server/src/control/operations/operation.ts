import type { Context } from '../context.ts'
import type { OperationRow } from '../store/operations.ts'

/**
 * Operations: changes that outlive a request.
 *
 * An operation is a row; what it does is a list of steps. A step is told nothing but the row, looks at
 * the world and does what is missing, so that running it twice is the same as once. A crash between
 * two steps leaves the row open; the next start either runs the steps again (`finish`) or undoes what
 * they did (`undo`): creations are undone, since their caller never had an answer, everything else is
 * finished. Where it was the store that died, a reconciler does the same with what was left open. A test
 * kills the process at every step of every operation listed in `kinds.ts`.
 *
 * Rejected: a queue or workflow library (a second truth beside the resource that the API shows), and a
 * cursor that remembers the step (steps that look for themselves need none).
 */
export interface OperationKind {
  steps: readonly Step[]
  onCrash: OnCrash | ((context: Context, operation: OperationRow) => Promise<OnCrash>)
  /**
   * Whether the rows are ahead of the host, so that only finishing it makes them agree: what a step has
   * failed with does not end it then, and it is tried again.
   */
  mustFinish?: (context: Context, operation: OperationRow) => Promise<boolean>
  /** Removes every trace; idempotent. Also run when a step fails for good. */
  undo?: (context: Context, operation: OperationRow) => Promise<void>
}

export type OnCrash = 'finish' | 'undo'

export interface Step {
  name: string
  run: (context: Context, operation: OperationRow) => Promise<void>
}
