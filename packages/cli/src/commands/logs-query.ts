import { type Command, InvalidArgumentError, Option } from 'commander'

import { addShortBranchFlags, chooseShortBranch, type ShortBranchFlags } from '../branch-choice.ts'
import { readBranchLogs } from '../branch-logs.ts'
import type { Cli } from '../cli.ts'
import { openBranch } from '../context.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { parseMoment, parseSeconds, parseWhole } from '../parse.ts'
import { type LogRecord, severities, type Severity } from '../postgres-log.ts'
import { renderTable } from '../table.ts'

interface WindowFlags extends ShortBranchFlags {
  since?: number
  startTime?: string
  endTime?: string
  source?: string
  limit: number
}

interface QueryFlags extends WindowFlags {
  cursor?: Cursor
  sortOrder: 'asc' | 'desc'
  minimumSeverity?: Severity
  severityText?: string
  bodyContains?: string
}

/** Where the next page begins: the end of the window, which must not move, and what has been seen. */
interface Cursor {
  endMs: number
  offset: number
}

/** What a record of PostgreSQL's can be told apart by. */
const fields = ['database', 'endpoint_id', 'role', 'severity_text', 'source'] as const

const querySeconds = 3600
const valuesSeconds = 6 * 3600
const limitMax = 1000
const defaultLimit = 100

/** `logs query`, `logs fields` and `logs field-values`: what the computes of a branch have logged. */
export function addLogQuery(logs: Command, cli: Cli): void {
  addQuery(logs, cli)
  addFields(logs, cli)
  addFieldValues(logs, cli)
}

function addQuery(logs: Command, cli: Cli): void {
  const command = logs.command('query').description("Search what a branch's PostgreSQL has logged.")
  addWindow(command, '1h')
    .addOption(
      new Option('--limit <count>', 'At most so many: 100 unless given.')
        .argParser(parseWhole(1, limitMax))
        .default(defaultLimit),
    )
    .addOption(new Option('--cursor <cursor>', 'The next page.').argParser(parseCursor))
    .addOption(
      new Option('--sort-order <order>', 'desc, the newest first, unless given; or asc.')
        .choices(['asc', 'desc'])
        .default('desc'),
    )
    .addOption(
      new Option(
        '--minimum-severity <severity>',
        `From this one up: ${severities.join(', ')}.`,
      ).choices(severities),
    )
    .option('--severity-text <severity>', "PostgreSQL's own word for it, as ERROR.")
    .option('--body-contains <text>', 'Only messages with this in them.')
  for (const flag of ['service-name', 'scope-name', 'trace-id', 'logql']) {
    command.addOption(new Option(`--${flag} <text>`, 'Not of PostgreSQL.').hideHelp())
  }
  addExamples(command, [
    ['logs query --minimum-severity error', 'Errors of the last hour'],
    ['logs query -b main --since 1d --body-contains deadlock', 'One thing in a day'],
  ]).action(async (flags: QueryFlags & Record<string, unknown>) => {
    refuse(flags, ['serviceName', 'scopeName', 'traceId', 'logql'])
    await query(cli, flags)
  })
}

async function query(cli: Cli, flags: QueryFlags): Promise<void> {
  const { cursor, limit, sortOrder, minimumSeverity, severityText, bodyContains } = flags
  const window = windowOf(flags, querySeconds, cursor?.endMs)
  const scope = await openBranch(cli, chooseShortBranch(flags))
  const filter = { ...window, minimumSeverity, severityText, bodyContains }
  const oldestFirst = hasPostgres(flags) ? await readBranchLogs(cli, scope, filter) : []
  const records = sortOrder === 'asc' ? oldestFirst : oldestFirst.toReversed()
  const start = cursor?.offset ?? 0
  const end = start + limit
  const isTruncated = end < records.length
  const next = `${new Date(window.endMs).toISOString()}/${end}`
  const page = records.slice(start, end)
  const answer = {
    logs: page,
    ...(isTruncated && { next_cursor: next }),
    is_truncated: isTruncated,
  }
  await cli.output.answer(answer, () =>
    page.length > 0 ? recordTable(page) : 'Nothing was logged in that time.',
  )
  if (isTruncated && cli.output.format === 'table') {
    cli.output.note(`${records.length - end} more; the next page: --cursor ${next}`)
  }
}

