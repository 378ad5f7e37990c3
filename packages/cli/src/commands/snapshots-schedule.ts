import type { BackupScheduleItem } from '@coppice/api'
import { type Command, Option } from 'commander'

import { addShortBranchFlags, chooseShortBranch, type ShortBranchFlags } from '../branch-choice.ts'
import type { Cli } from '../cli.ts'
import { openBranch } from '../context.ts'
import { defined } from '../defined.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { parseSeconds, parseWhole } from '../parse.ts'
import { scheduleTable } from '../views/snapshot.ts'

const frequencies = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const

interface SetFlags extends ShortBranchFlags {
  frequency?: (typeof frequencies)[number]
  hour?: number
  day?: number
  month?: number
  retention?: number
  schedule?: string
  clear?: boolean
}

/** `snapshots schedule`: when snapshots of a branch are made. */
export function addSnapshotSchedule(snapshots: Command, cli: Cli): void {
  const schedule = snapshots
    .command('schedule')
    .description('Show or set when snapshots of a branch are made.')
  addGet(schedule, cli)
  addSet(schedule, cli)
}

function addGet(schedule: Command, cli: Cli): void {
  addShortBranchFlags(
    schedule.command('get').description('Show when snapshots of a branch are made.'),
  ).action(async (flags: ShortBranchFlags) => {
    const { client, path } = await openBranch(cli, chooseShortBranch(flags))
    const { schedule: items } = await client.getSnapshotSchedule({ path })
    await show(cli, items)
  })
}

function addSet(schedule: Command, cli: Cli): void {
  const command = schedule
    .command('set')
    .description('Set when snapshots of a branch are made; what was set before is replaced.')
  addShortBranchFlags(command)
    .addOption(
      new Option(
        '--frequency <frequency>',
        'How often: hourly, daily, weekly, monthly or yearly.',
      ).choices(frequencies),
    )
    .addOption(new Option('--hour <hour>', 'Hour of the day, in UTC.').argParser(parseWhole(0, 23)))
    .addOption(
      new Option('--day <day>', 'Day of the week, where 1 is Monday, or of the month.').argParser(
        parseWhole(1, 31),
      ),
    )
    .addOption(new Option('--month <month>', 'Month of the year.').argParser(parseWhole(1, 12)))
    .addOption(
      new Option('--retention <time>', 'Keep each so long: seconds, or a span: 7d.').argParser(
        parseSeconds,
      ),
    )
    .option('--schedule <json>', 'All rules at once, as `schedule get -o json` shows them.')
    .option('--clear', 'Make none any more.')
  addExamples(command, [
    ['snapshots schedule set -b main --frequency daily --hour 3 --retention 7d', 'Each night'],
    ['snapshots schedule set -b main --clear', 'None any more'],
  ]).action(async (flags: SetFlags) => {
    const items = itemsOf(flags)
    const { client, path } = await openBranch(cli, chooseShortBranch(flags))
    await client.setSnapshotSchedule({ path, body: { schedule: items } })
    await show(cli, items)
  })
}

function itemsOf(flags: SetFlags): BackupScheduleItem[] {
  const { frequency, hour, day, month, retention, schedule, clear } = flags
  const given = [schedule, clear, frequency].filter((flag) => flag !== undefined)
  if (given.length > 1) {
    throw new CliError('--schedule, --frequency and --clear exclude each other.')
  }
  if (clear) return []
  if (schedule !== undefined) return parseSchedule(schedule)
  if (frequency !== undefined) {
    return [defined({ frequency, hour, day, month, retention_seconds: retention })]
  }
  throw new CliError('How often?', {
    advice: 'For example: coppice snapshots schedule set --frequency daily --hour 3 --retention 7d',
  })
}

/** Only that it is a list is looked at: what may stand in it the API says better. */
function parseSchedule(text: string): BackupScheduleItem[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new CliError('--schedule is not JSON.', { advice: scheduleExample, cause: error })
  }
  if (Array.isArray(value)) return value as BackupScheduleItem[]
  throw new CliError('--schedule is not a JSON list.', { advice: scheduleExample })
}

const scheduleExample =
  'For example: --schedule \'[{"frequency":"daily","hour":3,"retention_seconds":604800}]\''

async function show(cli: Cli, schedule: readonly BackupScheduleItem[]): Promise<void> {
  await cli.output.answer(schedule, () =>
    schedule.length > 0
      ? scheduleTable(schedule)
      : 'No snapshots are made by themselves. Change that with `coppice snapshots schedule set`.',
  )
}
