/** The protocol of the console: simple queries, and extended ones without parameters. */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'

import { AppError, describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { ClientError, Disconnected, protocolViolation, sqlstates } from '../errors.ts'
import type { PoolAdmin } from '../pool/report.ts'
import { defaultPoolSettings, type PoolSettings } from '../pool/settings.ts'
import { readyForQuery } from '../wire/messages.ts'
import { readMessage } from '../wire/reader.ts'
import { act } from './actions.ts'
import {
  bindComplete,
  closeComplete,
  commandComplete,
  consoleStates,
  emptyQuery,
  errorAnswer,
  noData,
  noParameters,
  notice,
  parseComplete,
  portalSuspended,
} from './answers.ts'
import { type Command, invalidCommand, parseCommands } from './command.ts'
import type { View } from './fields.ts'
import { help } from './help.ts'
import { MessageFields } from './message-fields.ts'
import type { ConsoleState } from './state.ts'
import type { Statistics } from './statistics.ts'
import { dataRow, type FormatCode, type Row, rowDescription } from './table.ts'
import { findView } from './views.ts'
import type { Visitor } from './visitor.ts'

export interface ConsoleContext {
  /** Of a client that has logged in and has not been told so yet. */
  stream: Duplex
  admin: PoolAdmin
  visitor: Visitor
  statistics: Statistics
  /** Of the visitor's endpoint; not asked for the administrator, who has none. */
  settings: () => Promise<PoolSettings>
  /** Coppice's. */
  version: string
  log: Logger
  /** Ends the console; its reason is told. */
  signal: AbortSignal
}

/** A prepared statement: at most one command. */
interface Prepared {
  command: Command | undefined
  view: View<ConsoleState> | undefined
}

interface Portal extends Prepared {
  formats: FormatCode[]
  /** What a first Execute has left over. */
  rest?: readonly Row[]
}

/** The console's commands are short. */
const maxMessageBytes = 64 * 1024
/** Names that a client may keep, of statements and of portals. */
const maxNames = 1_000

export class Conversation {
  readonly #context: ConsoleContext
  readonly #statements = new Map<string, Prepared>()
  readonly #portals = new Map<string, Portal>()
  /** Ends what a command waits for. */
  #interrupt = new AbortController()
  /** After an error in the extended protocol, until Sync. */
  #isSkipping = false

  constructor(context: ConsoleContext) {
    this.#context = context
  }

  /** The command that runs, if one does, fails with this. */
  interrupt(reason: Error): void {
    this.#interrupt.abort(reason)
  }

  /** Resolves when the client says goodbye. Rejects with what else ends the conversation. */
  async run(): Promise<void> {
    const { stream, signal } = this.#context
    for (;;) {
      const { type, body } = await readMessage(stream, maxMessageBytes, signal)
      if (type === 'X') return
      this.#interrupt = new AbortController()
      if (stream.destroyed) throw new Disconnected('the client')
      if (type === 'Q') await this.#query(textOf(body))
      else if (type === 'S') await this.#sync()
      else if (type === 'F') await this.#refuseCall()
      else if (!this.#isSkipping) await this.#extended(type, body)
    }
  }

  async #query(text: string): Promise<void> {
    try {
      const commands = parseCommands(text)
      if (commands.length === 0) await this.#send(emptyQuery)
      for (const command of commands) {
        const view = viewOf(command)
        if (view) await this.#send(rowDescription(view.columns))
        await this.#execute({ command, view, formats: [] }, 0)
      }
    } catch (error) {
      await this.#answer(error)
    }
    this.#isSkipping = false
    await this.#send(readyForQuery())
  }

  async #sync(): Promise<void> {
    this.#isSkipping = false
    this.#portals.clear()
    await this.#send(readyForQuery())
  }

  async #refuseCall(): Promise<void> {
    await this.#answer(new ClientError(sqlstates.notSupported, 'the console has no functions'))
    await this.#send(readyForQuery())
  }

  async #extended(type: string, body: Buffer): Promise<void> {
    try {
      await this.#take(type, new MessageFields(body))
    } catch (error) {
      await this.#answer(error)
      this.#isSkipping = true
    }
  }

  async #take(type: string, fields: MessageFields): Promise<void> {
    switch (type) {
      case 'P':
        return this.#parse(fields.text(), fields.text(), fields.int16())
      case 'B':
        return this.#bind(fields)
      case 'D':
        return this.#describe(fields.kind(), fields.text())
      case 'E':
        return this.#executePortal(fields.text(), fields.int32())
      case 'C':
        this.#namesOf(fields.kind()).delete(fields.text())
        return this.#send(closeComplete)
      // Answers are sent at once, and there is nothing to copy.
      case 'H':
      case 'd':
      case 'c':
      case 'f':
        return
      default:
        throw protocolViolation(`invalid message type ${JSON.stringify(type)}`)
    }
  }

  async #parse(name: string, text: string, parameters: number): Promise<void> {
    const [command, more] = parseCommands(text)
    if (parameters > 0) throw new ClientError(sqlstates.notSupported, 'no parameters are taken')
    if (more !== undefined) {
      throw new ClientError(consoleStates.syntax, 'one command at a time; simple queries take more')
    }
    keep(this.#statements, name, { command, view: command && viewOf(command) })
    await this.#send(parseComplete)
  }

  async #bind(fields: MessageFields): Promise<void> {
    const portal = fields.text()
    const statement = required(this.#statements, fields.text())
    fields.int16List()
    if (fields.int16() > 0) throw protocolViolation('the statement has no parameters')
    keep(this.#portals, portal, { ...statement, formats: fields.int16List() })
    await this.#send(bindComplete)
  }

  async #describe(kind: 'S' | 'P', name: string): Promise<void> {
    const { view, formats = [] }: Prepared & { formats?: FormatCode[] } = required(
      this.#namesOf(kind),
      name,
    )
    const parameters = kind === 'S' ? [noParameters] : []
    const columns = view ? rowDescription(view.columns, formats) : noData
    await this.#send(Buffer.concat([...parameters, columns]))
  }

  async #executePortal(name: string, maxRows: number): Promise<void> {
    await this.#execute(required(this.#portals, name), maxRows)
  }

  #namesOf(kind: 'S' | 'P'): Map<string, Prepared> {
    return kind === 'S' ? this.#statements : this.#portals
  }

  /** Carries a command out and answers with its rows, at most so many unless 0, and its tag. */
  async #execute(portal: Portal, maxRows: number): Promise<void> {
    const { command, view, formats } = portal
    if (command === undefined) return this.#send(emptyQuery)
    if (view === undefined) return this.#send(await this.#act(command))
    if (view.notice !== undefined) await this.#send(notice(view.notice))
    const rows = portal.rest ?? view.rows(await this.#state())
    const now = maxRows > 0 ? rows.slice(0, maxRows) : rows
    portal.rest = rows.slice(now.length)
    const isDone = portal.rest.length === 0
    await this.#send(
      Buffer.concat([
        ...now.map((row) => dataRow(view.columns, row, formats)),
        isDone ? commandComplete('SHOW') : portalSuspended,
      ]),
    )
  }

  async #act(command: Command): Promise<Buffer> {
    if (isHelp(command)) return Buffer.concat([help, commandComplete('SHOW')])
    const { admin, visitor, signal, log } = this.#context
    const either = AbortSignal.any([signal, this.#interrupt.signal])
    const tag = await act(command, { admin, visitor, signal: either })
    if (tag !== 'SET') log.info({ command: tag, argument: command.words[0] }, 'admin console')
    return commandComplete(tag)
  }

  async #state(): Promise<ConsoleState> {
    const { admin, visitor, statistics, settings, version } = this.#context
    const report = await admin.report({ endpointId: visitor.endpointId })
    return {
      visitor,
      report,
      settings: visitor.endpointId === undefined ? defaultPoolSettings : await settings(),
      base: statistics.base,
      now: performance.now(),
      version,
    }
  }

  /** What ends the conversation is not a command's to answer. */
  async #answer(error: unknown): Promise<void> {
    if (error instanceof Disconnected || this.#context.signal.aborted) throw error
    if (!(error instanceof ClientError || error instanceof AppError)) {
      this.#context.log.warn({ error: describeError(error) }, 'a command of the console has failed')
    }
    await this.#send(errorAnswer(error))
  }

  async #send(bytes: Buffer): Promise<void> {
    const { stream } = this.#context
    if (stream.destroyed) throw new Disconnected('the client')
    if (!stream.write(bytes)) await this.#drain()
  }

  /** A client that does not read is waited for: what it has not taken stays in memory. */
  async #drain(): Promise<void> {
    const { stream, signal } = this.#context
    const over = new AbortController()
    const either = { signal: AbortSignal.any([signal, over.signal]) }
    try {
      await Promise.race([once(stream, 'drain', either), once(stream, 'close', either)])
    } catch {
      // An error of the stream is followed by its close.
      signal.throwIfAborted()
    } finally {
      over.abort()
    }
    if (stream.destroyed) throw new Disconnected('the client')
  }
}

/** What SHOW shows; undefined for other commands. Throws ClientError where there is no such view. */
function viewOf(command: Command): View<ConsoleState> | undefined {
  if (command.verb !== 'SHOW' || isHelp(command)) return undefined
  const [name, ...more] = command.words
  const view = name === undefined || more.length > 0 ? undefined : findView(name)
  if (view === undefined) throw invalidCommand(command)
  return view
}

function isHelp({ verb, words: [name, ...more] }: Command): boolean {
  return verb === 'SHOW' && name?.toUpperCase() === 'HELP' && more.length === 0
}

function keep<T>(names: Map<string, T>, name: string, value: T): void {
  if (names.size >= maxNames && !names.has(name)) {
    throw new ClientError(sqlstates.limitExceeded, `over ${maxNames} names are in use: close some`)
  }
  names.set(name, value)
}

function required<T>(names: ReadonlyMap<string, T>, name: string): T {
  const found = names.get(name)
  if (found !== undefined) return found
  throw new ClientError(sqlstates.protocolViolation, `"${name}" does not exist: prepare or bind it`)
}

function textOf(body: Buffer): string {
  return new MessageFields(body).text()
}
