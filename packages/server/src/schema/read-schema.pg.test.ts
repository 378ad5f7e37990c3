import { existsSync } from 'node:fs'
import { dirname } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { superuserName } from '../compute/access-files.ts'
import { bootstrapCluster } from '../compute/bootstrap.ts'
import type { Compute } from '../compute/compute.ts'
import { createDatabase } from '../compute/databases.ts'
import { owner, ownerBootstrap } from '../compute/testing/clients.ts'
import { createWorkbench, majorVersions, type Workbench } from '../compute/testing/cluster.ts'
import { createSpec } from '../compute/testing/spec.ts'
import { exec } from '../lib/exec.ts'
import { readSchema } from './read-schema.ts'
import { renderSchema } from './render-schema.ts'
import { chinookSchema, hasChinook } from './testing/chinook.ts'
import { superuserSchema, tortureRoles, tortureSchema } from './testing/torture.ts'

let bench: Workbench

beforeAll(async () => {
  bench = await createWorkbench()
})

afterAll(async () => bench.close())

describe.each(majorVersions)('the schema of a database of PostgreSQL %d', (majorVersion) => {
  let compute: Compute

  beforeAll(async () => {
    const host = await bench.startHost(`host-${majorVersion}`)
    const dataDirectory = await bench.createCluster(majorVersion)
    compute = await host.put(
      createSpec(dataDirectory, { pgVersion: majorVersion, endpointId: `ep-${majorVersion}` }),
    )
    await bootstrapCluster(compute, await ownerBootstrap())
    await run('postgres', tortureRoles)
    await run(owner.database, tortureSchema(majorVersion))
    await run(owner.database, superuserSchema)
  })

  afterAll(async () => compute?.suspend({ force: true }))

  const run = async (database: string, script: string): Promise<void> => {
    await compute.withSuperuser(database, async (sql) => sql.unsafe(script))
  }

  const schemaOf = async (database: string): Promise<string> =>
    compute.withSuperuser(database, async (sql) => renderSchema(await readSchema(sql)))

  /** Makes a database out of another's schema, and answers the script. */
  const copy = async (database: string, name: string): Promise<string> => {
    const script = await schemaOf(database)
    await createDatabase(compute, { name, owner: owner.role })
    await run(name, script)
    return script
  }

  test('makes the same schema again in an empty database', async () => {
    const script = await copy(owner.database, 'copy')
    expect(await schemaOf('copy')).toBe(script)
    expect(script).not.toContain('Left out')
  })

  test('holds no password of a user mapping', async () => {
    const script = await schemaOf(owner.database)
    expect(script).toContain('CREATE SERVER "far; away"')
    expect(script).not.toContain('a secret password')
  })

  test('is the same text after the same changes in another order', async () => {
    await createDatabase(compute, { name: 'one', owner: owner.role })
    await createDatabase(compute, { name: 'other', owner: owner.role })
    const users = 'create table public.users (id integer primary key);'
    const view = 'create view public.a_view as select 1 as one;'
    const type = "create type public.mood as enum ('sad');"
    await run('one', users + view + type)
    await run('other', type + view + users)
    expect(await schemaOf('other')).toBe(await schemaOf('one'))
    await run('other', 'alter table public.users add column email text')
    expect(await schemaOf('other')).not.toBe(await schemaOf('one'))
  })

  test('shows the schema public where it is not what a new database has', async () => {
    await createDatabase(compute, { name: 'public', owner: owner.role })
    expect(await schemaOf('public')).not.toMatch(/(ALTER|ON) SCHEMA public/)
    const drop = 'drop schema public cascade; create schema public authorization "app.owner"'
    await run('public', drop)
    const script = await copy('public', 'public copy')
    expect(script).toContain('ALTER SCHEMA public OWNER TO "app.owner"')
    expect(script).toContain('REVOKE USAGE ON SCHEMA public FROM PUBLIC')
  })

  test.runIf(hasChinook)('makes Chinook again', async () => {
    await createDatabase(compute, { name: 'chinook', owner: owner.role })
    await run('chinook', await chinookSchema())
    const text = await copy('chinook', 'chinook copy')
    expect(text).toContain('CREATE TABLE public.invoice_line (')
    expect(text).toContain('FOREIGN KEY (artist_id) REFERENCES public.artist(artist_id)')
    expect(await schemaOf('chinook copy')).toBe(text)
  })

  const pgDump = `/usr/lib/postgresql/${majorVersion}/bin/pg_dump`

  test.runIf(existsSync(pgDump))('misses nothing that pg_dump sees', async () => {
    await copy(owner.database, 'dumped')
    expect(await dump('dumped')).toBe(await dump(owner.database))
  })

  async function dump(database: string): Promise<string> {
    const { socketPath } = await compute.wake()
    const where = [`--host=${dirname(socketPath)}`, `--username=${superuserName}`]
    const text = await exec(pgDump, [...where, '--schema-only', database])
    return text
      .replaceAll(/^\\(un)?restrict .*$/gm, '')
      .replaceAll(/--\n-- Name: USER MAPPING [^;]*; .*?;\n\n\n/gs, '')
  }
})
