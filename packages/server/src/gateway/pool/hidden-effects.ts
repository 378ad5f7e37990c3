/**
 * Functions of the database that change the session they are called in: no text of a client tells that,
 * but for their names. What calls them unseen counts as well: other functions, views, triggers, defaults.
 */
import {
  beginningOf,
  hintsOfBody,
  hintsOfLiterals,
  isLong,
  mergeHints,
  runners,
  type SessionHints,
  unread,
} from './session-hints.ts'
import { quoteLiteral } from './sql-quoting.ts'
import { readScript } from './sql-tokens.ts'
import { statementPrefix } from './statement-prefix.ts'

/** Where there are more, every text is suspected: each is looked for in all bodies. */
const maxRoutines = 200
const maxFindings = 1_000
const maxBodyChars = 32 * 1024
/** As much as is read of all bodies at once, in which everybody waits. */
const maxReadChars = 256 * 1024

/** Bodies that may change the session; `effectOf` reads them closely. In lower case. */
const effects = [
  `set_config|pg_settings|advisory_(un)?lock|${runners}`,
  String.raw`\m(listen|unlisten|temp|temporary|hold|prepare|load)\M|\mdo\s+([$]|language\M)`,
  String.raw`(^|[;'$\n\r]|[*]/|\mbegin|\mthen|\melse|\mloop|\matomic)\s*(set|reset)\M`,
  String.raw`\mexecute\M|\mdeallocate\M|\mu&["']|${statementPrefix}`,
].join('|')
/** Statements that run triggers, defaults, checks or expressions of indexes, which they need not name. */
const writing =
  'insert|update|delete|merge|truncate|copy|alter|create|import|refresh|reindex|cluster|vacuum|analy[sz]e'
const writes = String.raw`\m(${writing})\M`

const userRoutines = `
  select routine.oid, routine.proname::pg_catalog.text as name, language.lanname as language,
    pg_catalog.lower(coalesce(pg_catalog.pg_get_function_sqlbody(routine.oid), routine.prosrc)) as body
  from pg_catalog.pg_proc routine
  join pg_catalog.pg_language language on language.oid operator(pg_catalog.=) routine.prolang
  where language.lanname operator(pg_catalog.<>) all (array['internal', 'c'])
    and routine.pronamespace operator(pg_catalog.<>) all (array[
      'pg_catalog'::pg_catalog.regnamespace, 'information_schema'::pg_catalog.regnamespace
    ]::pg_catalog.oid[])`

/** Functions of PostgreSQL and of extensions that change the session, or run a text that may. */
const builtins = `
  select oid, proname as name from pg_catalog.pg_proc
  where prolang operator(pg_catalog.=) any (array(
      select oid from pg_catalog.pg_language where lanname operator(pg_catalog.=) any (array['internal', 'c'])
    )) and proname operator(pg_catalog.~) ${quoteLiteral(`^(set_config|pg_(try_)?advisory_lock|${runners})`)}`

/** Below it are the objects of PostgreSQL itself (FirstNormalObjectId). */
const isOfUsers = (column: string) => `${column} operator(pg_catalog.>=) '16384'::pg_catalog.oid`

/**
 * What calls one of these without a function between. PostgreSQL keeps no dependencies on what is its own, so the
 * expressions are looked through, as it has parsed them.
 */
const callersOfBuiltins = `
  select 'relation' as kind, rule.ev_class as oid, relation.relname::pg_catalog.text as name
  from pg_catalog.pg_rewrite rule
  join pg_catalog.pg_class relation on relation.oid operator(pg_catalog.=) rule.ev_class
  where case when ${isOfUsers('rule.oid')} then ${calls('rule.ev_action', 'rule.ev_qual')} end
  union all
  select 'write', tgrelid, '' from pg_catalog.pg_trigger where ${calls('tgqual')}
  union all
  select 'write', adrelid, '' from pg_catalog.pg_attrdef where ${calls('adbin')}
  union all
  select 'write', oid, '' from pg_catalog.pg_type where ${calls('typdefaultbin')}
  union all
  select ${kindOfConstraint('pg_constraint')}, oid, '' from pg_catalog.pg_constraint where ${calls('conbin')}
  union all
  select 'any', polrelid, '' from pg_catalog.pg_policy where ${calls('polqual', 'polwithcheck')}
  union all
  select 'any', oid, '' from pg_catalog.pg_operator
  where ${isOfUsers('oid')} and oprcode::pg_catalog.oid operator(pg_catalog.=) any (array(select oid from builtins))
  union all
  select 'routine', routine.oid, routine.proname::pg_catalog.text
  from pg_catalog.pg_aggregate aggregate
  join pg_catalog.pg_proc routine on routine.oid operator(pg_catalog.=) aggregate.aggfnoid
  where ${isOfUsers('routine.oid')} and exists (
    select from builtins where oid operator(pg_catalog.=) any (array[
      aggtransfn, aggfinalfn, aggcombinefn, aggmtransfn, aggminvtransfn, aggmfinalfn
    ]::pg_catalog.oid[]))
  union all
  select 'routine', oid, name::pg_catalog.text from builtins where ${isOfUsers('oid')}`

