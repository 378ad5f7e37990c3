import { expect, test } from 'vitest'

import { refuseReplicationCommand } from './replication.ts'

test.each([
  'IDENTIFY_SYSTEM',
  'identify_system;',
  'SHOW wal_level',
  'CREATE_REPLICATION_SLOT "s" LOGICAL "pgoutput" (SNAPSHOT \'nothing\')',
  'CREATE_REPLICATION_SLOT s TEMPORARY LOGICAL test_decoding EXPORT_SNAPSHOT',
  'CREATE_REPLICATION_SLOT "a ""b" LOGICAL pgoutput',
  'START_REPLICATION SLOT "s" LOGICAL 0/0 (proto_version \'1\', publication_names \'"p"\')',
  '\n START_REPLICATION\tSLOT s\n LOGICAL 0/0',
  'ALTER_REPLICATION_SLOT s (FAILOVER true)',
  'READ_REPLICATION_SLOT s',
  'DROP_REPLICATION_SLOT s WAIT',
  'drop_replication_slot s;',
  'create_replication_slot s logical PgOutput;',
  "CREATE_REPLICATION_SLOT s LOGICAL wal2json(SNAPSHOT 'export')",
  'CREATE_REPLICATION_SLOT s\vLOGICAL\f"decoderbufs"',
  'CREATE_REPLICATION_SLOT coppice LOGICAL pgoutput',
  'READ_REPLICATION_SLOT coppice_history',
  'create publication p for all tables',
  "select pg_create_logical_replication_slot('s', 'pgoutput')",
  '-- a comment\nselect 1',
  '',
])('lets %j pass', (text) => {
  expect(refuseReplicationCommand(text)).toBeUndefined()
})

test.each([
  ['BASE_BACKUP', 'BASE_BACKUP'],
  ["base_backup (LABEL 'x')", 'BASE_BACKUP'],
  [' \t\r\n\f\v BASE_BACKUP', 'BASE_BACKUP'],
  ['BASE_BACKUP;', 'BASE_BACKUP'],
  ['START_REPLICATION 0/0', 'START_REPLICATION'],
  ['START_REPLICATION PHYSICAL 0/0 TIMELINE 1', 'START_REPLICATION'],
  ['START_REPLICATION SLOT s 0/0', 'START_REPLICATION'],
  ['START_REPLICATION SLOT "x LOGICAL " PHYSICAL 0/0', 'START_REPLICATION'],
  ['START_REPLICATION SLOT "LOGICAL" 0/0', 'START_REPLICATION'],
  ['START_REPLICATION SLOT logical 0/0', 'START_REPLICATION'],
  ['START_REPLICATION SLOT s PHYSICAL 0/0 -- LOGICAL', 'START_REPLICATION'],
  ['CREATE_REPLICATION_SLOT s PHYSICAL RESERVE_WAL', 'CREATE_REPLICATION_SLOT'],
  ['CREATE_REPLICATION_SLOT logical PHYSICAL', 'CREATE_REPLICATION_SLOT'],
  ['CREATE_REPLICATION_SLOT "s" TEMPORARY PHYSICAL', 'CREATE_REPLICATION_SLOT'],
  ['TIMELINE_HISTORY 1', 'TIMELINE_HISTORY'],
  ['UPLOAD_MANIFEST', 'UPLOAD_MANIFEST'],
  ['SOMETHING_OF_A_LATER_VERSION', 'SOMETHING_OF_A_LATER_VERSION'],
  ['IDENTIFY_SYSTEM_X', 'IDENTIFY_SYSTEM_X'],
])('refuses %j', (text, command) => {
  expect(refuseReplicationCommand(text)).toContain(
    `errcode = '0A000', message = '${command} is not available here: `,
  )
})

test.each([
  `"/tmp/evil.so"`,
  `"/tmp/evil"`,
  'evil',
  'pgoutputs',
  'pgoutput$',
  'pgoutput\u00e9',
  '"PGOUTPUT"',
  '"pgoutput "',
  '"pgoutput""x"',
  '"""pgoutput"',
  '"$libdir/pgoutput"',
  '"../pgoutput"',
  'pgoutput"/tmp/evil.so"',
])('refuses output plugin %s', (plugin) => {
  for (const command of [
    `CREATE_REPLICATION_SLOT s LOGICAL ${plugin}`,
    `create_replication_slot "s" temporary logical\n${plugin}`,
    `CREATE_REPLICATION_SLOT s TEMPORARY LOGICAL ${plugin} (SNAPSHOT 'nothing')`,
  ]) {
    expect(refuseReplicationCommand(command)).toMatch(/output plugin is not|is not available here/)
  }
})

test.each([
  // A space of Unicode's is a letter to PostgreSQL: this names the plugin `/tmp/evil.so`.
  'CREATE_REPLICATION_SLOT s\u00a0LOGICAL\u00a0pgoutput LOGICAL "/tmp/evil.so"',
  'CREATE_REPLICATION_SLOT s LOGICAL\u00a0pgoutput "/tmp/evil.so"',
  'CREATE_REPLICATION_SLOT /* x */ s LOGICAL "/tmp/evil.so"',
  'CREATE_REPLICATION_SLOT s LOGICAL -- x\n"/tmp/evil.so"',
  'CREATE_REPLICATION_SLOT s LOGICAL',
  'CREATE_REPLICATION_SLOT"s"LOGICAL"/tmp/evil.so"',
  'DROP_REPLICATION_SLOT',
])('refuses %j, which it cannot read', (text) => {
  expect(refuseReplicationCommand(text)).toContain('is not available here')
})

test.each([
  'DROP_REPLICATION_SLOT coppice_history',
  'drop_replication_slot\n"coppice_history" WAIT',
  'DROP_REPLICATION_SLOT COPPICE_history;',
  'ALTER_REPLICATION_SLOT coppice_history (FAILOVER true)',
  'CREATE_REPLICATION_SLOT coppice_history LOGICAL pgoutput',
  'CREATE_REPLICATION_SLOT "coppice_history" TEMPORARY LOGICAL pgoutput',
  'START_REPLICATION SLOT coppice_history LOGICAL 0/0',
])('refuses %j: the slot is the platform’s', (text) => {
  expect(refuseReplicationCommand(text)).toContain("slots named coppice_... are the platform''s")
})
