/**
 * The prepared statements of one client of a pool. What the client calls by its own name has a name of
 * ours on server connections, is shared there with other clients, and is prepared again where a
 * connection does not have it. Messages are rewritten so that the answers keep their number and order:
 * what the server need not do again is replaced by something that it answers with one message as well.
 */
import { ClientError, protocolViolation, sqlstates } from '../errors.ts'
import { headerBytes, message } from '../wire/messages.ts'
import type { Pool } from './pool.ts'
import type { ServerConnection } from './server-connection.ts'
import type { SessionHints } from './session-hints.ts'
import { statementPrefix } from './statement-prefix.ts'
import {
  closeNothing,
  closeStatement,
  makeStatement,
  noStatement,
  type Statement,
} from './statements.ts'

/** What is sent in place of a message's first bytes. */
export interface Replacement {
  parts: Buffer[]
  replaced: number
}

/** What the session of the client does with texts. */
export interface TextReader {
  /** The client's, where it has set one. */
  readonly searchPath: string
  /** The text that is prepared instead, where this one is not for the server. */
  rewrite(text: string): string | undefined
  /** A statement with these hints is about to run. */
  suspect(hints: SessionHints | undefined): void
}

/** A client's own statements; each takes memory of the gateway. */
const maxStatements = 10_000
const statementKind = 0x53 // 'S'
const unnamed = Buffer.alloc(1)
/** The unnamed statement of a server that has skipped a change of it. */
const unknown = {}

export class ClientStatements {
  readonly #pool: Pool
  readonly #reader: TextReader
  readonly #named = new Map<string, Statement>()
  /** The last Parse without a name. */
  #unnamed: Statement | undefined
  /** Stands for one that was too long to be kept. */
  #longUnnamed: object | undefined
  #deallocating: { name: string; statement: Statement } | undefined

  constructor(pool: Pool, reader: TextReader) {
    this.#pool = pool
    this.#reader = reader
  }

  get size(): number {
    return this.#named.size
  }

  clear(): void {
    this.#named.clear()
    this.#unnamed = undefined
  }