/**
 * Whether one of these trees has a call of a builtin, or the view by which settings are updated. Cut into pieces
 * at each call: as a pattern, in a view of some kilobytes, it would take milliseconds.
 */
function calls(...trees: readonly string[]): string {
  const tree = `pg_catalog.concat(${trees.join(', ')})`
  return `(
    pg_catalog.strpos(${tree}, (select settings from marks)) operator(pg_catalog.>) 0
    or exists (
      select from pg_catalog.unnest(pg_catalog.string_to_array(${tree}, 'funcid ')) piece
      where pg_catalog.split_part(piece, ' ', 1) operator(pg_catalog.=) any ((select ids from marks)::pg_catalog.text[])
    )
  )`
}

/** A domain's is checked wherever a value is made. */
function kindOfConstraint(table: string): string {
  return `case when ${table}.contypid operator(pg_catalog.=) '0'::pg_catalog.oid then 'write' else 'any' end`
}

/** Of a name that is no part of another; what is special in a pattern is escaped. */
const namePattern = `pg_catalog.concat(
      ${quoteLiteral('(?<![[:alnum:]_$])')},
      pg_catalog.regexp_replace(found.name, '[^[:alnum:]_]', ${quoteLiteral(String.raw`\\\&`)}, 'g'),
      ${quoteLiteral('(?![[:alnum:]_$])')}
    )`

/** A body that has the name of something found, or writes where a write is. */
const callers = `
  select 'routine' as kind, caller.oid, caller.name from routines caller
  where caller.oid operator(pg_catalog.<>) found.oid and case
    when found.kind operator(pg_catalog.=) 'write' then caller.body operator(pg_catalog.~) ${quoteLiteral(writes)}
    when found.kind operator(pg_catalog.=) 'any' then false
    when pg_catalog.strpos(caller.body, found.name) operator(pg_catalog.=) 0 then false
    else caller.body operator(pg_catalog.~) ${namePattern}
  end`

const isOf = (column: string, catalog: string) =>
  `${column} operator(pg_catalog.=) 'pg_catalog.${catalog}'::pg_catalog.regclass`

/** What PostgreSQL itself knows to depend on something found: a view by its rule, a table's triggers. */
const dependents = `
  select
    case
      when ${isOf('depend.classid', 'pg_proc')} then 'routine'
      when ${isOf('depend.classid', 'pg_rewrite')} then 'relation'
      when domain.oid is not null then 'any'
      when ${['pg_trigger', 'pg_attrdef', 'pg_constraint', 'pg_class']
        .map((catalog) => isOf('depend.classid', catalog))
        .join(' or ')} then 'write'
      else 'any'
    end as kind,
    coalesce(rule.ev_class, depend.objid) as oid,
    coalesce(routine.proname, relation.relname, '')::pg_catalog.text as name
  from pg_catalog.pg_depend depend
  left join pg_catalog.pg_proc routine
    on ${isOf('depend.classid', 'pg_proc')} and routine.oid operator(pg_catalog.=) depend.objid
  left join pg_catalog.pg_rewrite rule
    on ${isOf('depend.classid', 'pg_rewrite')} and rule.oid operator(pg_catalog.=) depend.objid
  left join pg_catalog.pg_class relation on relation.oid operator(pg_catalog.=) rule.ev_class
  left join pg_catalog.pg_constraint domain
    on ${isOf('depend.classid', 'pg_constraint')} and domain.oid operator(pg_catalog.=) depend.objid
    and domain.contypid operator(pg_catalog.<>) '0'::pg_catalog.oid
  where depend.refobjid operator(pg_catalog.=) found.oid
    and depend.deptype operator(pg_catalog.<>) 'i'
    and case
      when found.kind operator(pg_catalog.=) 'routine' then ${isOf('depend.refclassid', 'pg_proc')}
      when found.kind operator(pg_catalog.=) 'relation' then ${isOf('depend.refclassid', 'pg_class')}
        and (${isOf('depend.classid', 'pg_proc')} or ${isOf('depend.classid', 'pg_rewrite')})
      else false
    end`

