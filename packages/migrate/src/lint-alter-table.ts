import type { Hint, Subject } from './lint-rule.ts'
import {
  type Fields,
  isFields,
  lastName,
  nodeOf,
  nodesOf,
  relationName,
  someNode,
  text,
} from './tree.ts'

/** Functions that answer anew for each row, so that a default of them is written into each. */
const volatileFunctions = new Set([
  'clock_timestamp',
  'gen_random_uuid',
  'nextval',
  'random',
  'random_normal',
  'timeofday',
  'uuid_generate_v1',
  'uuid_generate_v1mc',
  'uuid_generate_v4',
  'uuidv4',
  'uuidv7',
  'gen_random_bytes',
])
const serialTypes = new Set(['serial', 'serial2', 'serial4', 'serial8', 'smallserial', 'bigserial'])

/** The rules for ALTER TABLE, a command at a time. */
export function alterTableRules(subject: Subject, fields: Fields): Hint[] {
  const table = relationName(fields['relation'])
  if (fields['objtype'] !== 'OBJECT_TABLE' || !subject.isOld(table)) return []
  return nodesOf(fields['cmds']).flatMap(({ fields: command }) =>
    hintsFor(subject, table, command).map((hint) => ({ ...hint, table })),
  )
}

function hintsFor(subject: Subject, table: string, command: Fields): Hint[] {
  const name = text(command['name']) ?? ''
  switch (command['subtype']) {
    case 'AT_AddColumn':
      return addColumn(table, nodeOf(command['def'])?.fields ?? {})
    case 'AT_AddConstraint':
      return addConstraint(subject, table, nodeOf(command['def'])?.fields ?? {})
    case 'AT_AlterColumnType':
      return [
        {
          rule: 'alter-column-type',
          message: `ALTER TYPE of ${table}.${name} writes the table and its indexes anew, unless the types are stored alike, and lets nobody read it meanwhile.`,
          safer: 'Add a column of the new type, fill it in batches, exchange the names.',
        },
      ]
    case 'AT_SetNotNull':
      return [
        {
          rule: 'set-not-null',
          message: `SET NOT NULL reads all of ${table} while nobody else can.`,
          safer: `ADD CHECK (${name} IS NOT NULL) NOT VALID; VALIDATE CONSTRAINT in a later file; then SET NOT NULL, which trusts the check.`,
        },
      ]
    case 'AT_ValidateConstraint':
      return subject.inTransaction && subject.unvalidated.has(name)
        ? [
            {
              rule: 'validate-in-same-transaction',
              message: `VALIDATE reads all of ${table} while the lock of ADD CONSTRAINT is still held.`,
              safer: 'VALIDATE CONSTRAINT in a later file.',
            },
          ]
        : []
    case 'AT_DropColumn':
      return [
        {
          rule: 'drop-column',
          message: `Programs that still name ${table}.${name} fail from the commit on.`,
          safer: 'Drop it a release after the last program that reads it has gone.',
        },
      ]
    case 'AT_SetLogged':
    case 'AT_SetUnLogged':
    case 'AT_SetTableSpace':
    case 'AT_SetAccessMethod':
      return [
        {
          rule: 'rewrite-table',
          message: `This writes all of ${table} anew and lets nobody read it meanwhile.`,
          safer: 'A new table that is filled in batches and exchanged by name.',
        },
      ]
    default:
      return []
  }
}

function addColumn(table: string, column: Fields): Hint[] {
  const name = text(column['colname']) ?? ''
  const constraints = nodesOf(column['constraints']).map((node) => node.fields)
  const hints: Hint[] = []
  const anew = writtenIntoRows(column, constraints)
  if (anew !== undefined) {
    hints.push({
      rule: anew.rule,
      message: `ADD COLUMN ${name} with ${anew.what} writes all of ${table} anew and lets nobody read it meanwhile.`,
      safer: anew.safer(name),
    })
  }
  for (const constraint of constraints) {
    switch (constraint['contype']) {
      case 'CONSTR_UNIQUE':
      case 'CONSTR_PRIMARY':
        hints.push(uniqueHint(table))
        break
      case 'CONSTR_FOREIGN':
        hints.push(foreignKeyHint(table))
        break
      default:
    }
  }
  return hints
}

interface Anew {
  rule: string
  what: string
  safer: (column: string) => string
}

/** What makes PostgreSQL write a new column into every row. */
function writtenIntoRows(column: Fields, constraints: readonly Fields[]): Anew | undefined {
  const inSteps = (name: string) =>
    `ADD COLUMN ${name} without it; ALTER COLUMN ${name} SET DEFAULT; fill old rows in batches.`
  const isSerial =
    isFields(column['typeName']) && serialTypes.has(lastName(column['typeName']['names']))
  const isIdentity = constraints.some(({ contype }) => contype === 'CONSTR_IDENTITY')
  if (isSerial || isIdentity) {
    return { rule: 'add-column-serial', what: 'numbers of a sequence', safer: inSteps }
  }
  const stored = constraints.some(
    (constraint) =>
      constraint['contype'] === 'CONSTR_GENERATED' && constraint['generated_kind'] !== 'v',
  )
  if (stored) {
    return {
      rule: 'add-column-stored',
      what: 'a stored expression',
      safer: () => 'A plain column that a trigger fills, and old rows in batches.',
    }
  }
  const isVolatile = constraints.some(
    (constraint) =>
      constraint['contype'] === 'CONSTR_DEFAULT' &&
      someNode(
        constraint['raw_expr'],
        ({ kind, fields }) =>
          kind === 'FuncCall' && volatileFunctions.has(lastName(fields['funcname'])),
      ),
  )
  return isVolatile
    ? { rule: 'add-column-volatile-default', what: 'a default that differs by row', safer: inSteps }
    : undefined
}

function addConstraint({ unvalidated }: Subject, table: string, constraint: Fields): Hint[] {
  const name = text(constraint['conname'])
  if (constraint['skip_validation'] === true) {
    if (name !== undefined) unvalidated.add(name)
    return []
  }
  switch (constraint['contype']) {
    case 'CONSTR_FOREIGN':
      return [foreignKeyHint(table)]
    case 'CONSTR_CHECK':
    case 'CONSTR_NOTNULL':
      return [
        {
          rule: 'add-check',
          message: `ADD CONSTRAINT reads all of ${table} while nobody else can.`,
          safer: 'ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in a later file.',
        },
      ]
    case 'CONSTR_UNIQUE':
    case 'CONSTR_PRIMARY':
      return constraint['indexname'] === undefined ? [uniqueHint(table)] : []
    case 'CONSTR_EXCLUSION':
      return [
        {
          rule: 'add-exclusion',
          message: `An exclusion constraint builds its index while nobody can read ${table}.`,
          safer: 'There is no concurrent way: choose a quiet time.',
        },
      ]
    default:
      return []
  }
}

function foreignKeyHint(table: string): Hint {
  return {
    rule: 'add-foreign-key',
    message: `A foreign key reads all of ${table} while nobody can write to it or to the table that it names.`,
    safer: 'ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in a later file.',
  }
}

function uniqueHint(table: string): Hint {
  return {
    rule: 'add-unique',
    message: `The index of the constraint is built while nobody can read ${table}.`,
    safer: 'CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … USING INDEX.',
  }
}
