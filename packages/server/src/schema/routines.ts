import { type Catalog, isNoMember, isNoPart, isUserSchema } from './catalog.ts'
import { addressOf, type SchemaObject } from './schema-object.ts'

interface RoutineRow {
  oid: number
  /** With the types of its arguments. */
  name: string
  owner: string
}

/** Functions and procedures, as the server itself writes them. */
export async function readFunctions(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<(RoutineRow & { word: string; definition: string })[]>`
    select p.oid,
      format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as name,
      quote_ident(pg_get_userbyid(p.proowner)) as owner,
      case p.prokind when 'p' then 'PROCEDURE' else 'FUNCTION' end as word,
      pg_get_functiondef(p.oid) as definition
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.prokind <> 'a' and ${isUserSchema(catalog, sql`n.nspname`)}
      and ${isNoMember(catalog, 'pg_proc', sql`p.oid`)}
      and ${isNoPart(catalog, 'pg_proc', sql`p.oid`)}`
  return rows.map((row) => ({
    kind: 'function',
    name: row.name,
    addresses: [addressOf('pg_proc', row.oid)],
    statements: [row.definition.trimEnd().replace(/^CREATE OR REPLACE /, 'CREATE ')],
    ownership: `ALTER ${row.word} ${row.name} OWNER TO ${row.owner}`,
  }))
}

const modify = { r: 'READ_ONLY', s: 'SHAREABLE', w: 'READ_WRITE' } as const

interface AggregateRow extends RoutineRow {
  parameters: string
  finalfunc_modify: keyof typeof modify
  mfinalfunc_modify: keyof typeof modify
  has_final: boolean
  has_moving_final: boolean
  is_ordered_set: boolean
}

/** Aggregates, which the server does not write by itself. */
export async function readAggregates(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const name = (oid: ReturnType<typeof sql>) => sql`(
    select format('%I.%I', fn.nspname, f.proname)
    from pg_proc f join pg_namespace fn on fn.oid = f.pronamespace where f.oid = ${oid})`
  const rows = await sql<AggregateRow[]>`
    select p.oid,
      format('%I.%I(%s)', n.nspname, p.proname, case when p.pronargs = 0 then '*'
        else pg_get_function_identity_arguments(p.oid) end) as name,
      quote_ident(pg_get_userbyid(p.proowner)) as owner,
      a.aggfinalmodify as finalfunc_modify, a.aggmfinalmodify as mfinalfunc_modify,
      a.aggfinalfn <> 0 as has_final, a.aggmfinalfn <> 0 as has_moving_final,
      a.aggkind in ('o', 'h') as is_ordered_set,
      concat_ws(E',\n    ',
        'SFUNC = ' || ${name(sql`a.aggtransfn`)},
        'STYPE = ' || format_type(a.aggtranstype, null),
        case when a.aggtransspace <> 0 then 'SSPACE = ' || a.aggtransspace end,
        'FINALFUNC = ' || ${name(sql`a.aggfinalfn`)},
        case when a.aggfinalextra then 'FINALFUNC_EXTRA' end,
        'COMBINEFUNC = ' || ${name(sql`a.aggcombinefn`)},
        'SERIALFUNC = ' || ${name(sql`a.aggserialfn`)},
        'DESERIALFUNC = ' || ${name(sql`a.aggdeserialfn`)},
        'INITCOND = ' || quote_literal(a.agginitval),
        'MSFUNC = ' || ${name(sql`a.aggmtransfn`)},
        'MINVFUNC = ' || ${name(sql`a.aggminvtransfn`)},
        case when a.aggmtranstype <> 0 then 'MSTYPE = ' || format_type(a.aggmtranstype, null) end,
        case when a.aggmtransspace <> 0 then 'MSSPACE = ' || a.aggmtransspace end,
        'MFINALFUNC = ' || ${name(sql`a.aggmfinalfn`)},
        case when a.aggmfinalextra then 'MFINALFUNC_EXTRA' end,
        'MINITCOND = ' || quote_literal(a.aggminitval),
        (select format('SORTOP = OPERATOR(%I.%s)', on_.nspname, o.oprname)
          from pg_operator o join pg_namespace on_ on on_.oid = o.oprnamespace
          where o.oid = a.aggsortop),
        case p.proparallel when 's' then 'PARALLEL = SAFE' when 'r' then 'PARALLEL = RESTRICTED' end,
        case when a.aggkind = 'h' then 'HYPOTHETICAL' end) as parameters
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      join pg_aggregate a on a.aggfnoid = p.oid
    where ${isUserSchema(catalog, sql`n.nspname`)} and ${isNoMember(catalog, 'pg_proc', sql`p.oid`)}`
  return rows.map((row) => {
    // What the final functions may do to the state has another default in ordered-set aggregates.
    const standard = row.is_ordered_set ? 'w' : 'r'
    const parameters = [
      row.parameters,
      ...(row.has_final && row.finalfunc_modify !== standard
        ? [`FINALFUNC_MODIFY = ${modify[row.finalfunc_modify]}`]
        : []),
      ...(row.has_moving_final && row.mfinalfunc_modify !== standard
        ? [`MFINALFUNC_MODIFY = ${modify[row.mfinalfunc_modify]}`]
        : []),
    ]
    return {
      kind: 'aggregate',
      name: row.name,
      addresses: [addressOf('pg_proc', row.oid)],
      statements: [`CREATE AGGREGATE ${row.name} (\n    ${parameters.join(',\n    ')}\n)`],
      ownership: `ALTER AGGREGATE ${row.name} OWNER TO ${row.owner}`,
    }
  })
}

