import type { Command } from 'commander'

import type { Cli } from '../cli.ts'
import { formatBytes, formatTime } from '../format.ts'
import { addExamples } from '../help.ts'
import { runProgram } from '../platform-program.ts'
import { renderTable } from '../table.ts'

/** `gateway`: the processes that clients are connected to. */
export function addGateway(program: Command, cli: Cli): void {
  const gateway = program
    .command('gateway')
    .description('Look at the processes that clients are connected to, or replace them.')
  gateway
    .command('status')
    .description('Show the processes and their sessions.')
    .action(async () => show(cli, 'status'))
  addExamples(gateway.command('restart'), [
    ['gateway restart', 'For a new version of Coppice, while clients are connected'],
  ])
    .description(
      'Replace each process by a new one. Nobody is refused meanwhile; sessions that are idle end after five seconds, busy ones once they are idle.',
    )
    .action(async () => show(cli, 'restart'))
}

interface WorkerRow {
  pid: string
  state: string
  started: string | undefined
  sessions: string
  memory: string | undefined
}

async function show(cli: Cli, action: string): Promise<void> {
  const answer = await runProgram(cli, ['gateway', action])
  const workers = Array.isArray(answer['workers']) ? answer['workers'].filter(isRecord) : []
  await cli.output.answer(answer, async () =>
    workers.length === 0
      ? 'The gateway runs within the platform’s own process (COPPICE_GATEWAY_WORKERS=0).'
      : renderTable<WorkerRow>(
          [
            { title: 'process', value: ({ pid }) => pid },
            { title: 'state', value: ({ state }) => state },
            { title: 'sessions', value: ({ sessions }) => sessions },
            { title: 'memory', value: ({ memory }) => memory },
            { title: 'started', value: ({ started }) => started },
          ],
          workers.map(rowOf),
        ),
  )
}

function rowOf(worker: Record<string, unknown>): WorkerRow {
  const { pid, state, sessions, memory_bytes: memory, started_at: started } = worker
  return {
    pid: String(pid),
    state: String(state),
    sessions: String(sessions),
    memory: typeof memory === 'number' ? formatBytes(memory) : undefined,
    started: typeof started === 'string' ? formatTime(started) : undefined,
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