  /** A whole Parse message. Throws ClientError, as the others do. */
  parse(server: ServerConnection, bytes: Buffer): Replacement | undefined {
    const nameEnd = bytes.indexOf(0, headerBytes)
    const textEnd = bytes.indexOf(0, nameEnd + 1)
    if (nameEnd === -1 || textEnd === -1) throw protocolViolation('invalid Parse message')
    this.#pool.totals.parsesByClients++
    const text = bytes.toString('latin1', nameEnd + 1, textEnd)
    const rewritten = this.#reader.rewrite(text)
    const tail =
      rewritten === undefined
        ? Buffer.from(bytes.subarray(nameEnd + 1))
        : Buffer.concat([Buffer.from(rewritten), bytes.subarray(textEnd)])
    if (nameEnd > headerBytes) {
      const name = bytes.toString('utf8', headerBytes, nameEnd)
      return { parts: this.#parseNamed(server, name, tail), replaced: bytes.length }
    }
    const parse = this.#parseUnnamed(server, tail)
    return rewritten === undefined ? undefined : { parts: [parse], replaced: bytes.length }
  }

  /** A Parse that is too long to be kept: it passes, and works where no other follows it. */
  parseLong(server: ServerConnection, bytes: Buffer): void {
    if (bytes.indexOf(0, headerBytes) !== headerBytes) {
      throw new ClientError(
        sqlstates.limitExceeded,
        'the text of a named prepared statement is too long for the pooler: prepare it without a name, or use a direct connection',
      )
    }
    this.#unnamed = undefined
    this.#longUnnamed = {}
    server.unnamed = this.#longUnnamed
    server.expectParse('pass', undefined, () => {
      server.unnamed = unknown
    })
  }

  /** The beginning of a Bind message, at least as far as its names go. */
  bind(server: ServerConnection, bytes: Buffer): Replacement | undefined {
    this.#pool.totals.binds++
    const portalEnd = bytes.indexOf(0, headerBytes)
    const nameEnd = portalEnd === -1 ? -1 : bytes.indexOf(0, portalEnd + 1)
    if (nameEnd === -1) throw protocolViolation('invalid Bind message')
    if (nameEnd === portalEnd + 1) return this.#again(server)
    const name = bytes.toString('utf8', portalEnd + 1, nameEnd)
    const statement = this.#named.get(name)
    // The server itself says that there is none.
    if (statement === undefined && !isOurs(name)) return undefined
    this.#reader.suspect(statement?.hints())
    const named = statement?.name ?? noStatement
    const head = Buffer.allocUnsafe(portalEnd + 1 + named.length)
    bytes.copy(head, 0, 0, portalEnd + 1)
    head.writeUInt32BE(bytes.readUInt32BE(1) + named.length - (nameEnd - portalEnd), 1)
    named.copy(head, portalEnd + 1)
    const before = statement ? this.#ensure(server, statement) : []
    return { parts: [...before, head], replaced: nameEnd + 1 }
  }

  describe(server: ServerConnection, bytes: Buffer): Replacement | undefined {
    if (bytes[headerBytes] !== statementKind) return undefined
    const name = nameIn(bytes)
    if (name === '') return this.#again(server)
    const statement = this.#named.get(name)
    if (statement === undefined && !isOurs(name)) return undefined
    const named = statement?.name ?? noStatement
    const described = message('D', Buffer.concat([Buffer.from('S'), named]))
    const before = statement ? this.#ensure(server, statement) : []
    return { parts: [...before, described], replaced: bytes.length }
  }

  close(server: ServerConnection, bytes: Buffer): Replacement | undefined {
    const name = bytes[headerBytes] === statementKind ? nameIn(bytes) : undefined
    if (name === undefined || name === '') {
      server.expectClose('pass')
      if (name === '') this.#unnamed = undefined
    } else return this.#closeNamed(server, bytes, name)
    return undefined
  }

  /** Others use it too: on the server it stays until it is the one used longest ago. */
  #closeNamed(server: ServerConnection, bytes: Buffer, name: string): Replacement | undefined {
    const statement = this.#named.get(name)
    server.expectClose('pass', () => {
      if (statement && !this.#named.has(name)) this.#named.set(name, statement)
    })
    this.#named.delete(name)
    if (statement === undefined && !isOurs(name)) return undefined
    return { parts: [closeNothing], replaced: bytes.length }
  }

  /** A Query that drops a statement by SQL, as some drivers do: the server knows it by our name. */
  deallocate(server: ServerConnection, bytes: Buffer, text: string): Replacement | undefined {
    const name = deallocatedName(text)
    const statement = name === undefined ? undefined : this.#named.get(name)
    if (name === undefined || statement === undefined) return undefined
    this.#deallocating = { name, statement }
    const parts = server.has(statement) ? [] : this.#prepare(server, statement, 'drop')
    parts.push(message('Q', Buffer.from(`deallocate ${ourName(statement)}\0`)))
    return { parts, replaced: bytes.length }
  }

  /** The Query above has been carried out. */
  deallocated(server: ServerConnection): void {
    if (this.#deallocating === undefined) return
    const { name, statement } = this.#deallocating
    this.#deallocating = undefined
    server.forget(statement)
    this.#named.delete(name)
  }

  /** A Query has ended the unnamed statement, and what was to be deallocated before is settled. */
  forgetUnnamed(): void {
    this.#unnamed = undefined
    this.#longUnnamed = undefined
    this.#deallocating = undefined
  }

  /** An error or notice, with the client's names for ours. */
  translate(body: Buffer): Buffer {
    if (!body.includes(statementPrefix)) return body
    let text = body.toString('latin1')
    for (const [name, statement] of this.#named) {
      const theirs = Buffer.from(name).toString('latin1')
      text = text.replaceAll(`"${ourName(statement)}"`, () => `"${theirs}"`)
    }
    return Buffer.from(text, 'latin1')
  }

  #parseUnnamed(server: ServerConnection, tail: Buffer): Buffer {
    const statement = makeStatement(unnamed, tail, this.#pool.hintSource)
    this.#unnamed = statement
    this.#reader.suspect(statement.hints())
    server.unnamed = statement
    server.expectParse('pass', undefined, () => {
      server.unnamed = unknown
      if (this.#unnamed === statement) this.#unnamed = undefined
    })
    this.#pool.totals.parsesOnServers++
    return statement.parse
  }

  #parseNamed(server: ServerConnection, name: string, tail: Buffer): Buffer[] {
    const existing = this.#named.get(name)
    if (existing) {
      // A name taken twice is refused by the server, which has it already.
      const parts = this.#ensure(server, existing)
      server.expectParse('pass', undefined)
      return [...parts, existing.parse]
    }
    if (this.#named.size >= maxStatements) {
      throw new ClientError(
        sqlstates.limitExceeded,
        `a client of the pooler may keep ${maxStatements} prepared statements: close some`,
      )
    }
    const statement = this.#pool.statements.intern(
      tail,
      this.#reader.searchPath,
      this.#pool.hintSource,
    )
    this.#named.set(name, statement)
    const undo = () => {
      if (this.#named.get(name) === statement) this.#named.delete(name)
    }
    if (!server.has(statement)) return this.#prepare(server, statement, 'pass', undo)
    server.use(statement)
    server.expectClose('turn', undo)
    return [closeNothing]
  }

  /** What makes a statement on the server connection, and room for it. */
  #prepare(
    server: ServerConnection,
    statement: Statement,
    action: 'pass' | 'drop',
    undo?: () => void,
  ): Buffer[] {
    const closes = server.closeOldest(this.#pool.settings.max_prepared_statements)
    server.expectParse(action, statement, undo)
    this.#pool.totals.parsesOnServers++
    return [...closes, statement.parse]
  }

  #ensure(server: ServerConnection, statement: Statement): Buffer[] {
    if (!server.has(statement)) return this.#prepare(server, statement, 'drop')
    server.use(statement)
    return []
  }

  /** The unnamed statement, which on another connection, or after another client, is not there. */
  #again(server: ServerConnection): Replacement | undefined {
    const statement = this.#unnamed
    if (statement === undefined) return this.#notAnothers(server)
    this.#reader.suspect(statement.hints())
    if (server.unnamed === statement) return undefined
    server.unnamed = statement
    server.expectParse('drop', undefined, () => {
      server.unnamed = unknown
    })
    return { parts: [statement.parse], replaced: 0 }
  }

