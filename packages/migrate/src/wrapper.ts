import { AdvisedError } from './advised-error.ts'
import type { Statement } from './statements.ts'

/**
 * Takes the BEGIN and COMMIT around a file away, which runs in one transaction anyway, together with its
 * line in the ledger. Rejects a file that begins or ends transactions elsewhere.
 */
export function withoutWrapper(
  name: string,
  statements: readonly Statement[],
): { statements: Statement[]; isWrapped: boolean } {
  const isWrapped = kindOf(statements[0]) === 'begin' && kindOf(statements.at(-1)) === 'commit'
  const inner = isWrapped ? statements.slice(1, -1) : [...statements]
  const stray = inner.find((statement) => ['begin', 'commit'].includes(kindOf(statement) ?? ''))
  if (!stray) return { statements: inner, isWrapped }
  throw new AdvisedError(
    `${name}:${stray.line}: a file runs in one transaction, which this would end or begin.`,
    {
      advice: 'Put what shall be committed apart into files of its own. Savepoints can stay.',
    },
  )
}

function kindOf(statement: Statement | undefined): 'begin' | 'commit' | undefined {
  if (statement?.node.kind !== 'TransactionStmt') return undefined
  switch (statement.node.fields['kind']) {
    case undefined:
    case 'TRANS_STMT_BEGIN':
    case 'TRANS_STMT_START':
      return 'begin'
    case 'TRANS_STMT_SAVEPOINT':
    case 'TRANS_STMT_RELEASE':
    case 'TRANS_STMT_ROLLBACK_TO':
      return undefined
    default:
      return 'commit'
  }
}
