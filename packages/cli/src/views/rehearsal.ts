import type { FileReport, Finding, Rehearsal } from '@coppice/api'
import { withoutControls } from '@coppice/migrate/printable'

import type { Output } from '../output.ts'
import {
  describeFigures,
  describePlan,
  factsOf,
  formatMillis,
  summaryOf,
} from './rehearsal-facts.ts'

/** `migrate rehearse` on a terminal. */
export function rehearsalText(rehearsal: Rehearsal, output: Output): string {
  const parts = rehearsal.files.map((file) => fileText(file, rehearsal.findings, output))
  if (rehearsal.plans.length > 0) parts.push(plansText(rehearsal))
  if (rehearsal.load) parts.push(loadText(rehearsal.load))
  parts.push(summaryOf(rehearsal))
  return parts.join('\n\n')
}

function fileText(file: FileReport, findings: readonly Finding[], output: Output): string {
  const how = file.transactional ? 'in one transaction' : 'statement by statement'
  const lines = [`${output.style('bold', file.name)}  ${formatMillis(file.duration_ms)}, ${how}`]
  for (const statement of file.statements) {
    lines.push(
      `  ${statement.line}: ${statement.sql}  ${output.style('dim', formatMillis(statement.duration_ms))}`,
    )
    for (const fact of factsOf(statement)) lines.push(`     ${withoutControls(fact)}`)
    const own = findings.filter((one) => one.file === file.name && one.line === statement.line)
    for (const { rule, message, safer } of own) {
      lines.push(`     ${output.style('yellow', rule)}: ${message}`, `       Better: ${safer}`)
    }
  }
  return lines.join('\n')
}

function plansText({ plans }: Rehearsal): string {
  const lines = plans.map(
    (change) =>
      `  ${withoutControls(change.query.replaceAll(/\s+/g, ' '))}\n     ${withoutControls(describePlan(change))}`,
  )
  return ['Recorded queries that change:', ...lines].join('\n')
}

function loadText({
  connections,
  before,
  during,
  slowest,
}: NonNullable<Rehearsal['load']>): string {
  const lines = slowest.map(
    ({ sql, duration_ms: ms, beside }) =>
      `  ${formatMillis(ms)}  ${sql}${beside === null ? '' : `  beside ${beside}`}`,
  )
  return [
    `Under load by ${connections} connections:`,
    `  before: ${describeFigures(before)}`,
    `  during: ${describeFigures(during)}`,
    ...lines,
  ].join('\n')
}