  /** A client that has prepared nothing must not find what another has. */
  #notAnothers(server: ServerConnection): Replacement | undefined {
    if (server.unnamed === undefined || server.unnamed === this.#longUnnamed) return undefined
    server.unnamed = undefined
    server.expectClose('drop', () => {
      server.unnamed = unknown
    })
    return { parts: [closeStatement(unnamed)], replaced: 0 }
  }
}

/** Whether a name that the client has not given may be that of another's statement on the server. */
function isOurs(name: string): boolean {
  return name.startsWith(statementPrefix)
}

function ourName(statement: Statement): string {
  return statement.name.toString('latin1', 0, statement.name.length - 1)
}

/** The name in a Describe or Close. */
function nameIn(bytes: Buffer): string {
  const end = bytes.indexOf(0, headerBytes + 1)
  return bytes.toString('utf8', headerBytes + 1, end === -1 ? bytes.length : end)
}

/** `deallocate [prepare] name`; PostgreSQL folds a name without quotes. */
const deallocatePattern =
  /^\s*deallocate\s+(?:prepare\s+)?(?:"((?:[^"]|"")+)"|([a-z_\x80-\xff][\w$\x80-\xff]*))\s*;?\s*$/i
const maxDeallocateLength = 200

/** From a text in latin1, as messages are read. */
function deallocatedName(text: string): string | undefined {
  if (text.length > maxDeallocateLength) return undefined
  const [, quoted, plain] = deallocatePattern.exec(text) ?? []
  const name = quoted?.replaceAll('""', '"') ?? plain?.toLowerCase()
  if (name === undefined || (quoted === undefined && name === 'all')) return undefined
  return Buffer.from(name, 'latin1').toString('utf8')
}