function addFields(logs: Command, cli: Cli): void {
  const command = logs.command('fields').description('List what log records are told apart by.')
  addShortBranchFlags(command).action(async () => {
    await cli.output.answer({ fields: [...fields] }, () => fields.join('\n'))
  })
}

function addFieldValues(logs: Command, cli: Cli): void {
  const command = logs
    .command('field-values')
    .description('List the values that a field of the log records has.')
    .argument('<field>', 'One of those that `logs fields` lists.')
  addWindow(command, '6h').addOption(
    new Option('--limit <count>', 'At most so many: 1000 unless given.')
      .argParser(parseWhole(1, limitMax))
      .default(limitMax),
  )
  command.action(async (name: string, flags: WindowFlags) => {
    const field = fields.find((known) => known === name)
    if (field === undefined) {
      throw new CliError(`There is no field ${name}.`, {
        advice: `There are ${fields.join(', ')}.`,
      })
    }
    const scope = await openBranch(cli, chooseShortBranch(flags))
    const window = windowOf(flags, valuesSeconds)
    const records = hasPostgres(flags) ? await readBranchLogs(cli, scope, window) : []
    const all = [...new Set(records.flatMap((record) => valueOf(record, field) ?? []))].toSorted()
    const answer = { values: all.slice(0, flags.limit), is_truncated: all.length > flags.limit }
    await cli.output.answer(answer, () => answer.values.join('\n') || 'None in that time.')
  })
}

function valueOf(record: LogRecord, field: (typeof fields)[number]): string | undefined {
  return field === 'severity_text' || field === 'source' ? record[field] : record.attributes[field]
}

function addWindow(command: Command, since: string): Command {
  return addShortBranchFlags(command)
    .addOption(
      new Option('--since <span>', `How far back, as 30m or 1d: ${since} unless given.`)
        .argParser(parseSeconds)
        .conflicts('startTime'),
    )
    .addOption(new Option('--start-time <time>', 'From this time on.').argParser(parseMoment))
    .addOption(new Option('--end-time <time>', 'Up to this time.').argParser(parseMoment))
    .addOption(
      new Option('--source <source>', 'Who logged it; pg_endpoint is all there is here.').choices([
        'pg_endpoint',
        'function',
        'storage',
      ]),
    )
}

function windowOf(
  { since, startTime, endTime }: WindowFlags,
  defaultSeconds: number,
  fixedEndMs?: number,
): { startMs: number; endMs: number } {
  const endMs = fixedEndMs ?? (endTime === undefined ? Date.now() : Date.parse(endTime))
  const startMs =
    startTime === undefined ? endMs - (since ?? defaultSeconds) * 1000 : Date.parse(startTime)
  if (startMs >= endMs) throw new CliError('The window ends before it begins.')
  return { startMs, endMs }
}

function hasPostgres({ source }: WindowFlags): boolean {
  return source === undefined || source === 'pg_endpoint'
}

function refuse(flags: Record<string, unknown>, names: readonly string[]): void {
  const given = names.find((name) => flags[name] !== undefined)
  if (given === undefined) return
  const flag = given.replaceAll(/[A-Z]/g, '-$&').toLowerCase()
  throw new CliError(`--${flag} is about what PostgreSQL's log does not have.`, {
    advice: 'Search with --body-contains, --minimum-severity or --severity-text.',
  })
}

function parseCursor(text: string): Cursor {
  const [, end = '', offset = ''] = /^(.+)\/(\d+)$/.exec(text) ?? []
  const endMs = Date.parse(end)
  if (Number.isNaN(endMs)) throw new InvalidArgumentError('Give the cursor as it was shown.')
  return { endMs, offset: Number(offset) }
}

async function recordTable(records: readonly LogRecord[]): Promise<string> {
  return renderTable<LogRecord>(
    [
      { title: 'time', value: (record) => record.timestamp },
      { title: 'severity', value: (record) => record.severity_text },
      { title: 'role', value: (record) => record.attributes['role'] },
      { title: 'database', value: (record) => record.attributes['database'] },
      { title: 'message', value: (record) => record.message },
    ],
    records,
  )
}
