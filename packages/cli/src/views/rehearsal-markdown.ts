import type { FileReport, Finding, Rehearsal } from '@coppice/api'

import {
  describeFigures,
  describePlan,
  factsOf,
  formatMillis,
  summaryOf,
} from './rehearsal-facts.ts'

/** The report of a rehearsal for a pull request. */
export function rehearsalMarkdown(rehearsal: Rehearsal): string {
  const { error, files, findings, plans, load } = rehearsal
  const parts = ['## Migration rehearsal', summaryOf(rehearsal)]
  if (error !== null) parts.push(`**It fails:**\n\n${fenced(error)}`)
  for (const file of files) parts.push(fileTable(file))
  if (findings.length > 0) parts.push(findingList(findings))
  if (plans.length > 0) {
    const items = plans.map((change) => `- ${code(change.query)}: ${escape(describePlan(change))}`)
    parts.push(`### Recorded queries that change\n\n${items.join('\n')}`)
  }
  if (load) {
    const items = load.slowest.map(
      ({ sql, duration_ms: ms, beside }) =>
        `- ${formatMillis(ms)} ${code(sql)}${beside === null ? '' : ` beside ${code(beside)}`}`,
    )
    const figures = [
      `- before: ${describeFigures(load.before)}`,
      `- during: ${describeFigures(load.during)}`,
    ]
    parts.push(
      `### Under load by ${load.connections} connections\n\n${[...figures, ...items].join('\n')}`,
    )
  }
  return parts.join('\n\n')
}

function fileTable({ name, duration_ms: ms, transactional, statements }: FileReport): string {
  const how = transactional ? 'in one transaction' : 'statement by statement'
  const rows = statements.map(
    (statement) =>
      `| ${statement.line} | ${code(statement.sql)} | ${formatMillis(statement.duration_ms)} | ${factsOf(statement).map(escape).join('<br>')} |`,
  )
  return [
    `### ${escape(name)}: ${formatMillis(ms)}, ${how}`,
    '',
    '| line | statement | time | what it does |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

function findingList(findings: readonly Finding[]): string {
  const items = findings.map(
    ({ file, line, rule, message, safer }) =>
      `- ${code(`${file}:${line}`)} **${rule}**: ${escape(message)}<br>Better: ${escape(safer)}`,
  )
  return `### Findings\n\n${items.join('\n')}`
}

/** In a table too, where a bar would end the cell. */
function code(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')
  const ticks = line.includes('`') ? '``' : '`'
  return `${ticks}${line}${ticks}`
}

function escape(text: string): string {
  return text.replaceAll(/[|<>*_[\]\\`]/g, '\\$&')
}

function fenced(text: string): string {
  return `\`\`\`\n${text.replaceAll('```', "'''")}\n\`\`\``
}
