import { expect } from 'vitest'

import { socketDirectory } from '../../packages/server/src/compute/host.ts'
import { connectSuperuser, disconnect } from '../../packages/server/src/compute/superuser.ts'
import { homePaths } from '../../packages/server/src/lib/home.ts'
import { findCorruption } from '../../packages/server/src/volume/testing/bank.ts'
import { psql, type TestPlatform } from '../platform.ts'

const mustBeOn = ['fsync', 'full_page_writes', 'data_checksums']

/**
 * Every page of a database is what PostgreSQL wrote: tables and indexes fit (amcheck), checksums hold, and
 * the settings that this rests on are in force. Through the platform's own socket, since users may not.
 */
export async function expectSound(
  platform: TestPlatform,
  { endpointId, uri }: { endpointId: string; uri: string },
): Promise<void> {
  // Awake, and for a while not frozen.
  expect(await psql(uri, 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')).toBe('f')
  const directory = socketDirectory(homePaths(platform.home).sockets, endpointId)
  const sql = connectSuperuser(directory, new URL(uri).pathname.slice(1))
  try {
    await sql`create extension if not exists amcheck with schema pg_catalog`
    expect(await findCorruption(sql)).toEqual([])
    expect(await sql`select datname from pg_stat_database where checksum_failures > 0`).toEqual([])
    const off = await sql`
      select name from pg_settings where name in ${sql(mustBeOn)} and setting <> 'on'`
    expect(off).toEqual([])
  } finally {
    await disconnect(sql)
  }
}
