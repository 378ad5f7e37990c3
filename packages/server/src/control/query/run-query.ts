import type { QueryLine } from '@coppice/api'
import { Client } from 'pg'

import { postgresPort } from '../../compute/settings.ts'
import { AppError } from '../../lib/errors.ts'
import { once } from '../../lib/once.ts'
import { Shares } from '../../lib/shares.ts'
import type { Context } from '../context.ts'
import type { TimeTravel } from '../time-travel.ts'
import { LineQueue } from './line-queue.ts'
import {
  type DatabasePlace,
  endBackend,
  reachDatabase,
  type ReachedDatabase,
} from './reach-database.ts'
import { placeOf, readTag, reportOf } from './reports.ts'
import { RowBatch } from './row-batch.ts'
import { splitStatements, type StatementSpan } from './split-statements.ts'
import { runStatement, type WireColumn, type WireReport } from './statement-run.ts'
import { nameTypes } from './type-names.ts'

export interface QuerySpec extends Omit<DatabasePlace, 'applicationName'> {
  /** Statements, each by itself unless they say BEGIN; the first that fails is the last. */
  sql: string
  readOnly: boolean
  timeoutSeconds: number
}

/** Each holds a connection of its compute; a compute has a hundred. */
const shares = new Shares({
  max: 50,
  what: 'queries that may run through the API at once',
  advice: 'wait for one, or connect with a driver',
})

/**
 * Runs SQL as a role of the branch and answers what comes, line by line, no faster than it is read. When
 * `signal` is aborted, what runs is cancelled. Rejects with AppError before the first statement; what
 * PostgreSQL objects to is a line.
 */
export async function runQuery(
  context: Context,
  timeTravel: TimeTravel,
  spec: QuerySpec,
  signal: AbortSignal,
): Promise<AsyncIterable<QueryLine>> {
  const giveBack = shares.take(spec.projectId)
  let reached: ReachedDatabase | undefined
  try {
    const spans = await splitStatements(spec.sql)
    if (spans.length === 0)
      throw new AppError('invalid_request', 'there is no statement in the SQL')
    reached = await reachDatabase(context, timeTravel, { ...spec, applicationName })
    const client = await connect(reached, spec)
    const pid = backendOf(client)
    if (pid !== null) reached.session.setBackend(pid)
    return new QueryRun(reached, client, spec.sql, spans).lines(signal, giveBack)
  } catch (error) {
    giveBack()
    reached?.session.end()
    throw error
  }
}

const applicationName = 'coppice sql'
const connectTimeoutMs = 15_000

async function connect(reached: ReachedDatabase, spec: QuerySpec): Promise<Client> {
  const settings = {
    statement_timeout: `${spec.timeoutSeconds}s`,
    ...(spec.readOnly && { default_transaction_read_only: 'on' }),
  }
  const client = new Client({
    host: reached.socketDirectory,
    port: postgresPort,
    database: reached.database,
    user: reached.role,
    password: reached.password,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  })
  // A lost connection is told by the statement that runs.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    throw connectionRefused(error, reached, spec)
  }
}

/** SQLSTATEs (PostgreSQL manual, appendix A). */
const wrongPassword = '28P01'
const noSuchDatabase = '3D000'

function connectionRefused(error: unknown, reached: ReachedDatabase, spec: QuerySpec): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const { message } = error as Error
  if (code === noSuchDatabase) return new AppError('database_not_found', message)
  const isPast = spec.timestamp !== undefined || spec.lsn !== undefined
  if (code === wrongPassword && isPast) {
    return new AppError(
      'not_available',
      `role ${reached.role} had another password at that moment, or was not there yet; name another role, or make a branch of the moment`,
    )
  }
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return error
  return new AppError('not_available', `PostgreSQL refused the connection: ${message}`)
}

/** One request's statements on one connection. */
class QueryRun {
  readonly #reached: ReachedDatabase
  readonly #client: Client
  readonly #sql: string
  readonly #spans: readonly StatementSpan[]
  /** Columns wait for the names of their types. */
  readonly #queue: LineQueue<QueryLine | Promise<QueryLine>>
  readonly #batch: RowBatch
  #isOver = false