/**
 * Statements for one Query, the last of which answers one row of one column, for `HiddenEffects.parse`; base64 of
 * JSON, as in an inspection, and as safe from what `search_path` leads to. They read the bodies of all functions
 * that users have made, and all views: some milliseconds, 20 for 300 views, and 200 where 1000 functions call any of
 * 100 that have an effect. To compile them would take a second.
 */
export const hiddenEffectsQuery = `set local jit = off;
with recursive routines as materialized (${userRoutines}),
effective as materialized (
  select * from routines
  where language operator(pg_catalog.<>) all (array['sql', 'plpgsql'])
    or body operator(pg_catalog.~) ${quoteLiteral(effects)}
  order by oid limit ${maxRoutines + 1}
),
builtins as materialized (${builtins}),
marks as materialized (
  select pg_catalog.array_agg(oid::pg_catalog.text) as ids,
    pg_catalog.concat(':relid ', 'pg_catalog.pg_settings'::pg_catalog.regclass::pg_catalog.oid, ' ') as settings
  from builtins
),
found(kind, oid, name, cause_kind, cause) as (
  (
    select 'routine', oid, pg_catalog.lower(name), 'self', oid from effective
    union all
    select kind, oid, pg_catalog.lower(name), 'builtin', '0'::pg_catalog.oid from (${callersOfBuiltins}) caller
  )
  union
  select caller.kind, caller.oid, pg_catalog.lower(caller.name), found.kind, found.oid
  from found cross join lateral (${callers} union all ${dependents}) caller
)
select pg_catalog.encode(pg_catalog.convert_to(pg_catalog.json_build_object(
  'bodies', (select pg_catalog.json_agg(pg_catalog.json_build_object(
    'oid', oid, 'language', language, 'body', pg_catalog."left"(body, ${maxBodyChars})
  )) from effective),
  'found', (select pg_catalog.json_agg(finding) from (
    select kind, oid, name, cause_kind, cause from found limit ${maxFindings + 1}
  ) finding)
)::pg_catalog.text, 'UTF8'), 'base64')`

type Kind = 'routine' | 'relation' | 'write' | 'any'

interface Body {
  oid: number
  language: string
  body: string
}

/** Something that has an effect if its cause has one. */
interface Finding {
  /** `write`: whatever writes to tables; `any`: whatever a client may do. */
  kind: Kind
  oid: number
  name: string
  cause_kind: Kind | 'self' | 'builtin'
  cause: number
}

interface Findings {
  bodies: Body[] | null
  found: Finding[] | null
}

interface Effect {
  hints: SessionHints
  /** Whether it runs a text that its caller gives. */
  runsTexts: boolean
}

const writeWord = new RegExp(String.raw`\b(?:${writing})\b`, 'i')

export class HiddenEffects {
  static readonly none = new HiddenEffects(new Map(), undefined, undefined)

  readonly #byName: ReadonlyMap<string, Effect>
  readonly #names: RegExp | undefined
  readonly #ofWrites: SessionHints | undefined
  readonly #ofAll: SessionHints | undefined

  private constructor(
    byName: ReadonlyMap<string, Effect>,
    ofWrites: SessionHints | undefined,
    ofAll: SessionHints | undefined,
  ) {
    this.#byName = byName
    this.#names = patternOf([...byName.keys()])
    this.#ofWrites = ofWrites
    this.#ofAll = ofAll
  }

  /** From what `hiddenEffectsQuery` answers. Throws SyntaxError for anything else. */
  static parse(column: string): HiddenEffects {
    const json = Buffer.from(column, 'base64').toString('utf8')
    // The statement above has built it.
    const { bodies, found } = JSON.parse(json) as Findings
    const all = spread(bodies ?? [], found ?? [])
    const isCut = (bodies?.length ?? 0) > maxRoutines || (found?.length ?? 0) > maxFindings
    return new HiddenEffects(
      namesOf(all),
      merged(all.filter(({ kind }) => kind === 'write')),
      merged(all.filter(({ kind }) => isCut || kind === 'any')),
    )
  }

