import { type Command, Option } from 'commander'

import {
  backfill,
  type BackfillRequest,
  planBackfill,
  type Plan,
  type Summary,
} from '../backfill/backfill.ts'
import { showProgress } from '../backfill/progress-line.ts'
import { confirmed } from '../choose.ts'
import type { Cli } from '../cli.ts'
import { addDatabaseFlags, databaseUri, type DatabaseFlags } from '../database-choice.ts'
import { CliError } from '../errors.ts'
import { formatBytes } from '../format.ts'
import { addExamples } from '../help.ts'
import { parseBytes, parseCount, parseWhole } from '../parse.ts'
import { renderDetails } from '../table.ts'

interface BackfillFlags extends DatabaseFlags {
  table: string
  set: string
  where?: string
  batch: number
  key?: string
  pause: number
  maxLag: number
  lockTimeout: number
  dryRun?: boolean
  yes?: boolean
}

const dayMs = 86_400_000
const defaults = { batch: 1000, lockTimeoutMs: 1000, maxLagBytes: 64 * 1024 ** 2 }

/** `backfill`: an UPDATE of a large table in small transactions. */
export function addBackfill(program: Command, cli: Cli): void {
  const command = program
    .command('backfill')
    .description(
      'UPDATE a large table in small transactions, which do not hold up others. What was interrupted goes on where it stopped.',
    )
    .requiredOption('--table <table>', 'Table, as in SQL: users, sales."Orders".')
    .requiredOption('--set <assignments>', "What follows SET: status = 'active'.")
    .option('--where <condition>', 'Which rows: status IS NULL; every one unless given.')
    .addOption(
      new Option('--batch <rows>', 'Rows of one transaction at most; 1000 unless given.')
        .argParser(parseCount)
        .default(defaults.batch),
    )
    .option('--key <columns>', 'Unique key to go by; the primary key unless given.')
    .addOption(
      new Option('--pause <ms>', 'Rest between two batches.')
        .argParser(parseWhole(0, dayMs))
        .default(0),
    )
    .addOption(
      new Option('--max-lag <bytes>', 'Wait while a replica is further behind; 64MB unless given.')
        .argParser(parseBytes)
        .default(defaults.maxLagBytes),
    )
    .addOption(
      new Option('--lock-timeout <ms>', 'Wait so long for a lock before the batch is tried again.')
        .argParser(parseWhole(1, dayMs))
        .default(defaults.lockTimeoutMs),
    )
    .option('--dry-run', 'Say what would be done, and change nothing.')
    .option('-y, --yes', 'Do not ask.')
  addDatabaseFlags(command)
  addExamples(command, [
    [
      `backfill --table users --set "status = 'active'" --where "status IS NULL"`,
      'Give old rows a value',
    ],
    ['backfill --table users --set "email = lower(email)" --dry-run', 'See what it would do'],
  ]).action(async (flags: BackfillFlags) => run(cli, flags))
}

async function run(cli: Cli, flags: BackfillFlags): Promise<void> {
  const { table, set, where, key, batch, pause, maxLag, lockTimeout } = flags
  const request: BackfillRequest = {
    uri: await databaseUri(cli, flags),
    table,
    set,
    where,
    key,
    lockTimeoutMs: lockTimeout,
    limits: { batch, pauseMs: pause, maxLagBytes: maxLag },
  }
  if (flags.dryRun) {
    const plan = await planBackfill(request)
    await cli.output.answer(plan, () => planView(plan, batch))
    return
  }
  let progress: ReturnType<typeof showProgress> | undefined
  try {
    const summary = await backfill(request, {
      confirm: async (plan) => confirm(cli, plan, flags.yes ?? false),
      watch: (plan) => (progress = showProgress(cli, plan.estimated_rows)),
    })
    progress?.end()
    await cli.output.answer(summary, () => summaryView(summary))
    noteRemaining(cli, summary)
  } finally {
    progress?.end()
  }
}

/** Only a person is asked: a script has said what it wants. */
async function confirm(cli: Cli, plan: Plan, yes: boolean): Promise<void> {
  if (yes || !cli.output.isInteractive) return
  const rows = `about ${plan.estimated_matches} of ${plan.estimated_rows} rows`
  if (await confirmed(cli, `Update ${rows} of ${plan.table}?`)) return
  throw new CliError('Nothing was changed.')
}

function noteRemaining({ output }: Cli, { remaining_rows: remaining }: Summary): void {
  if (remaining === null || remaining === 0) return
  output.note(
    `--where holds for ${remaining} rows now: they were written meanwhile, or --set leaves it true.`,
  )
}

async function planView(plan: Plan, batch: number): Promise<string> {
  const details = await renderDetails([
    ['Table', plan.table],
    ['By', plan.key],
    ['Rows', `about ${plan.estimated_rows}`],
    ['To update', `about ${plan.estimated_matches}`],
    ['Batches', `of up to ${batch} rows, each a transaction`],
  ])
  return `${details}\n\n${plan.statement}`
}

async function summaryView(summary: Summary): Promise<string> {
  return renderDetails([
    ['Table', summary.table],
    ['By', summary.key],
    ['Rows updated', String(summary.rows_updated)],
    ['Batches', `${summary.batches}${summary.resumed ? ', with those of an earlier run' : ''}`],
    ['Retries', String(summary.retries)],
    ['Waits', `${summary.waits} (${(summary.wait_ms / 1000).toFixed(1)} s)`],
    ['Time', `${(summary.elapsed_ms / 1000).toFixed(1)} s`],
    ['WAL', formatBytes(summary.wal_bytes)],
  ])
}
