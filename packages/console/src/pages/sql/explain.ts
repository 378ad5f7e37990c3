import { commandOf, splitStatements } from './statements.ts'

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

/**
 * Why a text cannot be explained; undefined where it can. EXPLAIN is about one statement: a second one in
 * the text would be run, and with a COMMIT nothing would be taken back.
 */
export function whyNotExplain(text: string): string | undefined {
  if (splitStatements(text).length > 1) {
    return 'A plan is of one statement: select one, or put the cursor in it.'
  }
  const command = commandOf(text)
  if (explainable.has(command)) return undefined
  return command === 'explain'
    ? 'This is an EXPLAIN already: run it. With (format json) it is drawn.'
    : `PostgreSQL has no plan for ${command.toUpperCase()}.`
}