  /** What a text may do by what it names, or by writing. Costs nothing where nothing has an effect. */
  hintsOf(sql: string): SessionHints | undefined {
    let hints = this.#ofAll
    if (this.#ofWrites && writeWord.test(sql)) hints = mergeHints(hints, this.#ofWrites)
    if (this.#names === undefined) return hints
    const effects = this.#named(beginningOf(sql), this.#names)
    for (const effect of effects) hints = mergeHints(hints, effect.hints)
    if (effects.some(({ runsTexts }) => runsTexts)) hints = mergeHints(hints, hintsOfLiterals(sql))
    return isLong(sql) ? mergeHints(hints, unread) : hints
  }

  /** Each once, however often it is named. */
  #named(sql: string, pattern: RegExp): Effect[] {
    const names = new Set([...sql.matchAll(pattern)].map(([name]) => name.toLowerCase()))
    return [...names].flatMap((name) => this.#byName.get(name) ?? [])
  }
}

interface Effective {
  kind: Kind
  name: string
  effect: Effect
}

/** What has an effect, once every cause has been followed. */
function spread(bodies: readonly Body[], found: readonly Finding[]): Effective[] {
  const known = new Map<string, Effect>([['builtin 0', { hints: unread, runsTexts: false }]])
  let chars = 0
  for (const body of bodies) {
    chars += body.body.length
    const effect = chars > maxReadChars ? { hints: unread, runsTexts: false } : effectOf(body)
    if (effect !== undefined) known.set(`routine ${body.oid}`, effect)
  }
  let isComplete = false
  while (!isComplete) {
    isComplete = true
    for (const { kind, oid, cause_kind, cause } of found) {
      const key = `${kind} ${oid}`
      const before = known.get(key)
      const after = both(before, known.get(`${cause_kind} ${cause}`))
      if (after === undefined || JSON.stringify(after) === JSON.stringify(before)) continue
      known.set(key, after)
      isComplete = false
    }
  }
  return found.flatMap(({ kind, oid, name }) => {
    const effect = known.get(`${kind} ${oid}`)
    return effect === undefined ? [] : [{ kind, name, effect }]
  })
}

function both(one: Effect | undefined, other: Effect | undefined): Effect | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const hints = mergeHints(one.hints, other.hints) ?? one.hints
  return { hints, runsTexts: one.runsTexts || other.runsTexts }
}

/** Of one function by itself. */
function effectOf({ language, body }: Body): Effect | undefined {
  const isSql = language === 'sql' || language === 'plpgsql'
  const runsTexts = isSql && runsForeignText(body)
  const hints =
    isSql && body.length < maxBodyChars
      ? hintsOfBody(body)
      : mergeHints(unread, hintsOfLiterals(body))
  return hints || runsTexts ? { hints: hints ?? unread, runsTexts } : undefined
}

/** Whether EXECUTE is given a variable, and no literal is there that could be its statement. */
function runsForeignText(body: string): boolean {
  if (!/\bexecute\s+\w+\s*(?:;|into\b|using\b)/i.test(body)) return false
  const literals = readScript(body)
    .statements.flat()
    .filter(({ kind }) => kind === 'literal')
  return !literals.some(({ text }) =>
    /\b(?:select|insert|update|delete|create|alter)\b/i.test(text),
  )
}

function namesOf(all: readonly Effective[]): Map<string, Effect> {
  const byName = new Map<string, Effect>()
  for (const { kind, name, effect } of all) {
    if (kind !== 'routine' && kind !== 'relation') continue
    for (const written of writtenForms(name)) {
      byName.set(written, both(byName.get(written), effect) ?? effect)
    }
  }
  return byName
}

/** As a text may have it, also one whose bytes have been read as latin1. */
function writtenForms(name: string): string[] {
  const written = name.replaceAll('"', '""')
  return [written, Buffer.from(written).toString('latin1')].map((form) => form.toLowerCase())
}

function merged(all: readonly Effective[]): SessionHints | undefined {
  return all.reduce<SessionHints | undefined>(
    (hints, { effect }) => mergeHints(hints, effect.hints),
    undefined,
  )
}

/** Finds the names where they stand alone, in any case. */
function patternOf(names: readonly string[]): RegExp | undefined {
  if (names.length === 0) return undefined
  const alternatives = names
    .toSorted((one, other) => other.length - one.length)
    .map((name) => name.replace(/[^\w]/g, '\\$&'))
  const part = String.raw`[\w$\x80-\uffff]`
  return new RegExp(`(?<!${part})(?:${alternatives.join('|')})(?!${part})`, 'gi')
}
