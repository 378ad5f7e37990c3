import type { QueryColumn, QueryLine } from '@coppice/api'

import { RowStore } from '../../grid/row-store.ts'
import { untilNextTask } from './next-task.ts'
import { isReading } from './statements.ts'

type Line<T extends QueryLine['type']> = Extract<QueryLine, { type: T }>
export type QueryNotice = Line<'notice'>
export type QueryFailure = Line<'error'>

export interface StatementResult {
  /** What was run, as it was written. */
  sql: string
  /** Nothing was sent before or after it. */
  isAlone: boolean
  state: 'running' | 'done' | 'failed' | 'stopped'
  /** Where it answers with rows, if only with none. */
  store?: RowStore
  /** The table that all its columns are of. */
  tableId?: number
  notices: readonly QueryNotice[]
  command?: string
  rowCount?: number | null
  durationMs?: number
  error?: QueryFailure
  /** There were more rows than fit into memory. */
  isCut: boolean
}

export interface RunState {
  /** `waiting` until the branch is awake and the first statement has begun. */
  phase: 'waiting' | 'running' | 'finished' | 'stopped' | 'failed'
  statements: readonly StatementResult[]
  /** Why there are no lines, or no more: an error of the API. */
  failure?: unknown
  durationMs?: number
}

interface RunOptions {
  /** Of everything that is kept of its rows. */
  limitBytes: number
  query: (signal: AbortSignal) => Promise<AsyncIterable<QueryLine>>
  onEnd: (state: RunState) => void
}

const noticesMax = 200
/** At a time. */
const workMs = 30
/** A script may have thousands of statements; nobody sees each of them begin. */
const tellMs = 50

/**
 * Statements that run on the server: their lines become results as they come. States are for
 * `useSyncExternalStore`; rows do not make a new one, since each result's `store` tells of them itself.
 *
 * What does not fit is not kept. A statement that only reads and is alone is cancelled then; any
 * other runs to its end, since to cancel it would take back what was written.
 */
export class SqlRun {
  /** The text that was sent. */
  readonly sql: string
  readonly startedAt = Date.now()
  readonly #abort = new AbortController()
  readonly #listeners = new Set<() => void>()
  readonly #options: RunOptions
  readonly #statements: StatementResult[] = []
  #phase: RunState['phase'] = 'waiting'
  /** Of all statements but the last. */
  #bytesBefore = 0
  /** As it was when listeners were last told. */
  #state: RunState = { phase: 'waiting', statements: [] }
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(sql: string, options: RunOptions) {
    this.sql = sql
    this.#options = options
  }

  readonly subscribe = (onChange: () => void): (() => void) => {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }
  readonly state = (): RunState => this.#state

  get limitBytes(): number {
    return this.#options.limitBytes
  }

  get isRunning(): boolean {
    return this.#phase === 'waiting' || this.#phase === 'running'
  }

  get bytes(): number {
    return this.#bytesBefore + (this.#statements.at(-1)?.store?.bytes ?? 0)
  }

  /** Ends what runs on the server too. */
  stop(): void {
    this.#abort.abort()
  }

  /** Resolves when it is over, however it ended; that is in the state. */
  async start(): Promise<void> {
    let failure: unknown
    try {
      const lines = await this.#options.query(this.#abort.signal)
      let since = performance.now()
      for await (const line of lines) {
        this.#take(line)
        // Lines may come faster than they are taken; the page goes before them.
        if (performance.now() - since > workMs) {
          await untilNextTask()
          since = performance.now()
        }
      }
    } catch (error) {
      failure = error
    }
    this.#end(failure)
  }

  #end(failure: unknown): void {
    const last = this.#statements.at(-1)
    last?.store?.flush()
    const isStopped = this.#abort.signal.aborted
    const isFailed = !isStopped && (failure !== undefined || last?.error !== undefined)
    const durationMs = Date.now() - this.startedAt
    if (last?.state === 'running') this.#change({ state: 'stopped', durationMs })
    this.#phase = isStopped ? 'stopped' : isFailed ? 'failed' : 'finished'
    this.#tell({ durationMs, ...(isFailed && failure !== undefined && { failure }) })
    this.#options.onEnd(this.#state)
  }

  #take(line: QueryLine): void {
    switch (line.type) {
      case 'statement': {
        const sql = this.sql.slice(line.start, line.end)
        const isAlone = line.statement === 0 && /^[\s;]*$/.test(this.sql.slice(line.end))
        const result: StatementResult = {
          sql,
          isAlone,
          state: 'running',
          notices: [],
          isCut: false,
        }
        this.#bytesBefore = this.bytes
        this.#statements.push(result)
        this.#phase = 'running'
        this.#tellSoon()
        break
      }
      case 'columns':
        this.#change({ store: new RowStore(line.columns), ...tableOf(line.columns) })
        break
      case 'rows':
        this.#takeRows(line)
        break
      case 'notice': {
        const notices = this.#statements.at(-1)?.notices ?? []
        if (notices.length < noticesMax) this.#change({ notices: [...notices, line] })
        break
      }
      case 'complete':
        this.#statements.at(-1)?.store?.flush()
        this.#change({
          state: 'done',
          command: line.command,
          rowCount: line.row_count,
          durationMs: line.duration_ms,
        })
        break
      case 'error':
        this.#change({ state: 'failed', error: line, durationMs: line.duration_ms })
        break
      case 'end':
        break
    }
  }

  #takeRows({ rows }: Line<'rows'>): void {
    const result = this.#statements.at(-1)
    if (result?.store === undefined || result.isCut) return
    result.store.append(rows)
    if (this.bytes < this.#options.limitBytes) return
    this.#change({ isCut: true })
    if (result.isAlone && isReading(result.sql)) this.stop()
  }

  /** Of the statement that runs. */
  #change(change: Partial<StatementResult>): void {
    const last = this.#statements.pop()
    if (last === undefined) return
    this.#statements.push({ ...last, ...change })
    this.#tellSoon()
  }

  #tellSoon(): void {
    this.#timer ??= setTimeout(() => this.#tell(), tellMs)
  }

  #tell(more: Pick<RunState, 'failure' | 'durationMs'> = {}): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#state = { phase: this.#phase, statements: [...this.#statements], ...more }
    for (const listener of this.#listeners) listener()
  }
}

function tableOf(columns: readonly QueryColumn[]): { tableId?: number } {
  const [tableId, ...others] = new Set(columns.map(({ table_id }) => table_id))
  return tableId !== undefined && tableId !== 0 && others.length === 0 ? { tableId } : {}
}
