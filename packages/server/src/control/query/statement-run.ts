import type { Client, Connection, Submittable } from 'pg'

/** A column of a RowDescription (PostgreSQL manual, "Message Formats"). */
export interface WireColumn {
  name: string
  tableID: number
  columnID: number
  dataTypeID: number
}

/** The fields of an ErrorResponse or NoticeResponse, as the driver names them. */
export interface WireReport {
  message: string | undefined
  severity?: string | undefined
  code?: string | undefined
  detail?: string | undefined
  hint?: string | undefined
  /** In characters, which are code points, from 1. */
  position?: string | undefined
  where?: string | undefined
  schema?: string | undefined
  table?: string | undefined
  column?: string | undefined
  constraint?: string | undefined
}

type Row = Array<string | null>

export interface StatementEvents {
  onColumns(columns: WireColumn[]): void
  onRow(row: Row): void
  /** The command tag, such as `INSERT 0 3`; undefined for a text without a command. */
  onComplete(tag: string | undefined): void
  onError(error: WireReport): void
  onReady(): void
}

/**
 * One simple query on a connection of the driver, which hands it every message: rows are passed on as
 * they come, as text, and held nowhere.
 */
class StatementRun implements Submittable {
  readonly #sql: string
  readonly #events: StatementEvents

  constructor(sql: string, events: StatementEvents) {
    this.#sql = sql
    this.#events = events
  }

  submit(connection: Connection): void {
    connection.query(this.#sql)
  }

  handleRowDescription({ fields }: { fields: WireColumn[] }): void {
    this.#events.onColumns(fields)
  }

  handleDataRow({ fields }: { fields: Row }): void {
    this.#events.onRow(fields)
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#events.onComplete(text)
  }

  handleEmptyQuery(): void {
    this.#events.onComplete(undefined)
  }

  handleError(error: WireReport): void {
    this.#events.onError(error)
  }

  handleReadyForQuery(): void {
    this.#events.onReady()
  }

  handleCopyInResponse(connection: Connection & { sendCopyFail(message: string): void }): void {
    connection.sendCopyFail('COPY needs a client that sends rows; use psql')
  }

  handleCopyData(): void {
    // Rows of COPY … TO STDOUT, for which there is no place in a result.
  }

  handlePortalSuspended(): void {
    // Only of queries that ask for some rows at a time.
  }
}

/**
 * Resolves when the server has done with the statement, or has objected to it; rejects when the connection
 * is lost. The driver drops a query that has failed and takes the next when the server is ready.
 */
export async function runStatement(
  client: Client,
  sql: string,
  events: Omit<StatementEvents, 'onReady'>,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.query(
      new StatementRun(sql, {
        ...events,
        onError: (error) => {
          // Without a code it is not the server's.
          if (error.code === undefined) return reject(error)
          events.onError(error)
          resolve()
        },
        onReady: resolve,
      }),
    )
  })
}
