import { randomBytes } from 'node:crypto'

import postgres, { type Sql } from 'postgres'

import { AppError, errorCode } from '../lib/errors.ts'
import { createVerifier } from '../lib/scram.ts'
import { type DatabaseSchema, readSchema } from '../schema/read-schema.ts'
import { preamble } from '../schema/render-schema.ts'
import type { Kind } from '../schema/schema-object.ts'
import { quoteIdentifier, quoteLiteral } from './object-names.ts'
import { roleExists, runSecret } from './roles.ts'
import { postgresPort } from './settings.ts'
import { type Cluster, disconnect, platformDatabase, safeDefaults } from './superuser.ts'

/**
 * Makes schemas of users anew in an empty cluster.
 *
 * To make an object can be to run what users wrote: a partition's bound is checked by its type's
 * constraints, and those call functions. So nothing of users is made by the superuser. A role made for
 * the purpose, which owns the empty schemas and may do nothing else, makes it all; then the superuser,
 * in statements that run nobody's code, gives each object to its owner and grants what was granted.
 */
export async function writeSchemas(
  from: Cluster,
  to: Cluster,
  databases: readonly string[],
): Promise<void> {
  const writer = await createWriter(from, to)
  for (const database of databases) {
    const schema = await from.withSuperuser(database, readSchema)
    const owners = await from.withSuperuser(database, readExtensionOwners)
    await prepare(to, database, { schema, owners, writer })
    await write(to, database, { schema, writer })
    await handOver(to, database, { schema, writer })
  }
  await to.withSuperuser(platformDatabase, async (sql) => {
    await sql.unsafe(`drop role ${writer.role}`)
  })
}

interface Writer {
  name: string
  /** As an identifier. */
  role: string
  password: string
}

/** Under a name that no role of the source has; what an earlier attempt left of it is used again. */
async function createWriter(from: Cluster, to: Cluster): Promise<Writer> {
  const password = randomBytes(24).toString('base64url')
  const verifier = await createVerifier(password)
  const name = await from.withSuperuser(platformDatabase, async (sql) => {
    let free = 'coppice_writer'
    while (await roleExists(sql, free)) free += '_'
    return free
  })
  const role = quoteIdentifier(name)
  await to.withSuperuser(platformDatabase, async (sql) => {
    if (!(await roleExists(sql, name))) await sql.unsafe(`create role ${role}`)
    await runSecret(sql, `alter role ${role} login noinherit password ${quoteLiteral(verifier)}`)
  })
  return { name, role, password }
}

/** Of an extension, by its quoted name; undefined where it is the superuser. */
type ExtensionOwners = ReadonlyMap<string, string>

async function readExtensionOwners(sql: Sql): Promise<ExtensionOwners> {
  const rows = await sql<{ name: string; owner: string }[]>`
    select quote_ident(e.extname) as name, quote_ident(r.rolname) as owner
    from pg_extension e join pg_roles r on r.oid = e.extowner where not r.rolsuper`
  return new Map(rows.map((row) => [row.name, row.owner]))
}

/** Made by the superuser before anything of users is there. */
const prepared: ReadonlySet<Kind> = new Set([
  'schema',
  'extension',
  'foreign-data wrapper',
  'server',
])

/** Made by the superuser afterwards, since only a superuser can. */
const last: ReadonlySet<Kind> = new Set(['publication', 'event trigger'])

async function prepare(
  to: Cluster,
  database: string,
  of: { schema: DatabaseSchema; owners: ExtensionOwners; writer: Writer },
): Promise<void> {
  const { schema, owners, writer } = of
  await to.withSuperuser(database, async (sql) => {
    await sql.unsafe(`alter schema public owner to ${writer.role}`)
    for (const { kind, name, statements } of schema.objects) {
      if (!prepared.has(kind)) continue
      const owner = kind === 'extension' ? owners.get(name) : undefined
      if (owner !== undefined && (await isMadeAs(sql, owner, statements))) continue
      if (statements.length > 0) await sql.unsafe(statements.join(';\n'))
      if (kind === 'schema') await sql.unsafe(`alter schema ${name} owner to ${writer.role}`)
      if (kind === 'server') {
        await sql.unsafe(`grant usage on foreign server ${name} to ${writer.role}`)
      }
    }
  })
}

