import { isReading } from './statements.ts'

export interface Explained {
  sql: string
  /** Where the statement begins in it. */
  prefix: number
}

/**
 * EXPLAIN for a statement, as JSON. With `analyze` it is run, in a transaction that is taken back, so that
 * what it writes is gone again.
 */
export function explain(statement: string, analyze: boolean): Explained {
  const options = analyze ? 'analyze, buffers, format json' : 'format json'
  const head = `${analyze ? 'begin;\n' : ''}explain (${options}) `
  // On a line of its own, for a statement may end in a comment.
  return { sql: head + statement + (analyze ? '\n;rollback' : ''), prefix: head.length }
}

const explainable = new Set([
  'select',
  'with',
  'values',
  'table',
  'insert',
  'update',
  'delete',
  'merge',
  'execute',
  'declare',
  'create',
  'refresh',
])

/** Whether PostgreSQL has plans for statements that begin so. */
export const canExplain = (command: string): boolean => explainable.has(command)

/** Whether somebody is asked before it is run to be explained. */
export const needsConsent = (statement: string): boolean => !isReading(statement)