/** Operators. A commutator or negator that is not there yet is filled in when it comes. */
export async function readOperators(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const type = (oid: ReturnType<typeof sql>) =>
    sql`case when ${oid} <> 0 then format_type(${oid}, null) end`
  const other = (oid: ReturnType<typeof sql>) => sql`(
    select format('OPERATOR(%I.%s)', xn.nspname, x.oprname)
    from pg_operator x join pg_namespace xn on xn.oid = x.oprnamespace where x.oid = ${oid})`
  const estimator = (oid: ReturnType<typeof sql>) => sql`(
    select format('%I.%I', fn.nspname, f.proname)
    from pg_proc f join pg_namespace fn on fn.oid = f.pronamespace where f.oid = ${oid})`
  const rows = await sql<(RoutineRow & { symbol: string; parameters: string })[]>`
    select o.oid, format('%I.%s', n.nspname, o.oprname) as symbol,
      format('%I.%s (%s, %s)', n.nspname, o.oprname,
        coalesce(${type(sql`o.oprleft`)}, 'NONE'), coalesce(${type(sql`o.oprright`)}, 'NONE')) as name,
      quote_ident(pg_get_userbyid(o.oprowner)) as owner,
      concat_ws(E',\n    ',
        'FUNCTION = ' || ${estimator(sql`o.oprcode`)},
        'LEFTARG = ' || ${type(sql`o.oprleft`)},
        'RIGHTARG = ' || ${type(sql`o.oprright`)},
        'COMMUTATOR = ' || ${other(sql`o.oprcom`)},
        'NEGATOR = ' || ${other(sql`o.oprnegate`)},
        case when o.oprcanmerge then 'MERGES' end,
        case when o.oprcanhash then 'HASHES' end,
        'RESTRICT = ' || ${estimator(sql`o.oprrest`)},
        'JOIN = ' || ${estimator(sql`o.oprjoin`)}) as parameters
    from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
    where o.oprcode <> 0 and ${isUserSchema(catalog, sql`n.nspname`)}
      and ${isNoMember(catalog, 'pg_operator', sql`o.oid`)}`
  return rows.map((row) => ({
    kind: 'operator',
    name: row.name,
    addresses: [addressOf('pg_operator', row.oid)],
    statements: [`CREATE OPERATOR ${row.symbol} (\n    ${row.parameters}\n)`],
    ownership: `ALTER OPERATOR ${row.name} OWNER TO ${row.owner}`,
  }))
}

/** Casts that a user made: at least one of their types, or the function, is the user's. */
export async function readCasts(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<{ oid: number; name: string; how: string; context: string }[]>`
    select c.oid,
      format('(%s AS %s)', format_type(c.castsource, null), format_type(c.casttarget, null)) as name,
      case c.castmethod when 'b' then 'WITHOUT FUNCTION' when 'i' then 'WITH INOUT'
        else (select format('WITH FUNCTION %I.%I(%s)', n.nspname, p.proname,
            pg_get_function_identity_arguments(p.oid))
          from pg_proc p join pg_namespace n on n.oid = p.pronamespace
          where p.oid = c.castfunc) end as how,
      case c.castcontext when 'a' then ' AS ASSIGNMENT' when 'i' then ' AS IMPLICIT' else '' end
        as context
    from pg_cast c
    where c.oid >= 16384 and ${isNoMember(catalog, 'pg_cast', sql`c.oid`)}
      and ${isNoPart(catalog, 'pg_cast', sql`c.oid`)}`
  return rows.map((row) => ({
    kind: 'cast',
    name: row.name,
    addresses: [addressOf('pg_cast', row.oid)],
    statements: [`CREATE CAST ${row.name} ${row.how}${row.context}`],
  }))
}

/** Conversions between encodings. */
export async function readConversions(catalog: Catalog): Promise<SchemaObject[]> {
  const { sql } = catalog
  const rows = await sql<(RoutineRow & { definition: string; is_default: boolean })[]>`
    select c.oid, format('%I.%I', n.nspname, c.conname) as name,
      quote_ident(pg_get_userbyid(c.conowner)) as owner, c.condefault as is_default,
      format('FOR %L TO %L FROM %I.%I', pg_encoding_to_char(c.conforencoding),
        pg_encoding_to_char(c.contoencoding), fn.nspname, f.proname) as definition
    from pg_conversion c join pg_namespace n on n.oid = c.connamespace
      join pg_proc f on f.oid = c.conproc join pg_namespace fn on fn.oid = f.pronamespace
    where ${isUserSchema(catalog, sql`n.nspname`)}
      and ${isNoMember(catalog, 'pg_conversion', sql`c.oid`)}`
  return rows.map((row) => ({
    kind: 'conversion',
    name: row.name,
    addresses: [addressOf('pg_conversion', row.oid)],
    statements: [
      `CREATE ${row.is_default ? 'DEFAULT ' : ''}CONVERSION ${row.name} ${row.definition}`,
    ],
    ownership: `ALTER CONVERSION ${row.name} OWNER TO ${row.owner}`,
  }))
}