/** Its owner made it, when it was allowed to; where it is not any more, the superuser has to. */
async function isMadeAs(sql: Sql, owner: string, statements: readonly string[]): Promise<boolean> {
  try {
    await sql.unsafe(`set role ${owner};\n${statements.join(';\n')};\nreset role`)
    return true
  } catch (error) {
    if (errorCode(error) !== insufficientPrivilege) throw error
    await sql.unsafe('reset role')
    return false
  }
}

/** SQLSTATE of the manual's appendix A. */
const insufficientPrivilege = '42501'

async function write(
  to: Cluster,
  database: string,
  { schema, writer }: { schema: DatabaseSchema; writer: Writer },
): Promise<void> {
  const statements = schema.objects
    .filter(({ kind }) => !prepared.has(kind) && !last.has(kind))
    .flatMap((object) => object.statements)
  const socketDirectory = await to.socketDirectory()
  const sql = postgres({
    path: `${socketDirectory}/.s.PGSQL.${postgresPort}`,
    database,
    user: writer.name,
    password: writer.password,
    max: 1,
    ssl: false,
    fetch_types: false,
    prepare: false,
    onnotice: () => undefined,
    connection: { application_name: 'coppice', options: safeDefaults },
  })
  try {
    await sql.unsafe([...preamble, ...statements].join(';\n'))
  } catch (error) {
    throw explain(error, database)
  } finally {
    await disconnect(sql)
  }
}

/** What a superuser made in the source, no matter how, is more than the writer may make. */
function explain(error: unknown, database: string): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (errorCode(error) !== insufficientPrivilege) {
    return new Error(`cannot make the schema of database ${database} anew`, { cause: error })
  }
  return new AppError(
    'not_available',
    `the schema of database ${database} has something that only a superuser can make (${error.message}); ` +
      'drop it on the branch, or branch with its data',
    { cause: error },
  )
}

async function handOver(
  to: Cluster,
  database: string,
  { schema, writer }: { schema: DatabaseSchema; writer: Writer },
): Promise<void> {
  const { objects, others, defaultPrivileges } = schema
  const of = (...kinds: Kind[]) => objects.filter(({ kind }) => kinds.includes(kind))
  const owned = objects.filter(({ kind }) => kind !== 'sequence' && kind !== 'event trigger')
  const statements = [
    ...of('publication').flatMap((object) => object.statements),
    'alter schema public owner to pg_database_owner',
    // A sequence that belongs to a table has gone to the table's owner with it, and stays there.
    ...[...owned, ...of('sequence')].flatMap(({ ownership }) => ownership ?? []),
    ...of('server').map(({ name }) => `revoke usage on foreign server ${name} from ${writer.role}`),
    ...objects.flatMap(({ comments, grants }) => [...comments, ...grants]),
    ...others,
    ...defaultPrivileges,
  ]
  // They would fire for what comes after them.
  const eventTriggers = of('event trigger').flatMap(({ statements: made, ownership }) => [
    ...made,
    ...(ownership === undefined ? [] : [ownership]),
  ])
  await to.withSuperuser(database, async (sql) => {
    await sql.unsafe(statements.join(';\n'))
    await handOverMultiranges(sql)
    if (eventTriggers.length > 0) await sql.unsafe(eventTriggers.join(';\n'))
  })
}

/** Before version 17 the owner of a range type is not made that of its multirange type as well. */
async function handOverMultiranges(sql: Sql): Promise<void> {
  const left = await sql<{ statement: string }[]>`
    select format('alter type %I.%I owner to %I', n.nspname, m.typname, pg_get_userbyid(t.typowner))
      as statement
    from pg_range r join pg_type t on t.oid = r.rngtypid join pg_type m on m.oid = r.rngmultitypid
      join pg_namespace n on n.oid = m.typnamespace
    where m.typowner <> t.typowner`
  for (const { statement } of left) await sql.unsafe(statement)
}
