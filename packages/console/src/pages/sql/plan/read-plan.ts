/** A node as `EXPLAIN (FORMAT JSON)` writes it; which fields there are depends on its kind. */
export type PlanFields = Readonly<Record<string, unknown>>

export interface PlanNode {
  /** In the order of EXPLAIN, from 0. */
  id: number
  /** `Hash Join`, `Parallel Seq Scan`. */
  name: string
  /** What it works on: `on orders o using orders_pkey`. */
  target: string
  /** How its parent uses it, where that is special: `InitPlan 1`, `CTE x`. */
  role: string
  fields: PlanFields
  children: readonly PlanNode[]
  /** Rows that come out, in all its loops; of a plan that was not run what is expected. */
  rows: number
  estimatedRows: number
  /** Undefined where it was not run. */
  timeMs: number | undefined
  /** Without that of its children, in milliseconds or, not run, in units of cost. */
  own: number
  /** Of what the whole plan takes, from 0 to 1. */
  share: number
  warnings: readonly string[]
}

export interface Plan {
  root: PlanNode
  /** All nodes, the root first. */
  nodes: readonly PlanNode[]
  wasRun: boolean
  planningMs: number | undefined
  executionMs: number | undefined
  triggers: readonly PlanFields[]
  /** As PostgreSQL wrote it. */
  json: string
}

const isFields = (value: unknown): value is PlanFields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const numberOf = (fields: PlanFields, name: string): number | undefined => {
  const value = fields[name]
  return typeof value === 'number' ? value : undefined
}
export const textOf = (fields: PlanFields, name: string): string | undefined => {
  const value = fields[name]
  return typeof value === 'string' ? value : undefined
}
export const childrenOf = (fields: PlanFields): readonly PlanFields[] => {
  const plans = fields['Plans']
  return Array.isArray(plans) ? plans.filter(isFields) : []
}

