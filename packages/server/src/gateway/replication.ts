/**
 * Connections for logical replication (PostgreSQL manual, "Streaming Replication Protocol"): what they
 * may ask of the compute. A walsender with a database also copies the whole cluster, its password
 * verifiers included, for whoever has REPLICATION; the roles of a project have it where the project
 * has logical replication, so the gateway lets through what is logical, and SQL.
 */
import { outputPlugins, platformSlotPrefix } from '../lib/replication-slots.ts'
import { ClientError, sqlstates } from './errors.ts'
import { failingStatement } from './failing-statement.ts'

/** As `repl_scanner.l` has them: a space of Unicode's is a letter there. */
const space = String.raw`[ \t\n\r\f\v]`
const identifier = String.raw`(?:"(?:[^"]|"")+"|[a-z_\x80-\xff][\w$\x80-\xff]*)(?!["\w$\x80-\xff])`

const looking = /^(?:identify_system|read_replication_slot)\b/i
/** Those that change a slot; what is not logical is known by the word LOGICAL missing. */
const changing = new RegExp(
  String.raw`^(?:create_replication_slot${space}+(?<made>${identifier})(?:${space}+temporary)?${space}+logical${space}+(?<plugin>${identifier})` +
    String.raw`|start_replication${space}+slot${space}+(?<started>${identifier})${space}+logical\b` +
    String.raw`|(?:drop|alter)_replication_slot${space}+(?<changed>${identifier}))`,
  'i',
)

/** All commands have an underscore in their first word, and no statement of SQL has. */
const commandWord = /^[a-z]+_\w*/i

/** Texts are held until they are whole. Longer ones are SQL, which ordinary connections take at any length. */
export const maxReplicationQueryBytes = 1024 * 1024

/**
 * A statement that fails with what to do instead, for a query that a replication connection may not
 * ask; undefined for one that it may. Running it where the query would have run keeps the order of
 * answers, and the state of a transaction, as if PostgreSQL itself had refused.
 */
export function refuseReplicationCommand(text: string): string | undefined {
  const command = text.trimStart()
  const [word] = commandWord.exec(command) ?? []
  if (word === undefined || looking.test(command)) return undefined
  const parts = changing.exec(command)?.groups
  if (parts === undefined) {
    return failingStatement(`${word.toUpperCase()} is not available here: ${advice}`)
  }
  const slot = nameOf(parts['made'] ?? parts['started'] ?? parts['changed'] ?? '')
  if (slot.startsWith(platformSlotPrefix)) {
    return failingStatement(
      `slots named ${platformSlotPrefix}... are the platform's: choose another name`,
    )
  }
  const plugin = parts['plugin']
  if (plugin === undefined || isServed(nameOf(plugin))) return undefined
  return failingStatement(
    `this output plugin is not available here: choose one of ${outputPlugins.join(', ')}`,
  )
}

const isServed = (plugin: string): boolean => (outputPlugins as readonly string[]).includes(plugin)

/** What PostgreSQL makes of an identifier. */
function nameOf(written: string): string {
  if (!written.startsWith('"')) return written.toLowerCase()
  return written.slice(1, -1).replaceAll('""', '"')
}

const advice =
  'replication connections serve logical replication; ' +
  'to copy databases use pg_dump, or create a branch'

/** The compute may not write its WAL for it, and would say something about superusers. */
export function replicationIsOff(): ClientError {
  return new ClientError(
    sqlstates.notSupported,
    'logical replication is not enabled for this project; ' +
      'enable it with `neon projects update --enable-logical-replication`',
  )
}

export function physicalReplicationRefused(): ClientError {
  return new ClientError(sqlstates.notSupported, `physical replication is not available: ${advice}`)
}

/** Neon's words for a start-up parameter that its pooler does not know. */
export function replicationIsUnpooled(): ClientError {
  return new ClientError(
    sqlstates.protocolViolation,
    'unsupported startup parameter: replication. Please use unpooled connection or remove this parameter from the startup package. ' +
      'More details: https://neon.tech/docs/connect/connection-errors#unsupported-startup-parameter',
  )
}
