import { nodesOf, text, type TreeNode } from './tree.ts'

/** Whether PostgreSQL lets a statement run in a transaction block (PreventInTransactionBlock in its sources). */
export function isTransactional({ kind, fields }: TreeNode): boolean {
  switch (kind) {
    case 'IndexStmt':
    case 'DropStmt':
      return fields['concurrent'] !== true
    case 'ReindexStmt':
      return (
        !hasOption(fields['params'], 'concurrently') &&
        !['REINDEX_OBJECT_SCHEMA', 'REINDEX_OBJECT_SYSTEM', 'REINDEX_OBJECT_DATABASE'].includes(
          text(fields['kind']) ?? '',
        )
      )
    case 'VacuumStmt':
      return fields['is_vacuumcmd'] !== true
    case 'ClusterStmt':
      return fields['relation'] !== undefined
    case 'AlterTableStmt':
      return !nodesOf(fields['cmds']).some((command) => detachesConcurrently(command))
    case 'CreateSubscriptionStmt':
    case 'DropSubscriptionStmt':
    case 'CreatedbStmt':
    case 'DropdbStmt':
    case 'CreateTableSpaceStmt':
    case 'DropTableSpaceStmt':
    case 'AlterSystemStmt':
      return false
    default:
      return true
  }
}

function detachesConcurrently({ fields }: TreeNode): boolean {
  if (fields['subtype'] !== 'AT_DetachPartition') return false
  return nodesOf([fields['def']]).some(({ fields: partition }) => partition['concurrent'] === true)
}

/** Whether a list of options has one of the name. */
export function hasOption(options: unknown, name: string): boolean {
  return nodesOf(options).some((option) => option.fields['defname'] === name)
}