  constructor(
    reached: ReachedDatabase,
    client: Client,
    sql: string,
    spans: readonly StatementSpan[],
  ) {
    this.#reached = reached
    this.#client = client
    this.#sql = sql
    this.#spans = spans
    const { stream } = client.connection
    this.#queue = new LineQueue({ onFull: () => stream.pause(), onRoom: () => stream.resume() })
    this.#batch = new RowBatch((line) => this.#queue.push(line))
  }

  /**
   * Begins. The lines are to be read to their end, or left; where nobody ever reads them, an abort ends it
   * all the same.
   */
  lines(signal: AbortSignal, onEnd: () => void): AsyncIterable<QueryLine> {
    const work = this.#runAll().then(
      () => this.#queue.end(),
      (error: unknown) => this.#queue.end(asError(error)),
    )
    const finish = once(async () => {
      signal.removeEventListener('abort', leave)
      await this.#close()
      await work
      this.#reached.session.end()
      onEnd()
    })
    const leave = (): void => {
      this.#queue.end(new Error('the reader has gone away'))
      void finish()
    }
    signal.addEventListener('abort', leave)
    if (signal.aborted) leave()
    return this.#read(finish)
  }

  async *#read(finish: () => Promise<void>): AsyncGenerator<QueryLine> {
    try {
      for await (const line of this.#queue) {
        this.#reached.session.touch()
        yield line
      }
    } finally {
      await finish()
    }
  }

  async #close(): Promise<void> {
    if (this.#isOver) return this.#client.end().catch(() => undefined)
    this.#isOver = true
    await endBackend(this.#reached, backendOf(this.#client))
    this.#client.connection.stream.destroy()
  }

  async #runAll(): Promise<void> {
    const started = performance.now()
    for (const [statement, span] of this.#spans.entries()) {
      if (this.#isOver || !(await this.#runOne(statement, span))) break
    }
    this.#isOver = true
    this.#queue.push({ type: 'end', duration_ms: since(started) })
  }

  /** Whether it succeeded. */
  async #runOne(statement: number, { start, end }: StatementSpan): Promise<boolean> {
    const queue = this.#queue
    const started = performance.now()
    queue.push({ type: 'statement', statement, start, end })
    // What was frozen meanwhile goes on.
    this.#reached.session.touch()
    let succeeded = true
    const onNotice = (notice: WireReport): void =>
      queue.push({ type: 'notice', statement, ...reportOf(notice) })
    this.#client.on('notice', onNotice)
    try {
      await runStatement(this.#client, this.#sql.slice(start, end), {
        onColumns: (columns) => queue.push(this.#describe(statement, columns)),
        onRow: (row) => this.#batch.add(statement, row),
        onComplete: (tag) => {
          this.#batch.flush()
          queue.push({ type: 'complete', statement, ...readTag(tag), duration_ms: since(started) })
        },
        onError: (error) => {
          succeeded = false
          this.#batch.flush()
          const position = placeOf(this.#sql, start, error.position)
          queue.push({
            type: 'error',
            statement,
            ...reportOf(error),
            ...(position !== undefined && { position }),
            duration_ms: since(started),
          })
        },
      })
    } finally {
      this.#client.off('notice', onNotice)
    }
    return succeeded
  }

  async #describe(statement: number, columns: WireColumn[]): Promise<QueryLine> {
    const { compute, database } = this.#reached
    const types = [...new Set(columns.map(({ dataTypeID }) => dataTypeID))]
    // A query that breaks off does not wait for them.
    const names = await nameTypes(compute, database, types).catch(() => new Map<number, string>())
    return {
      type: 'columns',
      statement,
      columns: columns.map(({ name, dataTypeID, tableID, columnID }) => ({
        name,
        type: names.get(dataTypeID) ?? String(dataTypeID),
        type_id: dataTypeID,
        table_id: tableID,
        column_number: columnID,
      })),
    }
  }
}

/** The process that serves the connection. */
const backendOf = (client: Client): number | null =>
  (client as Client & { processID: number | null }).processID

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error))

const since = (started: number): number => Math.round((performance.now() - started) * 1000) / 1000
