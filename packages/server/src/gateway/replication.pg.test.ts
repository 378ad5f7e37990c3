import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, beforeEach, describe as suite, expect, test } from 'vitest'

import { must } from '../lib/assert.ts'
import { openAccess } from '../testing/fake-control-plane.ts'
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
import { findPgRecvlogical, startPgRecvlogical } from '../testing/pg-recvlogical.ts'
import { hasPsql, psql } from '../testing/psql.ts'
import { findInstallations } from '../testing/throwaway-postgres.ts'
import { until } from '../testing/until.ts'
import {
  authenticate,
  describe,
  openTls,
  query,
  readToEnd,
  startupPacket,
  type WireClient,
  wireClient,
} from '../testing/wire-client.ts'
import { maxReplicationQueryBytes } from './replication.ts'
import { message } from './wire/messages.ts'

const installations = await findInstallations()
const canPsql = await hasPsql()
const pgRecvlogical = await findPgRecvlogical()

suite.each(installations)('PostgreSQL $version', (installation) => {
  let fixture: GatewayFixture
  const clients: WireClient[] = []

  beforeAll(async () => {
    fixture = await startGatewayFixture(installation)
    const { postgres } = fixture
    await appendFile(join(postgres.dataDirectory, 'postgresql.auto.conf'), 'wal_level = logical\n')
    await postgres.halt()
    await postgres.start()
    await postgres.sql(`alter role ${role} replication`)
  })
  afterAll(async () => fixture?.stop())
  beforeEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await resetControlPlane(fixture.controlPlane)
  })

  async function open(
    parameters: Record<string, string> = { replication: 'database' },
    port = fixture.port,
    servername = `${endpointId}.${domain}`,
  ): Promise<{ client: WireClient; answer: string }> {
    const client = wireClient(await openTls(port, servername))
    clients.push(client)
    client.stream.write(startupPacket({ user: role, database, ...parameters }))
    const received = await authenticate(client, { password })
    return { client, answer: describe(received) }
  }

  async function connect(): Promise<WireClient> {
    const { client, answer } = await open()
    expect(answer).toBe('message R')
    await client.nextUntil('Z')
    return client
  }

  /** Types of the answer's messages; in place of an ErrorResponse what it says. */
  async function run(client: WireClient, sql: string): Promise<string[]> {
    client.stream.write(query(sql))
    const answer = await client.nextUntil('Z')
    if (answer.at(-1)?.type === 'E') answer.push(await client.next())
    return answer.map((one) => (one.type === 'E' ? describe(one) : one.type))
  }

  const notHere = (command: string) =>
    expect.stringContaining(`0A000 ${command} is not available here: replication connections serve`)

  test('serves what is logical, and SQL', async () => {
    const client = await connect()
    expect(await run(client, 'IDENTIFY_SYSTEM')).toContain('D')
    expect(await run(client, 'SHOW pool_mode')).toContain('D')
    await run(client, 'create table t (id int)')
    expect(await run(client, 'create publication p for table t')).toEqual(['C', 'Z'])
    expect(
      await run(client, 'CREATE_REPLICATION_SLOT "of ours" TEMPORARY LOGICAL pgoutput'),
    ).toEqual([expect.stringMatching(/^42602 /), 'Z'])
    expect(await run(client, 'CREATE_REPLICATION_SLOT s TEMPORARY LOGICAL pgoutput')).toContain('D')
    client.stream.write(
      query(`START_REPLICATION SLOT s LOGICAL 0/0 ("proto_version" '1', "publication_names" 'p')`),
    )
    expect((await client.next()).type).toBe('W')
    const other = await connect()
    await run(other, 'insert into t values (1)')
    let letters = ''
    await until(async () => {
      const { body } = await client.next()
      // A WAL message: its header, then pgoutput's type.
      if (body.toString('latin1', 0, 1) === 'w') letters += body.toString('latin1', 25, 26)
      return letters.includes('I')
    })
    expect(letters).toMatch(/BRIC?$/)
    await run(other, 'drop table t; drop publication p')
  })

  test('copies no cluster, and goes on', async () => {
    const client = await connect()
    for (const [sql, command] of [
      ['BASE_BACKUP', 'BASE_BACKUP'],
      [`\n ${' '.repeat(200_000)}BASE_BACKUP (LABEL 'x')`, 'BASE_BACKUP'],
      ['START_REPLICATION 0/0', 'START_REPLICATION'],
      ['START_REPLICATION SLOT "LOGICAL" PHYSICAL 0/0', 'START_REPLICATION'],
      ['CREATE_REPLICATION_SLOT s PHYSICAL', 'CREATE_REPLICATION_SLOT'],
      ['TIMELINE_HISTORY 1', 'TIMELINE_HISTORY'],
    ] as const) {
      expect(await run(client, sql)).toEqual([notHere(command), 'Z'])
    }
    // What the gateway takes for SQL is SQL to PostgreSQL too.
    for (const sql of [
      '-- x\nBASE_BACKUP',
      'select 1; BASE_BACKUP',
      '"BASE_BACKUP"',
      ';BASE_BACKUP',
    ]) {
      expect(await run(client, sql)).toEqual([expect.stringMatching(/^42601 /), 'Z'])
    }
    expect(await run(client, 'select 1')).toEqual(['T', 'D', 'C', 'Z'])
  })

  test('loads no file for an output plugin, and leaves the platform’s slots alone', async () => {
    const client = await connect()
    const expectRefused = async (commands: readonly string[], told: string): Promise<void> => {
      for (const command of commands) expect(await run(client, command)).toEqual([told, 'Z'])
    }
    await expectRefused(
      [
        'CREATE_REPLICATION_SLOT s LOGICAL "/etc/hosts"',
        'create_replication_slot "s" temporary\n logical "/etc/hosts";',
      ],
      '0A000 this output plugin is not available here: ' +
        'choose one of pgoutput, test_decoding, wal2json, decoderbufs',
    )
    await fixture.postgres.sql(`select pg_create_physical_replication_slot('coppice_history')`)
    await expectRefused(
      ['DROP_REPLICATION_SLOT coppice_history', 'drop_replication_slot "coppice_history" wait'],
      "0A000 slots named coppice_... are the platform's: choose another name",
    )
    await fixture.postgres.sql(`select pg_drop_replication_slot('coppice_history')`)
    // What the gateway takes for SQL is no command to PostgreSQL either.
    for (const command of [
      '/**/CREATE_REPLICATION_SLOT s LOGICAL "/etc/hosts"',
      ';CREATE_REPLICATION_SLOT s LOGICAL "/etc/hosts"',
      '\u00a0CREATE_REPLICATION_SLOT s LOGICAL "/etc/hosts"',
    ]) {
      expect(await run(client, command)).toEqual([expect.stringMatching(/^42601 /), 'Z'])
    }
    for (const plugin of ['PGOUTPUT', '"test_decoding"']) {
      const command = `CREATE_REPLICATION_SLOT s TEMPORARY LOGICAL ${plugin}`
      expect(await run(client, command)).toEqual(['T', 'D', 'C', 'Z'])
      expect(await run(client, 'DROP_REPLICATION_SLOT s')).toEqual(['C', 'Z'])
    }
  })

  test('answers in order, wherever the bytes are split', async () => {
    const client = await connect()
    const bytes = Buffer.concat([query('select 1'), query('BASE_BACKUP'), query('select 2')])
    for (const byte of bytes) client.stream.write(Buffer.from([byte]))
    const types: string[] = []
    while (types.filter((type) => type === 'Z').length < 3) types.push((await client.next()).type)
    expect(types.join('')).toBe('TDCZEZTDCZ')
  })

  test('refuses a query that is too long to be looked into', async () => {
    const client = await connect()
    const long = `${' '.repeat(maxReplicationQueryBytes)}BASE_BACKUP`
    client.stream.write(query(long))
    expect(describe(await client.next())).toMatch(/^54000 a query on a replication connection has/)
    expect(await readToEnd(client.stream)).toHaveLength(0)
  })

  test('passes no query in the extended protocol either', async () => {
    const client = await connect()
    client.stream.write(message('P', Buffer.from('\0BASE_BACKUP\0\0\0')))
    client.stream.write(message('S', Buffer.alloc(0)))
    expect(describe(await client.next())).toMatch(/^(0A000|08P01) /)
  })

  test('is for logical replication, on direct connections, where the project has it', async () => {
    const physical = await open({ replication: 'true' })
    expect(physical.answer).toMatch(/^0A000 physical replication is not available.*pg_dump/)
    const pooled = /^08P01 unsupported startup parameter: replication\. Please use unpooled/
    expect((await open(undefined, fixture.pooledPort)).answer).toMatch(pooled)
    const { answer } = await open(undefined, fixture.port, `${endpointId}-pooler.${domain}`)
    expect(answer).toMatch(pooled)
    const off = { ...openAccess('ep-off'), logicalReplication: false }
    fixture.controlPlane.endpoints.set('ep-off', off)
    const without = await open(undefined, fixture.port, `ep-off.${domain}`)
    expect(without.answer).toMatch(/^0A000 .*neon projects update --enable-logical-replication/)
    expect(fixture.controlPlane.wakes).toEqual([])
  })

  test.skipIf(!canPsql || pgRecvlogical === undefined)('streams to pg_recvlogical', async () => {
    const target = {
      host: `${endpointId}.${domain}`,
      hostaddr: '127.0.0.1',
      port: String(fixture.port),
      user: role,
      dbname: database,
      sslmode: 'require',
    }
    const conninfo = Object.entries(target)
      .map(([name, value]) => `${name}='${value}'`)
      .join(' ')
    const program = must(pgRecvlogical, 'it was looked for')
    const recvlogical = (...args: string[]) =>
      startPgRecvlogical(program, { conninfo, password }, args)
    expect(await recvlogical('--create-slot', '-P', 'test_decoding').ended).toBe('0 ')
    const { child, output, ended } = recvlogical('--start', '-f', '-', '-F', '0')
    try {
      const sql = "create table seen (word text); insert into seen values ('streamed ü')"
      expect(await psql(conninfo, sql, { PGPASSWORD: password })).toMatchObject({
        code: 0,
        stderr: '',
      })
      await until(() => output.text.includes("word[text]:'streamed ü'"))
    } finally {
      child.kill('SIGINT')
      await ended
    }
    expect(await recvlogical('--drop-slot').ended).toBe('0 ')
  })
})
