import { AdvisedError } from './advised-error.ts'
import { withoutControls } from './printable.ts'
import { stateOf } from './session.ts'
import { countLines, indexOfCharacter, type Statement } from './statements.ts'
import { isFields, text } from './tree.ts'

/** What to do about errors that come from how a file is run. */
const adviceByState: Readonly<Record<string, string | undefined>> = {
  '25001': 'Put it into a file of its own, with a line `-- no-transaction` at its beginning.',
  '2D000':
    'A procedure that commits needs a file with a line `-- no-transaction` at its beginning.',
  '55P04':
    'A new value of an enum can be used once its file has been committed: use it in a later file.',
  '57014': 'Give it longer with --statement-timeout, or do it in smaller steps.',
}

/** The error of a statement with its place: `0002_roles.sql:14: column "x" does not exist`. */
export function failedAt(file: string, statement: Statement, error: unknown): AdvisedError {
  const message = error instanceof Error ? error.message : String(error)
  const details = isFields(error) ? error : {}
  const line = statement.line + lineWithin(statement, details['position'])
  const parts = [
    text(details['detail']),
    text(details['hint']),
    adviceByState[stateOf(error) ?? ''],
  ]
  const advice = [firstLineOf(statement), ...parts].filter((part) => part !== undefined).join('\n')
  return new AdvisedError(`${file}:${line}: ${message}`, { advice, cause: error })
}

/** PostgreSQL counts characters of the statement, from 1. */
function lineWithin(statement: Statement, position: unknown): number {
  const at = Number(position)
  if (position === undefined || Number.isNaN(at)) return 0
  return countLines(statement.text.slice(0, indexOfCharacter(statement.text, at - 1)))
}

const shownMax = 200

/** Enough of a statement to know it by, on one line. */
export function firstLineOf({ text: sql }: Pick<Statement, 'text'>): string {
  const line = withoutControls(sql.replaceAll(/\s+/g, ' '))
  return line.length > shownMax ? `${line.slice(0, shownMax)}…` : line
}
