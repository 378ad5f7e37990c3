/**
 * Named prepared statements under transaction pooling. A client's statement lives here; a server
 * connection gets it, under a name of ours, when the client first uses it there.
 */
import { randomBytes } from 'node:crypto'

import { headerBytes, message } from '../wire/messages.ts'
import type { SessionHints } from './session-hints.ts'
import { statementPrefix } from './statement-prefix.ts'

/** One text with its parameter types, shared by all clients of a pool that prepare the same. */
export interface Statement {
  /** Its name on server connections. */
  readonly name: Buffer
  /** The Parse message that makes it there. */
  readonly parse: Buffer
  /** What its text may do to the session, as functions are now. */
  hints(): SessionHints | undefined
}

/** Statements remembered for sharing; a client's own stay whatever happens here. */
const maxShared = 5_000
/** Longer texts are seldom the same twice, and would fill memory. */
const maxSharedBytes = 64 * 1024

/** What a text may do; its answer changes with the functions of the database. */
export interface HintSource {
  /** Another with every change. */
  readonly version: number
  hintsOf(text: string): SessionHints | undefined
}

/** The statements of one pool by their text, so that clients share what is prepared on a server. */
export class StatementTable {
  readonly #byText = new Map<string, Statement>()
  /** Not to be guessed by who cannot see the names. */
  readonly #prefix = `${statementPrefix}${randomBytes(6).toString('hex')}_`
  #made = 0

  /**
   * `tail` is a Parse body after the name: text, NUL, parameter types. Clients share a statement only
   * where their `searchPath` is the same: the text may mean other tables elsewhere.
   */
  intern(tail: Buffer, searchPath: string, source: HintSource): Statement {
    if (tail.length > maxSharedBytes) return this.#make(tail, source)
    const text = `${searchPath}\0${tail.toString('latin1')}`
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const made = this.#make(tail, source)
    const [oldest] = this.#byText.keys()
    if (oldest !== undefined && this.#byText.size >= maxShared) this.#byText.delete(oldest)
    this.#byText.set(text, made)
    return made
  }

  /**
   * Statements prepared from now on get names of their own: a definition has changed, and one that was
   * planned before could fail with "cached plan must not change result type".
   */
  forget(): void {
    this.#byText.clear()
  }

  #make(tail: Buffer, source: HintSource): Statement {
    return makeStatement(Buffer.from(`${this.#prefix}${++this.#made}\0`, 'latin1'), tail, source)
  }
}

/** The name with its NUL. */
export function makeStatement(name: Buffer, tail: Buffer, source: HintSource): Statement {
  const parse = message('P', Buffer.concat([name, tail]))
  const start = headerBytes + name.length
  const end = parse.indexOf(0, start)
  let version: number | undefined
  let hints: SessionHints | undefined
  return {
    name,
    parse,
    hints: () => {
      if (version !== source.version) {
        version = source.version
        hints = source.hintsOf(parse.toString('latin1', start, end))
      }
      return hints
    },
  }
}

/** A server keeps none under this name, so closing it does nothing and answers CloseComplete. */
export const noStatement = Buffer.from(`${statementPrefix}none\0`, 'latin1')
export const closeNothing = closeStatement(noStatement)

/** Close of a statement; the name with its NUL. */
export function closeStatement(name: Buffer): Buffer {
  return message('C', Buffer.concat([Buffer.from('S'), name]))
}
