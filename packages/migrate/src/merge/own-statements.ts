import type { Kind, ObjectData, SchemaObject } from './schema-object.ts'
import type { Change } from './three-way.ts'

/**
 * The statements for what migra has no eye for, or makes without all that belongs to it: options, owners, grants,
 * comments, sequences' limits; and for what it lost on the way, as the grants of a view that had to be made
 * anew. `change` leads from what a database has to what it should have.
 */
export function ownStatements({ before, after }: Change): string[] {
  const object = after ?? before
  return (object && writers[object.kind]?.(object, before, after)) ?? []
}

/** From an object, as it is and as it should be: either can be absent. */
type Writer = (
  object: SchemaObject,
  before: SchemaObject | undefined,
  after: SchemaObject | undefined,
) => string[]

const writers: Partial<Record<Kind, Writer>> = {
  owner: ({ data }, _, after) =>
    after ? [`alter ${data.target} owner to ${after.definition}`] : [],
  comment: ({ data }, _, after) => [`comment on ${data.target} is ${after?.definition ?? 'null'}`],
  grant: ({ data }, before, after) => grantStatements(data, before, after),
  // Without a sequence there is nothing to alter: making and dropping are migra's.
  sequence: ({ key }, before, after) =>
    before && after ? [`alter sequence ${key} ${after.definition}`] : [],
  identity: (_, before, after) => (before && after ? [identityStatement(after)] : []),
  'table options': ({ data }, before, after) => optionStatements(data, before, after),
  'view options': ({ data }, before, after) => optionStatements(data, before, after),
  'row security': ({ data }, _, after) => rowSecurityStatements(data, after),
  // One that is in use cannot be dropped to be made otherwise: that is left to a person.
  domain: ({ key }, before, after) => {
    if (before && after) return []
    return after ? [`create domain ${key} ${after.definition}`] : [`drop domain ${key}`]
  },
  index: ({ key }, before, after) =>
    wholeStatements(before, after, `drop index ${key}`, (one) => [one.definition]),
  rule: ({ data }, before, after) =>
    wholeStatements(before, after, `drop ${data.target}`, (one) => [
      one.definition.replace(/;$/, ''),
    ]),
  statistics: ({ data }, before, after) =>
    wholeStatements(before, after, `drop ${data.target}`, (one) => [one.definition]),
  constraint: ({ data }, before, after) =>
    wholeStatements(before, after, `alter table ${data.of} drop constraint ${data.name}`, (one) => [
      `alter table ${data.of} add constraint ${data.name} ${one.definition}`,
    ]),
  policy: ({ data }, before, after) =>
    wholeStatements(before, after, `drop ${data.target}`, (one) => [
      `create policy ${data.name} on ${data.of} ${one.definition}`,
    ]),
  trigger: ({ data }, before, after) =>
    wholeStatements(before, after, `drop ${data.target}`, (one) => triggerStatements(one)),
}

/** What is made as a whole is dropped before it is made otherwise. */
function wholeStatements(
  before: SchemaObject | undefined,
  after: SchemaObject | undefined,
  drop: string,
  make: (object: SchemaObject) => string[],
): string[] {
  return [...(before ? [drop] : []), ...(after ? make(after) : [])]
}

/** A star marks what may be granted on. */
function grantStatements(
  { target = '', grantee = '', columns = '' }: ObjectData,
  before: SchemaObject | undefined,
  after: SchemaObject | undefined,
): string[] {
  const [had, wanted] = [privilegesOf(before), privilegesOf(after)]
  const list = (privileges: string[]) =>
    privileges.map((one) => `${one.replace('*', '').toLowerCase()}${columns}`).join(', ')
  const revoked = had.filter((one) => !wanted.includes(one))
  const granted = wanted.filter((one) => !had.includes(one))
  const plain = granted.filter((one) => !one.endsWith('*'))
  const onward = granted.filter((one) => one.endsWith('*'))
  return [
    ...(revoked.length > 0 ? [`revoke ${list(revoked)} on ${target} from ${grantee}`] : []),
    ...(plain.length > 0 ? [`grant ${list(plain)} on ${target} to ${grantee}`] : []),
    ...(onward.length > 0
      ? [`grant ${list(onward)} on ${target} to ${grantee} with grant option`]
      : []),
  ]
}

function privilegesOf(grant: SchemaObject | undefined): string[] {
  return grant ? grant.definition.split(', ') : []
}

/** `set` stands before each option, and the type is the column's. */
function identityStatement({ data, definition }: SchemaObject): string {
  const options = definition
    .replace(/^as .*? (?=increment)/, '')
    .replaceAll(/(increment|minvalue|maxvalue|start|cache|no cycle|cycle)/g, 'set $1')
  return `alter ${data.target} alter column "${(data.name ?? '').replaceAll('"', '""')}" ${options}`
}

function optionStatements(
  { target }: ObjectData,
  before: SchemaObject | undefined,
  after: SchemaObject | undefined,
): string[] {
  const names = (object: SchemaObject | undefined) =>
    [...(object?.definition.matchAll(/(?:^|, )(\w+)=/g) ?? [])].map(([, name = '']) => name)
  const gone = names(before).filter((name) => !names(after).includes(name))
  return [
    ...(gone.length > 0 ? [`alter ${target} reset (${gone.join(', ')})`] : []),
    ...(after ? [`alter ${target} set (${after.definition})`] : []),
  ]
}

function rowSecurityStatements({ target }: ObjectData, after: SchemaObject | undefined): string[] {
  const [enabled = 'disable', forced = 'no force'] = after?.definition.split(', ') ?? []
  return [
    `alter ${target} ${enabled} row level security`,
    `alter ${target} ${forced} row level security`,
  ]
}

function triggerStatements({ data }: SchemaObject): string[] {
  const words: Record<string, string> = { D: 'disable', A: 'enable always', R: 'enable replica' }
  const word = words[data.enabled ?? '']
  return [
    data.statement ?? '',
    ...(word === undefined ? [] : [`alter table ${data.of} ${word} trigger ${data.name}`]),
  ]
}

/**
 * `alter type … add value`, where an enum has only gained labels; undefined where it has lost some or their
 * order. No transaction may use a label that it has added itself.
 */
export function enumAdditions({ before, after }: Change): string[] | undefined {
  if (!before || !after || after.kind !== 'enum') return undefined
  const [had, wanted] = [labelsOf(before), labelsOf(after)]
  if (wanted.filter((label) => had.includes(label)).join() !== had.join()) return undefined
  return wanted.flatMap((label, at) => {
    if (had.includes(label)) return []
    const previous = wanted[at - 1]
    const place = previous === undefined ? `before ${had[0]}` : `after ${previous}`
    return [`alter type ${after.key} add value ${label} ${place}`]
  })
}

/** As literals of SQL. */
function labelsOf({ definition }: SchemaObject): string[] {
  return definition.match(/E?'(?:[^']|'')*'/g) ?? []
}
