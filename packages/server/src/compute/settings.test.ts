import { describe, expect, test } from 'vitest'

import { renderPgHbaConf, renderPgIdentConf } from './access-files.ts'
import { renderLimitsConf, renderPostgresConf, type SettingsHost } from './settings.ts'
import { createSpec } from './testing/spec.ts'
import { tokenRoles } from './token-roles.ts'

const users = { platform: 'root', database: 'postgres' }

const host: SettingsHost = {
  socketDirectory: '/run/coppice/ep-a',
  hbaFile: '/state/ep-a/pg_hba.conf',
  identFile: '/state/ep-a/pg_ident.conf',
  platform: 'linux',
  hasStatStatements: true,
}

const conf = (changes = {}, hostChanges: Partial<SettingsHost> = {}): string[] =>
  renderPostgresConf(createSpec('/data', changes), { ...host, ...hostChanges }).split('\n')

describe('postgresql.conf', () => {
  test.each([14, 15, 16, 17, 18])('keeps data safe and the network out on %d', (pgVersion) => {
    const lines = conf({ pgVersion })
    expect(lines).toContain("fsync = 'on'")
    expect(lines).toContain("full_page_writes = 'on'")
    expect(lines).toContain("listen_addresses = ''")
    expect(lines).toContain(`unix_socket_directories = '"/run/coppice/ep-a"'`)
    expect(lines).toContain("max_connections = '107'")
  })

  test('takes what changes while it runs from a file that is over it', () => {
    expect(conf().at(-2)).toBe("include_if_exists = 'limits.conf'")
    const readOnly = "default_transaction_read_only = 'on'\n"
    expect(renderLimitsConf(createSpec('/data'), 1)).not.toContain(readOnly)
    expect(renderLimitsConf(createSpec('/data', { readOnly: true }), 1)).toContain(readOnly)
  })

  test('sizes by the size in force what can change with it, unless the user has set it', () => {
    const limits = (units: number, pgSettings = {}) =>
      renderLimitsConf(createSpec('/data', { pgSettings }), units).split('\n')
    expect(limits(0.25)).toContain("effective_cache_size = '768MB'")
    expect(limits(0.25)).toContain("work_mem = '4MB'")
    expect(limits(0.25)).toContain("max_parallel_workers_per_gather = '0'")
    expect(limits(8)).toContain("work_mem = '32MB'")
    expect(limits(8)).toContain("max_parallel_workers_per_gather = '8'")
    expect(limits(8, { Work_Mem: '1MB' }).filter((line) => line.startsWith('work_mem'))).toEqual([])
  })

  test('has only what the version knows', () => {
    expect(conf({ pgVersion: 16 }).join()).not.toContain('allow_alter_system')
    expect(conf({ pgVersion: 17 })).toContain("allow_alter_system = 'off'")
    expect(conf({ pgVersion: 17 }).join()).not.toContain('io_method')
    expect(conf({ pgVersion: 18 })).toContain("io_method = 'sync'")
  })

  test('writes for logical decoding where the project has it, within bounds', () => {
    expect(conf()).toContain("wal_level = 'replica'")
    expect(conf().join()).not.toContain('max_slot_wal_keep_size')
    const lines = conf({ logicalReplication: true })
    expect(lines).toContain("wal_level = 'logical'")
    expect(lines).toContain("max_slot_wal_keep_size = '4GB'")
    const replica = conf({ logicalReplication: true, isStandby: true })
    expect(replica).toContain("wal_level = 'replica'")
  })

  test('has only what the host knows', () => {
    expect(conf()).toContain("recovery_init_sync_method = 'syncfs'")
    expect(conf({}, { platform: 'darwin' }).join()).not.toContain('syncfs')
    expect(conf({}, { hasStatStatements: false }).join()).not.toContain('pg_stat_statements')
  })

  test('preloads what the spec says, without statistics where the server has none', () => {
    expect(conf()).toContain("shared_preload_libraries = 'pg_stat_statements'")
    const preloadLibraries = ['pg_stat_statements', 'pg_prewarm']
    expect(conf({ preloadLibraries })).toContain(
      "shared_preload_libraries = 'pg_stat_statements,pg_prewarm'",
    )
    const without = conf({ preloadLibraries }, { hasStatStatements: false })
    expect(without).toContain("shared_preload_libraries = 'pg_prewarm'")
    expect(conf({ preloadLibraries: [] }).join()).not.toContain('pg_stat_statements')
  })

  test('sizes memory by compute units, within bounds', () => {
    expect(conf({ maxComputeUnits: 0.25 })).toContain("shared_buffers = '128MB'")
    const range = (minComputeUnits: number, maxComputeUnits: number) =>
      conf({ minComputeUnits, maxComputeUnits })
    expect(range(4, 4)).toContain("shared_buffers = '512MB'")
    expect(range(64, 64)).toContain("shared_buffers = '2048MB'")
    // A quarter of what it has at its smallest, where it has to fit in.
    expect(range(0.25, 64)).toContain("shared_buffers = '256MB'")
  })

  test('is the same for all sizes in what a clone must not have less of', () => {
    const names = ['max_connections', 'max_wal_senders', 'max_replication_slots']
    const pick = (units: number) =>
      conf({ maxComputeUnits: units }).filter((line) => names.some((name) => line.startsWith(name)))
    expect(pick(0.25)).toEqual(pick(8))
  })

  test('ends with the settings of the user, which so win', () => {
    const lines = conf({ pgSettings: { work_mem: '64MB', jit: 'on' } })
    expect(lines.indexOf("jit = 'on'")).toBeGreaterThan(lines.indexOf("jit = 'off'"))
    expect(lines.filter(Boolean).at(-2)).toBe("jit = 'on'")
  })

  test('refuses settings that a project may not change', () => {
    expect(() => conf({ pgSettings: { archive_command: 'id' } })).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    )
  })
})

test('the superuser comes only from the platform, everyone else with a password', () => {
  expect(
    renderPgHbaConf([])
      .split('\n')
      .filter((line) => line.startsWith('local')),
  ).toEqual([
    'local replication cloud_admin peer map=replica',
    'local all cloud_admin peer map=platform',
    'local all all scram-sha-256',
  ])
  expect(renderPgIdentConf(users, [])).toContain(
    'platform "root" cloud_admin\nreplica "postgres" cloud_admin\n',
  )
})

test('the platform comes in as roles of tokens, nobody else does, and never by another name', () => {
  const from = (...roleNames: string[]) => ({ jwksUrl: 'https://idp.example', roleNames })
  const odd = ['cloud_admin', 'neon_superuser', 'pg_monitor', '+all', '/x', 'a"b', 'all all', '@f']
  const roles = tokenRoles([from('web', ...odd), from(), from('web')])
  expect(roles).toEqual(['anonymous', 'authenticated', 'authenticator', 'web'])
  expect(renderPgHbaConf(roles).split('\n').slice(2)).toEqual([
    'local all cloud_admin peer map=platform',
    'local all "anonymous","authenticated","authenticator","web" peer map=platform',
    'local all all scram-sha-256',
    '',
  ])
  expect(renderPgIdentConf(users, ['web'])).toContain('platform "root" "web"\n')
})
