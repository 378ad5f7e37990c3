import type { Finding } from '@coppice/api'

import { alterTableRules } from './lint-alter-table.ts'
import type { Hint, Subject } from './lint-rule.ts'
import type { Migration } from './migration.ts'
import type { Statement } from './statements.ts'
import { hasOption } from './transactional.ts'
import { isFields, lastName, nodesOf, relationName, text, type TreeNode } from './tree.ts'

/**
 * What PostgreSQL's manual says of the locks and rewrites of each form of DDL, applied to files. Tables that
 * these files create are left out: nobody waits for them.
 */
export function lint(migrations: readonly Migration[]): Finding[] {
  const created = new Set<string>()
  const findings: Finding[] = []
  for (const migration of migrations) {
    const unvalidated = new Set<string>()
    for (const statement of migration.statements) {
      const subject: Subject = {
        statement,
        isOld: (name) => !created.has(bare(name)),
        inTransaction: migration.transactional,
        unvalidated,
      }
      for (const hint of hintsFor(subject)) {
        findings.push({ file: migration.name, line: statement.line, ...hint })
      }
      noteCreated(statement, created)
    }
  }
  return findings
}

function bare(name: string): string {
  return name.replace(/^public\./, '')
}

function noteCreated({ node }: Statement, created: Set<string>): void {
  if (node.kind === 'CreateStmt') created.add(bare(relationName(node.fields['relation'])))
  if (node.kind === 'CreateTableAsStmt' && isFields(node.fields['into'])) {
    created.add(bare(relationName(node.fields['into']['rel'])))
  }
}

function hintsFor(subject: Subject): Hint[] {
  const { kind, fields } = subject.statement.node
  const rule = rules[kind]
  return rule === undefined ? [] : rule(subject, fields)
}

type Rule = (subject: Subject, fields: TreeNode['fields']) => Hint[]

const rules: Readonly<Record<string, Rule | undefined>> = {
  AlterTableStmt: alterTableRules,
  IndexStmt({ isOld }, fields) {
    const table = relationName(fields['relation'])
    if (fields['concurrent'] === true || !isOld(table)) return []
    return [
      {
        rule: 'create-index',
        table,
        message: `CREATE INDEX lets nobody write to ${table} until it is built.`,
        safer: 'CREATE INDEX CONCURRENTLY, which apply runs outside of a transaction.',
      },
    ]
  },
  DropStmt(_, fields) {
    switch (fields['removeType']) {
      case 'OBJECT_INDEX':
        return fields['concurrent'] === true
          ? []
          : [
              {
                rule: 'drop-index',
                message:
                  'DROP INDEX waits for every query on the table and holds up those that come after.',
                safer: 'DROP INDEX CONCURRENTLY, which apply runs outside of a transaction.',
              },
            ]
      case 'OBJECT_TABLE':
        return [
          {
            rule: 'drop-table',
            message: 'DROP TABLE breaks programs that still use it.',
            safer: 'Drop it a release after the last program that reads it has gone.',
          },
        ]
      default:
        return []
    }
  },
  RenameStmt({ isOld }, fields) {
    const table = relationName(fields['relation'])
    const what = fields['renameType']
    if ((what !== 'OBJECT_TABLE' && what !== 'OBJECT_COLUMN') || !isOld(table)) return []
    const old = what === 'OBJECT_TABLE' ? table : `${table}.${text(fields['subname']) ?? ''}`
    return [
      {
        rule: what === 'OBJECT_TABLE' ? 'rename-table' : 'rename-column',
        table,
        message: `Programs that know ${old} by its old name fail from the commit on.`,
        safer:
          what === 'OBJECT_TABLE'
            ? 'Leave a view of the old name in the same transaction until they have gone.'
            : 'Add a column, write to both, move the readers, drop the old one a release later.',
      },
    ]
  },
  UpdateStmt: (subject, fields) => wholeTable(subject, fields, 'UPDATE'),
  DeleteStmt: (subject, fields) => wholeTable(subject, fields, 'DELETE'),
  TruncateStmt({ isOld }, fields) {
    const tables = nodesOf(fields['relations']).map((node) => relationName(node.fields))
    return tables
      .filter((table) => isOld(table))
      .map((table) => ({
        rule: 'truncate',
        table,
        message: `TRUNCATE takes every row of ${table}, and lets nobody read it meanwhile.`,
        safer: 'Make sure that it is meant; DELETE in batches lets others work.',
      }))
  },
  VacuumStmt(_, fields) {
    if (!hasOption(fields['options'], 'full')) return []
    return [rewrite('vacuum-full', 'VACUUM FULL')]
  },
  ClusterStmt: () => [rewrite('cluster', 'CLUSTER')],
  ReindexStmt(_, fields) {
    if (hasOption(fields['params'], 'concurrently')) return []
    return [
      {
        rule: 'reindex',
        message: 'REINDEX lets nobody write to the table, nor use the index, until it is built.',
        safer: 'REINDEX … CONCURRENTLY.',
      },
    ]
  },
  RefreshMatViewStmt({ isOld }, fields) {
    const table = relationName(fields['relation'])
    if (fields['concurrent'] === true || fields['skipData'] === true || !isOld(table)) return []
    return [
      {
        rule: 'refresh-materialized-view',
        table,
        message: `REFRESH lets nobody read ${table} until it is filled.`,
        safer: 'REFRESH MATERIALIZED VIEW CONCURRENTLY, with a unique index on it.',
      },
    ]
  },
  LockStmt(_, fields) {
    const tables = nodesOf(fields['relations']).map((node) => relationName(node.fields))
    return [
      {
        rule: 'lock-table',
        message: `LOCK TABLE holds up others on ${tables.join(', ')} until the end of the file.`,
        safer: 'Let statements take the locks that they need, or keep the file short.',
      },
    ]
  },
  AlterEnumStmt: ({ inTransaction }, fields) =>
    inTransaction && fields['newVal'] !== undefined && fields['oldVal'] === undefined
      ? [
          {
            rule: 'add-enum-value',
            message: `The value ${text(fields['newVal']) ?? ''} of ${lastName(fields['typeName'])} cannot be used before this file has been committed.`,
            safer: 'Use it in a later file.',
          },
        ]
      : [],
}

function wholeTable({ isOld }: Subject, fields: TreeNode['fields'], verb: string): Hint[] {
  const table = relationName(fields['relation'])
  if (fields['whereClause'] !== undefined || !isOld(table)) return []
  return [
    {
      rule: `${verb.toLowerCase()}-whole-table`,
      table,
      message: `${verb} without WHERE locks every row of ${table} until the end of the file, and writes each into the WAL.`,
      safer: 'Batches that commit one by one, by primary key, after the schema has changed.',
    },
  ]
}

function rewrite(rule: string, verb: string): Hint {
  return {
    rule,
    message: `${verb} writes the table anew and lets nobody read it meanwhile.`,
    safer: 'Plain VACUUM; or a rewrite at a quiet time, which is not for a migration.',
  }
}
