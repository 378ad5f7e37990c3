import type {
  Options,
  PostgresType,
  Sql as AnySql,
  TransactionSql as AnyTransactionSql,
} from 'postgres'

/** Every value is the text that PostgreSQL prints. */
type Types = { printed: string }
export type Sql = AnySql<Types>
export type TransactionSql = AnyTransactionSql<Types>

/** What a session begins with. */
export type SessionSettings = Readonly<Record<string, string | number | boolean>>

/** A database of a branch and a way to it, whatever that is: a connection string, a private socket. */
export interface Database {
  readonly name: string
  /**
   * Runs `work` on a session of its own, which ends with it. `onClose` is told when the session ends before
   * that, which the library would replace by a new one without a word.
   */
  open<T>(
    work: (sql: Sql) => Promise<T>,
    settings: SessionSettings,
    onClose?: () => void,
  ): Promise<T>
}

const statementTimeoutMs = 60_000

/** Of a session that looks and changes nothing. */
export const lookingSession: SessionSettings = {
  application_name: 'coppice inspect',
  default_transaction_read_only: true,
  statement_timeout: statementTimeoutMs,
}

/** What the library would make JavaScript's own of: booleans, numbers, dates. */
const printed: PostgresType<string> = {
  to: 25,
  from: [16, 20, 21, 23, 26, 700, 701, 1082, 1114, 1184, 1700],
  serialize: String,
  parse: String,
}

/** What the library is given. */
export type SessionOptions = Options<Printed>

type Printed = { printed: PostgresType<string> }

/** How the library makes a session with these settings, wherever it connects to. */
export function sessionOptions(settings: SessionSettings): SessionOptions {
  return {
    connection: { ...settings, IntervalStyle: 'postgres' },
    max: 1,
    max_lifetime: null,
    prepare: false,
    fetch_types: false,
    onnotice: () => undefined,
    types: { printed },
  }
}
