import type { Branch } from '@coppice/api'
import type { Moment } from '@coppice/migrate/moment'
import { getBranch } from '@coppice/migrate/scope'

import type { Scope } from './context.ts'
import { CliError } from './errors.ts'
import { lsnPattern } from './parse.ts'

/** A branch as a command line names it, and when: `main@2026-01-31T12:00:00Z`, `^self@0/16B3748`. */
export interface BranchPoint {
  branch: string
  moment: Moment
}

/** Words for the branch that a command is about, and for its parent. */
const selfWord = '^self'
const parentWord = '^parent'

/** RFC 3339: without a zone it would be another moment on another machine. */
const timestampPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i
const startsAsDate = /^\d{4}-\d\d-\d\d/

/**
 * Takes `branch@moment` apart. Branch names may hold an `@` themselves, so what follows it counts only
 * where it looks like a moment.
 */
export function parseBranchPoint(text: string): BranchPoint {
  const at = text.lastIndexOf('@')
  const moment = at < 0 ? undefined : parsePastMoment(text.slice(at + 1))
  return moment ? { branch: text.slice(0, at), moment } : { branch: text, moment: {} }
}

/** An LSN or a time that has passed; undefined for text that is neither. Rejects a broken time. */
export function parsePastMoment(text: string): Moment | undefined {
  if (lsnPattern.test(text)) return { lsn: text }
  if (!startsAsDate.test(text)) return undefined
  if (!timestampPattern.test(text) || Number.isNaN(Date.parse(text))) {
    throw new CliError(`${text} is not a time.`, {
      advice: 'Give it whole and with its zone, as 2030-01-31T12:00:00Z; or an LSN, as 0/16B3748.',
    })
  }
  if (Date.parse(text) > Date.now()) throw new CliError(`${text} is in the future.`)
  return { timestamp: text }
}

/** The branch that a point names; `self` is what `^self` and `^parent` are relative to. */
export async function findBranch(
  scope: Scope,
  { branch }: BranchPoint,
  self: Branch,
): Promise<Branch> {
  if (branch === selfWord) return self
  return branch === parentWord ? getParent(scope, self) : getBranch(scope, branch)
}

/** The parent of a branch; rejects where it has none. */
export async function getParent(scope: Scope, branch: Branch): Promise<Branch> {
  if (branch.parent_id !== undefined) return getBranch(scope, branch.parent_id)
  throw new CliError(`Branch ${branch.name} has no parent.`, {
    advice: '`coppice branches list` shows which branches come from which.',
  })
}

/** `main at 0/16B3748`. */
export function describePoint({ name }: Branch, { timestamp, lsn }: Moment): string {
  const at = timestamp ?? lsn
  return at === undefined ? name : `${name} at ${at}`
}
