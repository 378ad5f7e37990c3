import { expect } from 'vitest'

import { psql } from '../platform.ts'
import type { Suite } from './suite.ts'

interface Snapshot {
  id: string
  name: string
}

const daily = ['--frequency', 'daily', '--hour', '3', '--retention', '86400']

export function snapshotTests(suite: Suite): void {
  const { neon, json, sql, works } = suite
  works(
    [
      'snapshots create',
      'snapshots list',
      'snapshots get',
      'snapshots update',
      'snapshots restore',
      'snapshots delete',
    ],
    'keep a branch as it was, and make a branch of it',
    async () => {
      await sql('main', 'CREATE TABLE ledger AS SELECT 100 AS amount')
      const create = [
        'snapshots',
        'create',
        '--branch',
        'main',
        '--name',
        'before',
        '--slug',
        'before-it',
      ]
      await neon(create)
      await sql('main', 'UPDATE ledger SET amount = 0')
      const snapshots = await json<Snapshot[]>(['snapshots', 'list'])
      expect(snapshots.map(({ name }) => name)).toEqual(['before'])
      expect(await json(['snapshots', 'get', 'before-it'])).toMatchObject({ name: 'before' })
      await neon(['snapshots', 'update', 'before', '--name', 'good'])
      await neon(['snapshots', 'restore', 'good', '--name', 'recovered'])
      expect(await sql('recovered', 'SELECT amount FROM ledger')).toBe('100')
      expect(await sql('main', 'SELECT amount FROM ledger')).toBe('0')
      await neon(['snapshots', 'delete', 'good'])
      expect(await json(['snapshots', 'list'])).toEqual([])
    },
  )

  works(['snapshots finalize'], 'the restored branch takes the place of its source', async () => {
    await neon(['branches', 'create', '--name', 'shelf', '--parent', 'main'])
    const uri = await suite.connectionUri('shelf')
    await psql(uri, 'CREATE TABLE book AS SELECT 1 AS page')
    await neon(['snapshots', 'create', '--branch', 'shelf', '--name', 'shelved'])
    await psql(uri, 'DROP TABLE book')
    const restore = [
      'snapshots',
      'restore',
      'shelved',
      '--name',
      'shelf-new',
      '--target-branch',
      'shelf',
    ]
    await neon(restore)
    await neon(['snapshots', 'finalize', 'shelf-new'])
    expect(await psql(uri, 'SELECT page FROM book')).toBe('1')
  })

  works(
    ['snapshots schedule get', 'snapshots schedule set'],
    'take snapshots by the clock',
    async () => {
      await neon(['snapshots', 'schedule', 'set', '--branch', 'main', ...daily])
      expect(await json(['snapshots', 'schedule', 'get', '--branch', 'main'])).toMatchObject([
        { frequency: 'daily', hour: 3, retention_seconds: 86_400 },
      ])
    },
  )
}
