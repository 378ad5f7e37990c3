import type { QueryLine } from '@coppice/api'
import { ApiError } from '@coppice/api/client'
import { queryOptions } from '@tanstack/react-query'

import { type QueryPlace, runOn } from './run-on.ts'

export interface CatalogColumn {
  name: string
  type: string
}

export interface CatalogTable {
  schema: string
  name: string
  /** Of `table_id` in results. */
  oid: number
  columns: readonly CatalogColumn[]
}

export interface CatalogFunction {
  schema: string
  name: string
  /** As it is declared: `text, integer`. */
  arguments: string
}

/** What a database has, for completion. */
export interface Catalog {
  tables: readonly CatalogTable[]
  functions: readonly CatalogFunction[]
}

/**
 * Tables and views with their columns, those of users first, and functions that somebody may want to
 * call: not those behind operators, casts and indexes. Bounded, as completion is for people.
 */
const catalogSql = `
select n.nspname, c.relname, c.oid::int8, coalesce((
    select json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod)) order by a.attnum)
    from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
  and n.nspname !~ '^pg_(toast|temp)' and has_schema_privilege(n.oid, 'usage')
order by n.nspname in ('pg_catalog', 'information_schema'), n.nspname, c.relname limit 3000;
select n.nspname, p.proname, min(pg_get_function_identity_arguments(p.oid))
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where has_schema_privilege(n.oid, 'usage') and n.nspname !~ '^pg_(toast|temp)'
  and 'internal'::regtype <> all (p.proargtypes)
  and p.prorettype not in ('internal'::regtype, 'trigger'::regtype, 'event_trigger'::regtype)
  and not exists (select from pg_operator o where o.oprcode = p.oid)
  and not exists (select from pg_cast k where k.castfunc = p.oid)
  and not exists (select from pg_type t where p.oid in (t.typinput, t.typoutput, t.typreceive, t.typsend))
group by n.nspname, p.proname
order by n.nspname in ('pg_catalog', 'information_schema'), n.nspname, p.proname limit 3000`

/**
 * Wakes the branch, so it is asked for when somebody works on it, and again only by `refetch`: whatever
 * else of the console is read anew does not wake anything.
 */
export const catalogQuery = ({ projectId, branchId, request }: QueryPlace) =>
  queryOptions({
    queryKey: [
      'sql-catalog',
      projectId,
      branchId,
      request.db_name,
      request.role_name,
      request.timestamp,
    ],
    queryFn: async ({ signal }) => {
      const reading = { ...request, read_only: true }
      return readCatalog(await runOn({ projectId, branchId, request: reading }, catalogSql, signal))
    },
    staleTime: 'static',
    retry: false,
  })

async function readCatalog(lines: AsyncIterable<QueryLine>): Promise<Catalog> {
  const tables: CatalogTable[] = []
  const functions: CatalogFunction[] = []
  for await (const line of lines) {
    if (line.type === 'error') throw new ApiError(422, line)
    if (line.type !== 'rows') continue
    for (const [schema, name, ...rest] of line.rows) {
      if (typeof schema !== 'string' || typeof name !== 'string') continue
      const [first, second] = rest
      if (line.statement === 1) functions.push({ schema, name, arguments: first ?? '' })
      else tables.push({ schema, name, oid: Number(first), columns: readColumns(second) })
    }
  }
  return { tables, functions }
}

const readColumns = (json: string | null | undefined): CatalogColumn[] =>
  (JSON.parse(json ?? '[]') as Array<[string, string]>).map(([name, type]) => ({ name, type }))