/** Undefined where the text is no plan. */
export function readPlan(json: string): Plan | undefined {
  const parsed: unknown = parse(json)
  const top: unknown = Array.isArray(parsed) ? parsed[0] : undefined
  const root = isFields(top) ? top['Plan'] : undefined
  if (!isFields(top) || !isFields(root)) return undefined
  const wasRun = numberOf(root, 'Actual Loops') !== undefined
  const draft = draftOf(root, wasRun, 1, { next: 0 })
  const whole = Math.max(draft.total, 1e-9)
  const nodes: PlanNode[] = []
  const tree = finish(draft, whole, wasRun, nodes)
  const triggers = top['Triggers']
  return {
    root: tree,
    nodes: nodes.toSorted((a, b) => a.id - b.id),
    wasRun,
    planningMs: numberOf(top, 'Planning Time'),
    executionMs: numberOf(top, 'Execution Time'),
    triggers: Array.isArray(triggers) ? triggers.filter(isFields) : [],
    json,
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

interface Draft {
  id: number
  fields: PlanFields
  /** In milliseconds as a clock shows them, or in units of cost. */
  total: number
  children: Draft[]
}

/**
 * Times are per loop. Loops of workers run beside each other, so below a Gather a node's time is that of
 * all its loops over the number of processes (manual, "Using EXPLAIN").
 */
function draftOf(
  fields: PlanFields,
  wasRun: boolean,
  processes: number,
  ids: { next: number },
): Draft {
  const id = ids.next
  ids.next += 1
  const loops = numberOf(fields, 'Actual Loops') ?? 1
  const time = numberOf(fields, 'Actual Total Time') ?? 0
  const shared = fields['Parallel Aware'] === true || processes > 1 ? Math.min(processes, loops) : 1
  const launched = numberOf(fields, 'Workers Launched')
  const below = launched === undefined ? processes : launched + 1
  return {
    id,
    fields,
    total: wasRun ? (time * loops) / Math.max(1, shared) : (numberOf(fields, 'Total Cost') ?? 0),
    children: childrenOf(fields).map((child) => draftOf(child, wasRun, below, ids)),
  }
}

function finish(draft: Draft, whole: number, wasRun: boolean, nodes: PlanNode[]): PlanNode {
  const { id, fields, total } = draft
  const children = draft.children.map((child) => finish(child, whole, wasRun, nodes))
  const below = draft.children.reduce((sum, child) => sum + child.total, 0)
  const own = Math.max(0, total - below)
  const loops = numberOf(fields, 'Actual Loops') ?? 1
  const estimatedRows = numberOf(fields, 'Plan Rows') ?? 0
  const node: PlanNode = {
    id,
    name: nameOf(fields),
    target: targetOf(fields),
    role: roleOf(fields),
    fields,
    children,
    rows: wasRun ? Math.round((numberOf(fields, 'Actual Rows') ?? 0) * loops) : estimatedRows,
    estimatedRows: wasRun ? Math.round(estimatedRows * Math.max(1, loops)) : estimatedRows,
    timeMs: wasRun ? total : undefined,
    own,
    share: Math.min(1, own / whole),
    warnings: warningsOf(fields, wasRun),
  }
  nodes.push(node)
  return node
}

/** As the text form names it: `Parallel Seq Scan`, `Hash Left Join`, `Partial HashAggregate`. */
function nameOf(fields: PlanFields): string {
  const type = textOf(fields, 'Node Type') ?? 'Node'
  const join = textOf(fields, 'Join Type') ?? 'Inner'
  const strategy = textOf(fields, 'Strategy') ?? 'Plain'
  const partial = textOf(fields, 'Partial Mode') ?? 'Simple'
  let name = type
  if (type === 'ModifyTable') name = textOf(fields, 'Operation') ?? type
  else if (type === 'Aggregate')
    name =
      { Hashed: 'HashAggregate', Sorted: 'GroupAggregate', Mixed: 'MixedAggregate' }[strategy] ??
      type
  else if (type === 'SetOp' && strategy === 'Hashed') name = 'HashSetOp'
  else if (join !== 'Inner')
    name = type === 'Nested Loop' ? `${type} ${join} Join` : type.replace(/ Join$/, ` ${join} Join`)
  if (textOf(fields, 'Scan Direction') === 'Backward') name += ' Backward'
  if (partial !== 'Simple') name = `${partial} ${name}`
  return fields['Parallel Aware'] === true ? `Parallel ${name}` : name
}

function targetOf(fields: PlanFields): string {
  const relation = textOf(fields, 'Relation Name')
  const alias = textOf(fields, 'Alias')
  const index = textOf(fields, 'Index Name')
  const what =
    relation ??
    textOf(fields, 'Function Name') ??
    textOf(fields, 'CTE Name') ??
    textOf(fields, 'Tuplestore Name')
  const parts: string[] = []
  if (index !== undefined) parts.push(relation === undefined ? `on ${index}` : `using ${index}`)
  if (what !== undefined) parts.push(`on ${what}`)
  else if (alias !== undefined) parts.push(`on ${alias}`)
  if (what !== undefined && alias !== undefined && alias !== what) parts.push(alias)
  return parts.join(' ')
}

function roleOf(fields: PlanFields): string {
  const subplan = textOf(fields, 'Subplan Name')
  if (subplan !== undefined) return subplan
  const relationship = textOf(fields, 'Parent Relationship')
  return relationship === 'InitPlan' || relationship === 'SubPlan' ? relationship : ''
}

/** From there on an estimate has misled the planner. */
const misjudgedFactor = 10
/** Of fewer rows it does not matter. */
const misjudgedRows = 100
const largeTableRows = 10_000
/** Where a filter throws away that many for each that it keeps. */
const wastefulFactor = 10

function warningsOf(fields: PlanFields, wasRun: boolean): string[] {
  const warnings: string[] = []
  const estimated = numberOf(fields, 'Plan Rows') ?? 0
  const loops = numberOf(fields, 'Actual Loops') ?? 0
  if (wasRun && loops > 0) {
    const actual = numberOf(fields, 'Actual Rows') ?? 0
    const factor = Math.max(actual, estimated) / Math.max(1, Math.min(actual, estimated))
    if (factor >= misjudgedFactor && Math.max(actual, estimated) * loops >= misjudgedRows) {
      const more = actual > estimated ? 'more' : 'fewer'
      warnings.push(
        `${formatCount(factor)} times ${more} rows than estimated: ANALYZE the table, or add statistics`,
      )
    }
    const dropped = numberOf(fields, 'Rows Removed by Filter') ?? 0
    const read = (actual + dropped) * loops
    const isScan = textOf(fields, 'Node Type') === 'Seq Scan'
    if (isScan && read >= largeTableRows && dropped >= actual * wastefulFactor) {
      warnings.push(
        `reads ${formatCount(read)} rows to keep ${formatCount(actual * loops)}: an index may help`,
      )
    }
  } else if (!wasRun && isFilteredScan(fields)) {
    warnings.push('reads the whole of a large table to keep few rows: an index may help')
  }
  return [...warnings, ...spillsOf(fields)]
}

/** Not run, a plan does not say how large a table is; what it costs does. */
const expensiveCost = 2000
const isFilteredScan = (fields: PlanFields): boolean =>
  textOf(fields, 'Node Type') === 'Seq Scan' &&
  fields['Filter'] !== undefined &&
  (numberOf(fields, 'Total Cost') ?? 0) > expensiveCost &&
  (numberOf(fields, 'Plan Rows') ?? 0) < largeTableRows

function spillsOf(fields: PlanFields): string[] {
  const spills: string[] = []
  const advice = 'more work_mem would keep it in memory'
  if (textOf(fields, 'Sort Space Type') === 'Disk') {
    spills.push(
      `sorts ${formatCount(numberOf(fields, 'Sort Space Used') ?? 0)} kB on disk: ${advice}`,
    )
  }
  const batches = numberOf(fields, 'Hash Batches') ?? numberOf(fields, 'HashAgg Batches') ?? 1
  const disk = numberOf(fields, 'Disk Usage') ?? 0
  if (batches > 1) spills.push(`hashes in ${formatCount(batches)} batches on disk: ${advice}`)
  else if (disk > 0) spills.push(`uses ${formatCount(disk)} kB on disk: ${advice}`)
  if ((numberOf(fields, 'Lossy Heap Blocks') ?? 0) > 0) {
    spills.push(
      'its bitmap keeps pages and not rows, which are checked anew: more work_mem would keep rows',
    )
  }
  return spills
}

/** `1,234`, `12.3 million`. */
export function formatCount(value: number): string {
  if (value >= 10_000_000) return `${Math.round(value / 1_000_000).toLocaleString('en')} million`
  if (value >= 1_000_000) return `${(value / 1_000_000).toFixed(1)} million`
  return Math.round(value).toLocaleString('en')
}
