import type { Sql } from 'postgres'

import { AppError, errorCode } from '../lib/errors.ts'
import { type DatabaseSchema, readSchema } from '../schema/read-schema.ts'
import { preamble } from '../schema/render-schema.ts'
import type { Kind } from '../schema/schema-object.ts'
import { createLoginRole, type LoginRole, withLoginRole } from './login-role.ts'
import { type Cluster, platformDatabase } from './superuser.ts'

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
  rows: Rows = {},
): Promise<void> {
  const writer = await createLoginRole(to, {
    source: from,
    name: 'coppice_writer',
    attributes: 'noinherit',
  })
  for (const database of databases) {
    const schema = await from.withSuperuser(database, readSchema)
    const owners = await from.withSuperuser(database, readExtensionOwners)
    await prepare(to, database, { schema, owners, writer })
    await write(to, database, { schema, writer, rows })
    await handOver(to, database, { schema, writer })
  }
  await to.withSuperuser(platformDatabase, async (sql) => {
    await sql.unsafe(`drop role ${writer.role}`)
  })
}

/** What fills the tables, while all is the writer's. */
export interface Rows {
  /** Once all tables are there, before their indexes and constraints. */
  load?: (sql: Sql, database: string) => Promise<void>
  /** Once all is there, with the views in the order in which they were made. */
  finish?: (sql: Sql, database: string, views: readonly { name: string }[]) => Promise<void>
  /** What a statement's error says about the rows; undefined where it is about the schema. */
  explain?: (error: unknown, database: string) => Error | undefined
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
  of: { schema: DatabaseSchema; owners: ExtensionOwners; writer: LoginRole },
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
  { schema, writer, rows }: { schema: DatabaseSchema; writer: LoginRole; rows: Rows },
): Promise<void> {
  const made = schema.objects.filter(({ kind }) => !prepared.has(kind) && !last.has(kind))
  // Indexes, keys, triggers and whatever else slows rows down or looks at them comes after.
  const tables = 1 + made.findLastIndex(({ kind }) => kind === 'table' || kind === 'table attach')
  await withLoginRole(to, writer, database, async (sql) => {
    const run = async (statements: readonly string[]) =>
      sql.unsafe(statements.join(';\n')).catch((error: unknown) => {
        throw rows.explain?.(error, database) ?? explain(error, database)
      })
    const statementsOf = (objects: typeof made) => objects.flatMap((object) => object.statements)
    await run([...preamble, ...statementsOf(made.slice(0, tables))])
    await rows.load?.(sql, database)
    await run(statementsOf(made.slice(tables)))
    await rows.finish?.(
      sql,
      database,
      made.filter(({ kind }) => kind === 'view'),
    )
  })
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
  { schema, writer }: { schema: DatabaseSchema; writer: LoginRole },
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
