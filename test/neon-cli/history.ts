import { expect } from 'vitest'

import { psql } from '../platform.ts'
import type { Branch, BranchCreated } from './branches.ts'
import type { Suite } from './suite.ts'

/** Restore, reset and branching from the past. */
export function historyTests(suite: Suite): void {
  const { neon, json, sql, works } = suite
  /** A moment after everything that was written before the call, and before what is written after it. */
  const now = async (branch: string): Promise<{ timestamp: string; lsn: string }> => {
    // The CLI takes milliseconds, so the last write must not be of the same one.
    const answer = await sql(
      branch,
      `SELECT pg_sleep(0.01);
       SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), pg_current_wal_lsn()`,
    )
    const [timestamp = '', lsn = ''] = (answer.split('\n').at(-1) ?? '').split('|')
    return { timestamp, lsn }
  }

  works(['branches create'], 'from a timestamp and from an LSN', async () => {
    await sql('main', 'CREATE TABLE diary AS SELECT 1 AS day')
    const { timestamp, lsn } = await now('main')
    await sql('main', 'INSERT INTO diary VALUES (2)')
    for (const [name, moment] of [
      ['by-time', timestamp],
      ['by-lsn', lsn],
    ] as const) {
      const created = await json<BranchCreated>([
        'branches',
        'create',
        '--name',
        name,
        '--parent',
        moment,
      ])
      expect(created.branch.name).toBe(name)
      expect(await sql(name, 'SELECT sum(day) FROM diary')).toBe('1')
    }
    expect(await sql('main', 'SELECT sum(day) FROM diary')).toBe('3')
  })

  works(['connection-string', 'psql'], 'read a moment of the past', async () => {
    await sql('main', 'CREATE TABLE ledger AS SELECT 100 AS amount')
    const { timestamp, lsn } = await now('main')
    await sql('main', 'UPDATE ledger SET amount = 0')
    const amount = ['--', '-Atc', 'SELECT amount FROM ledger']
    expect(await neon(['psql', `main@${timestamp}`, ...amount])).toBe('100\n')
    expect(await neon(['psql', `main@${lsn}`, ...amount])).toBe('100\n')
    const uri = await neon(['connection-string', `main@${timestamp}`])
    expect(new URL(uri).searchParams.get('options')).toBe(`neon_timestamp:${timestamp}`)
    await sql('main', 'DROP TABLE ledger')
  })

  works(
    ['branches reset'],
    'to what the parent has now; the old state is kept if named',
    async () => {
      await neon(['branches', 'create', '--name', 'stale', '--parent', 'main'])
      const uri = await suite.connectionUri('stale')
      await psql(uri, 'CREATE TABLE astray AS SELECT 1 AS x')
      await sql('main', 'INSERT INTO diary VALUES (3)')
      const reset = ['branches', 'reset', 'stale', '--parent', '--preserve-under-name', 'stale-old']
      expect(await json<Branch>(reset)).toMatchObject({ name: 'stale' })
      // The same connection string, other data.
      expect(await psql(uri, 'SELECT sum(day) FROM diary')).toBe('6')
      await expect(psql(uri, 'SELECT * FROM astray')).rejects.toThrow('does not exist')
      expect(await neon(['branches', 'get', 'stale-old'])).toContain('stale-old')
      await expect(neon(['branches', 'reset', 'main', '--parent'])).rejects.toThrow('no parent')
    },
  )

  works(['branches restore'], 'to its own past, to another branch and to its parent', async () => {
    await neon(['branches', 'create', '--name', 'undo', '--parent', 'main'])
    const uri = await suite.connectionUri('undo')
    await psql(uri, 'CREATE TABLE typed AS SELECT 1 AS x')
    const { timestamp } = await now('undo')
    await psql(uri, 'DROP TABLE typed')
    const back = `^self@${timestamp}`
    await neon(['branches', 'restore', 'undo', back, '--preserve-under-name', 'undo-old'])
    expect(await psql(uri, 'SELECT x FROM typed')).toBe('1')
    await neon(['branches', 'restore', 'undo', 'by-time'])
    expect(await psql(uri, 'SELECT sum(day) FROM diary')).toBe('1')
    await neon(['branches', 'restore', 'undo', '^parent'])
    expect(await psql(uri, 'SELECT sum(day) FROM diary')).toBe('6')
  })
}
