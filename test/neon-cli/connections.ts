import { expect } from 'vitest'

import { repository, run } from '../platform.ts'
import type { Suite } from './suite.ts'

export function connectionTests(suite: Suite): void {
  const { neon, json, works } = suite
  const connectionString = async (...args: string[]): Promise<string> =>
    (await neon(['connection-string', 'main', ...args])).trim()
  /** Stock psql with nothing but the string and the environment. */
  const psql = async (uri: string, sql: string): Promise<string> => {
    const env = { ...suite.environment(), PGSSLROOTCERT: suite.platform.caFile }
    return (await run('psql', ['-XAtc', sql, uri], { env })).trim()
  }
  /** node-postgres in a program of its own, with nothing but the string. */
  const nodePostgres = async (uri: string, sql: string): Promise<unknown> => {
    const program = `
      const { Client } = require('pg')
      const client = new Client({ connectionString: process.env.DATABASE_URL, enableChannelBinding: true })
      const run = async () => {
        await client.connect()
        console.log(JSON.stringify((await client.query(${JSON.stringify(sql)})).rows))
        await client.end()
      }
      run()`
    const env = { ...suite.environment(), DATABASE_URL: uri }
    return JSON.parse(await run('node', ['-e', program], { env, cwd: repository }))
  }

  works(['connection-string'], 'connects psql and node-postgres, by TLS', async () => {
    const uri = await connectionString()
    const { host, searchParams } = new URL(uri)
    const { directPort } = suite.platform
    expect(host).toMatch(new RegExp(`^ep-[a-z0-9-]+\\.coppice\\.localhost:${directPort}$`))
    expect(Object.fromEntries(searchParams)).toEqual({
      sslmode: 'require',
      channel_binding: 'require',
    })
    // channel_binding=require: psql would not go on without SCRAM-SHA-256-PLUS, and so without TLS.
    expect(await psql(uri, 'SELECT current_user')).toBe('neondb_owner')
    expect(await psql(uri, 'SHOW pool_mode')).toBe('session')
    // It takes sslmode=require for verify-full: certificate and name are checked.
    expect(await nodePostgres(uri, 'SELECT current_user AS role')).toEqual([
      { role: 'neondb_owner' },
    ])
  })

  works(['connection-string'], 'for a pooled session, a role, a database and Prisma', async () => {
    const who = ['--role-name', 'neondb_owner', '--database-name', 'neondb']
    const pooled = await connectionString('--pooled', '--endpoint-type', 'read_write', ...who)
    expect(new URL(pooled).hostname).toContain('-pooler.')
    expect(await psql(pooled, 'SHOW pool_mode')).toBe('transaction')
    const prisma = await connectionString('--pooled', '--prisma')
    expect(Object.fromEntries(new URL(prisma).searchParams)).toMatchObject({
      pgbouncer: 'true',
      pool_timeout: '30',
      connect_timeout: '30',
    })
    expect(await nodePostgres(prisma, 'SHOW pool_mode')).toEqual([{ pool_mode: 'transaction' }])
  })

  works(['connection-string'], 'with every strictness of TLS', async () => {
    const [authority, full, bare] = await Promise.all(
      ['verify-ca', 'verify-full', 'omit'].map(async (ssl) => connectionString('--ssl', ssl)),
    )
    expect(new URL(authority ?? '').searchParams.get('sslmode')).toBe('verify-ca')
    expect(await psql(authority ?? '', 'SELECT 1')).toBe('1')
    expect(new URL(full ?? '').searchParams.get('sslmode')).toBe('verify-full')
    expect(await psql(full ?? '', 'SELECT 1')).toBe('1')
    expect(new URL(bare ?? '').search).toBe('')
    // Without TLS nobody gets in.
    await expect(psql(`${bare}?sslmode=disable`, 'SELECT 1')).rejects.toThrow('insecure')
  })

  works(['connection-string'], 'in its parts, and by opening psql', async () => {
    const parts = await json<Record<string, string>>(['connection-string', 'main', '--extended'])
    expect(parts).toEqual({
      connection_string: expect.stringContaining(`${parts['password']}@${parts['host']}/neondb`),
      host: expect.stringMatching(/^ep-/),
      role: 'neondb_owner',
      password: expect.stringMatching(/./),
      database: 'neondb',
      options: 'sslmode=require&channel_binding=require',
    })
    expect(await connectionString('--psql', '--', '-Atc', 'SELECT 1')).toBe('1')
  })

  works(['psql'], 'with the psql of the system and with its own', async () => {
    const environments = { system: {}, embedded: { NEONCTL_PSQL_FALLBACK: '1' } }
    const checked = ['psql', 'main', '--pooled', '--ssl', 'verify-full', '--', '-Atc']
    for (const environment of Object.values(environments)) {
      const env = { ...environment, PGSSLROOTCERT: suite.platform.caFile }
      expect(await neon([...checked, 'SHOW pool_mode'], { env })).toContain('transaction')
    }
    const simple = ['psql', 'main', '--', '-Atc', 'SELECT current_user']
    expect(await neon(simple, { env: environments.embedded })).toContain('neondb_owner')
  })
}
