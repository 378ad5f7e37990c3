import type { MergeConflict, Remaining } from '@coppice/api'
import { withoutControls } from '@coppice/migrate/printable'

import type { MergeAnswer } from '../merge/merge-branch.ts'
import type { Output } from '../output.ts'

/** What a merge would do beside its statements, line by line. */
export function mergeNotes(answer: MergeAnswer, output: Output): string[] {
  const { conflicts, alike, remaining, rehearsal } = answer
  return [
    ...conflicts.flatMap((conflict) => conflictLines(conflict, answer, output)),
    ...(alike.length > 0 ? [`Changed in the same way on both sides: ${alike.join(', ')}.`] : []),
    ...remainingLines(remaining, output),
    ...(rehearsal && rehearsal.error === null
      ? [`Rehearsed on a branch of ${answer.into}; findings: ${rehearsal.findings.length}.`]
      : []),
    ...(rehearsal?.findings ?? []).map(
      ({ rule, message, safer }) =>
        `  ${output.style('yellow', rule)}: ${message} Better: ${safer}`,
    ),
  ]
}

/** What is left to a person. */
export function remainingLines(remaining: readonly Remaining[], output: Output): string[] {
  if (remaining.length === 0) return []
  return [
    output.style('yellow', 'Not derived, and to be made by hand:'),
    ...remaining.flatMap(({ object, is, should_be: wanted }) => [
      `  ${withoutControls(object)}`,
      `    is:        ${shown(is)}`,
      `    should be: ${shown(wanted)}`,
    ]),
  ]
}

function conflictLines(
  { object, base, branch, parent }: MergeConflict,
  answer: MergeAnswer,
  output: Output,
): string[] {
  return [
    `${output.style('red', 'Conflict:')} ${withoutControls(object)}`,
    `  before: ${shown(base)}`,
    `  ${answer.branch}: ${shown(branch)}`,
    `  ${answer.into}: ${shown(parent)}`,
  ]
}

function shown(definition: string | null): string {
  return definition === null
    ? '(none)'
    : withoutControls(definition).trim().replaceAll('\n', '\n      ') || '(there)'
}
