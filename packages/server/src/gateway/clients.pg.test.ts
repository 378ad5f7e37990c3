import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import createSql from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { exec } from '../lib/exec.ts'
import { createVerifier } from '../lib/scram.ts'
import {
  database,
  domain,
  endpointId,
  type GatewayFixture,
  password,
  resetControlPlane,
  role,
  startGatewayFixture,
} from '../testing/gateway-fixture.ts'
import { hasPsql, psql } from '../testing/psql.ts'
import { findInstallations } from '../testing/throwaway-postgres.ts'
import { until } from '../testing/until.ts'
import { ensureCertificates } from './certificates.ts'

const installations = await findInstallations()
const canPsql = await hasPsql()
/** Another CA than ours: the certificate that an unrelated installation would trust. */
const strangers = await mkdtemp(join(tmpdir(), 'strangers-'))
const { caPath: strangeRoot } = await ensureCertificates({ directory: strangers, domain })
afterAll(async () => rm(strangers, { recursive: true, force: true }))

/** libpq 18 where it came by npm: the newest client library, under the system's psql. */
const newestLibrary = installations
  .map(({ binDirectory }) => join(binDirectory, '..', 'lib'))
  .find((path) => existsSync(join(path, 'libpq.so.5.18')))

describe.each(installations)('PostgreSQL $version', (installation) => {
  let fixture: GatewayFixture

  beforeAll(async () => {
    fixture = await startGatewayFixture(installation)
  })
  afterAll(async () => fixture?.stop())
  beforeEach(async () => resetControlPlane(fixture.controlPlane))

  /** A libpq connection string to the gateway; the name is for SNI, the address for the way there. */
  function conninfo(settings: Record<string, string> = {}): string {
    const merged = {
      host: `${endpointId}.${domain}`,
      hostaddr: '127.0.0.1',
      port: String(fixture.port),
      user: role,
      dbname: database,
      sslmode: 'require',
      ...settings,
    }
    return Object.entries(merged)
      .map(([name, value]) => `${name}='${value}'`)
      .join(' ')
  }

  const secret = { PGPASSWORD: password }
  const whoAmI = "select current_user || '@' || current_database()"

  describe.skipIf(!canPsql)('psql', () => {
    test.each([
      {},
      { sslmode: 'verify-full' },
      { channel_binding: 'require' },
      { channel_binding: 'disable' },
      { host: `${endpointId}-pooler.${domain}` },
      { host: '127.0.0.1', options: `endpoint=${endpointId}` },
      { host: '127.0.0.1', sslmode: 'verify-full', options: `project=${endpointId} -c geqo=off` },
      { gssencmode: 'prefer', sslmode: 'prefer' },
      { ssl_max_protocol_version: 'TLSv1.2', channel_binding: 'require' },
    ])('connects with %j', async (settings: Record<string, string>) => {
      const caPath = fixture.certificates.caPath
      const full = settings['sslmode'] === 'verify-full' ? { sslrootcert: caPath } : {}
      const result = await psql(conninfo({ ...settings, ...full }), whoAmI, secret)
      expect(result).toEqual({ code: 0, stdout: `${role}@${database}\n`, stderr: '' })
      expect(fixture.controlPlane.wakes).toEqual([endpointId])
    })

    test('connects by the password form', async () => {
      const settings = { host: 'localhost' }
      const form = { PGPASSWORD: `endpoint=${endpointId};${password}` }
      expect(await psql(conninfo(settings), whoAmI, form)).toMatchObject({ code: 0, stderr: '' })
    })

    test('forwards options and settings', async () => {
      const settings = { options: `endpoint=${endpointId} -c geqo=off`, client_encoding: 'LATIN1' }
      const result = await psql(
        conninfo(settings),
        "select current_setting('geqo'), current_setting('client_encoding')",
        secret,
      )
      expect(result.stdout).toBe('off|LATIN1\n')
    })

    test.each([
      [{ sslmode: 'disable' }, 'connection is insecure (try using `sslmode=require`)'],
      [{ host: '' }, 'Endpoint ID is not specified.'],
      [{ user: 'nobody' }, "password authentication failed for user 'nobody'"],
      [{ dbname: 'nowhere' }, 'database "nowhere" does not exist'],
      [{ sslmode: 'verify-full', sslrootcert: strangeRoot }, 'certificate verify failed'],
      [{ host: `ep-x.example.com`, sslmode: 'verify-full' }, 'does not match host name'],
    ])('is told why with %j', async (settings: Record<string, string>, text) => {
      const full = { sslrootcert: fixture.certificates.caPath, ...settings }
      const result = await psql(conninfo(full), whoAmI, secret)
      expect(result.code).toBe(2)
      expect(result.stderr).toContain(text)
    })

    test('cancels its query', async () => {
      const active = "select from pg_stat_activity where query = 'select pg_sleep(60);'"
      const sleeping = until(async () => (await fixture.postgres.sql(active)).length === 1)
      const result = await psql(conninfo(), 'select pg_sleep(60);', secret, sleeping)
      expect(result).toMatchObject({ code: 3, stdout: '' })
      expect(result.stderr).toContain('canceling statement due to user request')
    })

    test('copies both ways', async () => {
      const sql = `create temporary table numbers (n int);
\\copy numbers from program 'seq 1 100000'
copy (select sum(n) from numbers) to stdout;
`
      const result = await psql(conninfo(), sql, secret)
      expect(result).toEqual({
        code: 0,
        stdout: 'CREATE TABLE\nCOPY 100000\n5000050000\n',
        stderr: '',
      })
    })

    test('logs in with a verifier that we have made, at the gateway and at PostgreSQL', async () => {
      const chosen = 'pä\u00a0ſſwörd \u2168'
      const verifier = await createVerifier(chosen)
      await fixture.postgres.sql(`create role made login password '${verifier}'`)
      const environment = { PGPASSWORD: chosen }
      const direct = { host: fixture.postgres.socketDirectory, hostaddr: '', port: '5432' }
      for (const settings of [{}, { ...direct, sslmode: 'disable' }]) {
        const result = await psql(conninfo({ user: 'made', ...settings }), whoAmI, environment)
        expect(result).toMatchObject({ code: 0, stderr: '' })
      }
    })

    test.each(['pä\u00a0ſſwörd \u2168', 'I\u00adX\ufb01', '\ufb01\u{1f600}', '\ufb01\u{20000}'])(
      'prepares the password %j as PostgreSQL does',
      async (chosen) => {
        await fixture.postgres.sql('drop role if exists prepared')
        await fixture.postgres.sql(`create role prepared login password '${chosen}'`)
        const environment = { PGPASSWORD: `endpoint=${endpointId};${chosen}` }
        const settings = { user: 'prepared', host: 'localhost' }
        const result = await psql(conninfo(settings), 'select 1', environment)
        expect(result).toMatchObject({ code: 0, stdout: '1\n' })
      },
    )
  })

  describe.skipIf(!canPsql || newestLibrary === undefined)('libpq 18', () => {
    test.each([
      { sslnegotiation: 'direct' },
      { max_protocol_version: 'latest' },
      { sslnegotiation: 'direct', max_protocol_version: 'latest', channel_binding: 'require' },
    ])('connects with %j', async (settings: Record<string, string>) => {
      const result = await psql(conninfo(settings), whoAmI, {
        ...secret,
        LD_LIBRARY_PATH: newestLibrary ?? '',
      })
      expect(result).toEqual({ code: 0, stdout: `${role}@${database}\n`, stderr: '' })
    })
  })

  // In a process of its own, as an application is: its modules do not load under the runner's conditions.
  test('node-postgres connects by channel binding and verifies the certificate', async () => {
    const script = `
      import { readFileSync } from 'node:fs'
      import pg from 'pg'
      const input = JSON.parse(readFileSync(0, 'utf8'))
      const ssl = { ca: readFileSync(input.caPath, 'utf8'), servername: input.servername }
      const pool = new pg.Pool({ ...input.connection, ssl, max: 4, enableChannelBinding: true })
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, n) => pool.query('select $1::int as n', [n])),
      )
      process.stdout.write(String(results.reduce((sum, { rows }) => sum + rows[0].n, 0)))
      await pool.end()
    `
    const input = {
      caPath: fixture.certificates.caPath,
      servername: `${endpointId}.${domain}`,
      connection: { host: '127.0.0.1', port: fixture.port, user: role, database, password },
    }
    const output = await exec(
      process.execPath,
      [
        '--input-type=module',
        '--import',
        `data:text/javascript,process.chdir(${JSON.stringify(import.meta.dirname)})`,
        '--eval',
        script,
      ],
      { input: JSON.stringify(input) },
    )
    expect(output).toBe('190')
  })

  test('postgres.js connects, verifies the certificate, and its pool ends cleanly', async () => {
    const sql = createSql({
      host: '127.0.0.1',
      port: fixture.port,
      username: role,
      password,
      database,
      ssl: {
        ca: await readFile(fixture.certificates.caPath, 'utf8'),
        servername: `${endpointId}.${domain}`,
      },
      max: 4,
      onnotice: () => undefined,
    })
    try {
      const rows = await Promise.all(
        Array.from({ length: 20 }, async (_, n) => sql<{ n: number }[]>`select ${n}::int as n`),
      )
      expect(rows.flat().reduce((sum, { n }) => sum + n, 0)).toBe(190)
      const sleeping = sql`select pg_sleep(60)`
      setImmediate(() => sleeping.cancel())
      await expect(sleeping).rejects.toMatchObject({ code: '57014' })
    } finally {
      await sql.end({ timeout: 5 })
    }
  })
})
