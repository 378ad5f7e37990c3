import type { Statement } from './statements.ts'

/** What a rule has found in a statement. */
export interface Hint {
  rule: string
  /** Where it is about one. */
  table?: string
  message: string
  /** The way to write it that others do not notice. */
  safer: string
}

/** A statement with what has to be known around it. */
export interface Subject {
  statement: Statement
  /** Whether a table was there before the files that are looked at. */
  isOld: (table: string) => boolean
  /** Whether locks last until the end of the file. */
  inTransaction: boolean
  /** Constraints that the file has added as NOT VALID so far; rules add to it. */
  unvalidated: Set<string>
}
