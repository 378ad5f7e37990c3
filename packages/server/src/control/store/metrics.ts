import {
  computeFigures,
  type ComputeFigures,
  type ComputeSample,
  type Figure,
  platformFigures,
  type PlatformFigures,
  type PlatformSample,
} from '@coppice/api'

import type { Queryable } from './store.ts'

/** How long samples are kept. */
export const sampleRetentionMs = 14 * 86_400_000

/** Older ones are joined to one for each step. */
const tiers = [
  { tier: 1, stepSeconds: 60, after: '6 hours' },
  { tier: 2, stepSeconds: 600, after: '2 days' },
] as const

/** The shortest step in which all of what is as old as this is kept, in seconds. */
export function keptStepSeconds(ageMs: number): number {
  if (ageMs > 47 * 3_600_000) return 600
  return ageMs > 5 * 3_600_000 ? 60 : 15
}

const tables = {
  compute_samples: { key: ['endpoint_id'], figures: computeFigures },
  platform_samples: { key: [], figures: platformFigures },
} as const satisfies Record<string, { key: string[]; figures: Record<string, Figure> }>
type Table = keyof typeof tables

/** A statement takes 65,535 parameters. */
const rowsAtOnce = 1000

export type NewComputeSample = ComputeFigures & { endpoint_id: string }

/** Samples that were taken at `at`, one for a compute. */
export async function recordComputeSamples(
  sql: Queryable,
  at: Date,
  samples: readonly NewComputeSample[],
): Promise<void> {
  for (let first = 0; first < samples.length; first += rowsAtOnce) {
    const rows = samples.slice(first, first + rowsAtOnce).map((one) => ({ ...one, at, tier: 0 }))
    await sql`insert into compute_samples ${sql(rows)} on conflict do nothing`
  }
}

export async function recordPlatformSample(
  sql: Queryable,
  at: Date,
  sample: PlatformFigures,
): Promise<void> {
  await sql`insert into platform_samples ${sql({ ...sample, at, tier: 0 })} on conflict do nothing`
}

export interface SampleRange {
  from: Date
  to: Date
  stepSeconds: number
}

/** Joined by steps that are counted from `from`; oldest first, steps without samples left out. */
export async function readComputeSamples(
  sql: Queryable,
  endpointIds: readonly string[],
  range: SampleRange,
): Promise<(ComputeSample & { endpoint_id: string })[]> {
  return sql`
    select endpoint_id, ${stepOf(sql, range)}, ${joined(sql, 'compute_samples')}
    from compute_samples
    where endpoint_id = any (${endpointIds}) and at >= ${range.from} and at < ${range.to}
    group by 1, 2 order by 1, 2`
}

export async function readPlatformSamples(
  sql: Queryable,
  range: SampleRange,
): Promise<PlatformSample[]> {
  return sql`
    select ${stepOf(sql, range)}, ${joined(sql, 'platform_samples')}
    from platform_samples
    where at >= ${range.from} and at < ${range.to}
    group by 1 order by 1`
}

/** In RFC 3339, to milliseconds; sorts as time does. */
const stepOf = (sql: Queryable, { from, stepSeconds }: SampleRange) => sql`
  to_char(date_bin(make_interval(secs => ${stepSeconds}), at, ${from}) at time zone 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at`

/** Each figure of several rows, by its kind; summed in double precision. */
function joined(sql: Queryable, table: Table) {
  const list = Object.entries(tables[table].figures).map(([name, { kind }]) =>
    kind === 'sum' ? `sum(${name}::float8) as ${name}` : `max(${name})::float8 as ${name}`,
  )
  return sql.unsafe(list.join(', '))
}

/** Joins what is old to longer steps, and forgets what is older than `sampleRetentionMs`. */
export async function thinSamples(sql: Queryable): Promise<void> {
  for (const [table, { key }] of Object.entries(tables) as [Table, (typeof tables)[Table]][]) {
    const name = sql(table)
    await sql`delete from ${name}
      where tier in (0, 1, 2) and at < now() - make_interval(secs => ${sampleRetentionMs / 1000})`
    for (const { tier, stepSeconds, after } of tiers) {
      const step = sql`make_interval(secs => ${stepSeconds})`
      const origin = sql`timestamptz '2000-01-01 00:00:00Z'`
      const keys = sql.unsafe([...key, ''].join(', '))
      const figures = sql.unsafe(Object.keys(tables[table].figures).join(', '))
      // Whole steps only: the rest of one would find the place of its first part taken.
      await sql`
        with old as (
          delete from ${name}
          where tier = ${tier - 1} and at < date_bin(${step}, now() - ${after}::interval, ${origin})
          returning *
        )
        insert into ${name} (${keys} at, tier, ${figures})
        select ${keys} date_bin(${step}, at, ${origin}) as step, ${tier}, ${joined(sql, table)}
        from old group by ${keys} step
        on conflict do nothing`
    }
  }
}

/** Where a compute belongs, as people call it. */
export interface EndpointPlace {
  endpoint_id: string
  type: string
  branch_id: string
  branch: string
  project_id: string
  project: string
}

export async function findPlaces(
  sql: Queryable,
  endpointIds: readonly string[],
): Promise<EndpointPlace[]> {
  return sql<EndpointPlace[]>`
    select e.id as endpoint_id, e.type, b.id as branch_id, b.name as branch, p.id as project_id,
      p.name as project
    from endpoints e join branches b on b.id = e.branch_id join projects p on p.id = e.project_id
    where e.id = any (${endpointIds})`
}

/** What the store knows of the platform as a whole. */
export async function countPlatform(
  sql: Queryable,
): Promise<Pick<PlatformFigures, 'projects' | 'branches' | 'store_bytes'>> {
  const [row] = await sql<{ projects: number; branches: number; store_bytes: number }[]>`
    select (select count(*) from projects where deleted_at is null) as projects,
      (select count(*) from branches b join projects p on p.id = b.project_id
        where b.deleted_at is null and b.ready_at is not null and b.snapshot_id is null
          and p.deleted_at is null) as branches,
      pg_database_size(current_database()) as store_bytes`
  return row ?? { projects: 0, branches: 0, store_bytes: 0 }
}
