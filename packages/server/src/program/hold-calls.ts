import { BackupHold } from '../control/backup/hold.ts'
import { prepareEject } from '../control/backup/prepare-eject.ts'
import type { Context } from '../control/context.ts'
import type { WalFile } from '../history/wal-store.ts'
import { must } from '../lib/assert.ts'
import { AppError } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import { parseLsn } from '../lib/lsn.ts'
import type { HoldCalls } from './hold-socket.ts'

/** A WAL file as it travels. */
export interface SentWalFile {
  name: string
  bytes: number
  written_ms: number
}

/** Makes what each conversation can ask of the platform. One backup at a time: two would remove each other's. */
export function createHolds(context: Context, home: Home): () => HoldCalls {
  let backingUp: BackupHold | undefined
  return () => {
    const hold = new BackupHold(context, home.held)
    const text = (value: unknown): string => String(value)
    const calls: HoldCalls['calls'] = {
      begin: async () => {
        if (backingUp !== undefined && backingUp !== hold) {
          throw new AppError('project_locked', 'another backup of this platform is being made')
        }
        backingUp = hold
        return { platform_id: context.settings.platformId, is_atomic: context.volumes.isAtomic }
      },
      contents: async () => hold.contents(),
      take_line: async ({ volume_id, branch_id }) =>
        hold.takeLine(text(volume_id), text(branch_id)),
      take_snapshot: async ({ id, line }) => hold.takeSnapshot(text(id), text(line)),
      list_wal: async ({ line, end }) => (await hold.listWal(text(line), readEnd(end))).map(sent),
      fetch_wal: async ({ line, files }) =>
        hold.fetchWal(text(line), (files as SentWalFile[]).map(received)),
      eject: async ({ project_id, branch_id }) =>
        prepareEject(context, hold, text(project_id), text(branch_id)),
      release: async ({ id }) => hold.release(text(id)),
    }
    const end = async (): Promise<void> => {
      try {
        await hold.end()
      } finally {
        // What stays of it goes with the next start, and is in nobody's way.
        if (backingUp === hold) backingUp = undefined
      }
    }
    return { calls, end }
  }
}

function readEnd(end: unknown): { lsn: bigint; timeline: number } | undefined {
  if (end === undefined || end === null) return undefined
  const { lsn, timeline } = end as { lsn: string; timeline: number }
  return { lsn: must(parseLsn(lsn), 'an end is an LSN'), timeline }
}

const sent = ({ name, bytes, writtenAt }: WalFile): SentWalFile => ({
  name,
  bytes,
  written_ms: writtenAt.getTime(),
})

const received = ({ name, bytes, written_ms }: SentWalFile): WalFile => ({
  name,
  bytes,
  writtenAt: new Date(written_ms),
})
