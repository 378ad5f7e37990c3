import { describe, expect, test } from 'vitest'

import { checkPgSettings, renderSetting } from './pg-settings.ts'

const refusal = (name: string, value = 'x'): string => {
  try {
    checkPgSettings({ [name]: value })
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
  return 'allowed'
}

describe('settings of a project', () => {
  test.each([
    ['work_mem', '64MB'],
    ['max_prepared_transactions', '10'],
    ['pg_stat_statements.max', '2000'],
    ['statement_timeout', '30s'],
    ['app.tenant', "it's"],
  ])('%s may be changed', (name, value) => {
    expect(() => checkPgSettings({ [name]: value })).not.toThrow()
  })

  test.each([
    'archive_command',
    'restore_command',
    'ssl_passphrase_command',
    'basebackup_to_shell.command',
    'shared_preload_libraries',
    'session_preload_libraries',
    'local_preload_libraries',
    'dynamic_library_path',
    'extension_control_path',
    'archive_library',
    'jit_provider',
    'plperl.on_init',
    'data_directory',
    'config_file',
    'hba_file',
    'include',
    'include_dir',
    'include_if_exists',
    'unix_socket_directories',
    'listen_addresses',
    'ssl',
    'ssl_cert_file',
    'password_encryption',
    'fsync',
    'full_page_writes',
    'wal_level',
    'allow_system_table_mods',
    'zero_damaged_pages',
    'log_directory',
    'log_statement',
    'log_min_error_statement',
    'pg_stat_statements.track_utility',
    'primary_conninfo',
    'recovery_target_action',
    'max_connections',
    'cluster_name',
  ])('%s may not, whatever its case', (name) => {
    expect(refusal(name)).toContain(`setting ${name} cannot be changed: `)
    expect(refusal(name.toUpperCase())).toContain(`setting ${name} cannot be changed: `)
  })

  test.each(['', 'a b', "x = 'y'\nfsync", 'work_mem#', 'a.b.c', '1x'])(
    '%j is not the name of a setting',
    (name) => {
      expect(refusal(name)).toContain('is not the name of a setting')
    },
  )

  test('a value cannot carry a second line', () => {
    expect(refusal('work_mem', "1MB'\nfsync = 'off")).toContain('unusable value')
    expect(refusal('work_mem', 'x'.repeat(1001))).toContain('at most 1000 characters')
  })

  test('a value is quoted', () => {
    expect(renderSetting('app.name', String.raw`it's \n`)).toBe(String.raw`app.name = 'it''s \\n'`)
  })

  test('there are not too many', () => {
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`app.x${i}`, '1']))
    expect(() => checkPgSettings(many)).toThrow('at most 100 settings')
  })
})
