import { expect } from 'vitest'

import { psql } from '../platform.ts'
import type { Suite } from './suite.ts'

export function schemaTests(suite: Suite): void {
  const { neon, works } = suite

  works(['branches schema-diff', 'diff'], 'show what a migration changed', async () => {
    await neon(['branches', 'create', '--name', 'migrated', '--parent', 'main'])
    const uri = await suite.connectionUri('migrated')
    await psql(uri, 'CREATE TABLE invoice (id int PRIMARY KEY)')
    const added = /^\+CREATE TABLE public\.invoice/m
    expect(await neon(['branches', 'schema-diff', 'main', 'migrated'])).toMatch(added)
    const inDatabase = ['branches', 'schema-diff', 'main', 'migrated', '--database', 'neondb']
    expect(await neon(inDatabase)).toMatch(added)
    expect(await neon(['diff', 'main', '--branch', 'migrated'])).toMatch(
      /CREATE TABLE public\.invoice/,
    )
    expect(await neon(['branches', 'schema-diff', 'main', 'main'])).not.toMatch(added)
  })

  works(['branches create'], 'with the schema of its parent and none of its rows', async () => {
    await suite.sql('main', 'CREATE TABLE shape AS SELECT 1 AS x')
    await neon(['branches', 'create', '--name', 'hollow', '--parent', 'main', '--schema-only'])
    expect(await suite.sql('hollow', 'SELECT count(x) FROM shape')).toBe('0')
  })

  works(['branches schema-diff'], 'with a moment of the past', async () => {
    const uri = await suite.connectionUri('migrated')
    const before = await psql(
      uri,
      `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
    )
    await psql(uri, 'ALTER TABLE invoice ADD COLUMN total numeric')
    expect(await neon(['branches', 'schema-diff', 'migrated', `^self@${before}`])).toMatch(
      /^-.*total numeric/m,
    )
  })
}
