import { randomBytes } from 'node:crypto'

import type { Sql } from 'postgres'

import { assert } from '../lib/assert.ts'
import type { Compute } from './compute.ts'

/** A running cluster held still for a copy file by file; the shape of volume/'s `LiveSource`. */
export interface ClusterCopySource {
  begin(): Promise<void>
  end(): Promise<Record<string, string>>
  release(): Promise<void>
}

/**
 * A compute as the source of a file-by-file copy (manual, "Making a Base Backup Using the Low Level
 * API"). The backup lives as long as its session, so one connection is held from `begin` to `release`,
 * with a temporary slot that keeps the WAL from there on. Closing it gives up both, whatever happened.
 */
export function createLiveSource(compute: Compute): ClusterCopySource {
  let held: { sql: Sql; close(): Promise<void> } | undefined
  const isOld = compute.spec.pgVersion < 15
  return {
    begin: async () => {
      assert(held === undefined, 'begin is called once')
      held = await compute.openSuperuser()
      const { sql } = held
      const slot = `coppice_copy_${randomBytes(6).toString('hex')}`
      await sql`select pg_create_physical_replication_slot(${slot}, true, true)`
      // `fast`: the checkpoint that the copy starts from is made at once.
      if (isOld) await sql`select pg_start_backup('coppice', true, false)`
      else await sql`select pg_backup_start('coppice', true)`
    },
    end: async () => {
      assert(held !== undefined, 'end follows begin')
      const [row] = isOld
        ? await held.sql<StopRow[]>`select labelfile, spcmapfile from pg_stop_backup(false, false)`
        : await held.sql<StopRow[]>`select labelfile, spcmapfile from pg_backup_stop(false)`
      assert(row !== undefined, 'a backup that has begun can be stopped')
      return {
        backup_label: row.labelfile,
        ...(row.spcmapfile.trim() !== '' && { tablespace_map: row.spcmapfile }),
      }
    },
    release: async () => {
      const closing = held
      held = undefined
      await closing?.close()
    },
  }
}

interface StopRow {
  labelfile: string
  spcmapfile: string
}
