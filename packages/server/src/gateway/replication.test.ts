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
