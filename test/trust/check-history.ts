import { type Edge, type EdgeKind, edgesFrom, findCycle, stronglyConnected } from './cycles.ts'

/**
 * What clients have seen of lists that they append to and read, judged as Elle does (Kingsbury and
 * Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations", VLDB 2020): since each
 * value is appended once, a list tells the order of its writers, and from that order follows which
 * transaction came before which. A cycle of these is an anomaly (Adya, "Weak Consistency", 1999).
 */
export interface Transaction {
  id: number
  steps: Step[]
  /** `unknown`: its client was told neither. It counts as committed where somebody has seen what it wrote. */
  outcome: 'committed' | 'aborted' | 'unknown'
}

/** `values` is the whole list, the transaction's own appends included. A value is appended once ever. */
export type Step =
  | { kind: 'append'; key: number; value: number }
  | { kind: 'read'; key: number; values: readonly number[] }

/** `snapshot` allows what PostgreSQL's REPEATABLE READ does: write skew (G2). */
export type Isolation = 'read committed' | 'snapshot' | 'serializable'

export interface Anomaly {
  /** Adya's names; `order` for reads of a list that do not fit, `internal` for a transaction that does not see its own. */
  kind: 'G0' | 'G1a' | 'G1b' | 'G1c' | 'G-single' | 'G2' | 'garbage' | 'order' | 'internal'
  detail: string
}

interface Write {
  by: Transaction
  /** Of its transaction on that key. */
  isLast: boolean
}

export function checkHistory(history: readonly Transaction[], isolation: Isolation): Anomaly[] {
  const writes = indexWrites(history)
  const seen = new Set(history.filter(isCommitted).flatMap(valuesRead))
  const counted = history.filter(
    (one) => isCommitted(one) || (one.outcome === 'unknown' && valuesWritten(one).some(isIn(seen))),
  )
  const orders = findOrders(counted)
  const edges = findEdges(counted, orders, writes)
  return [
    ...counted.flatMap((one) => checkReads(one, orders, writes)),
    ...(isolation === 'read committed' ? [] : counted.flatMap(checkInternal)),
    ...checkCycles(edges, isolation),
  ]
}

const isCommitted = ({ outcome }: Transaction): boolean => outcome === 'committed'

const isIn =
  <T>(set: ReadonlySet<T>) =>
  (value: T): boolean =>
    set.has(value)

export const valuesWritten = ({ steps }: Transaction): number[] =>
  steps.flatMap((step) => (step.kind === 'append' ? [step.value] : []))

const valuesRead = ({ steps }: Transaction): number[] =>
  steps.flatMap((step) => (step.kind === 'read' ? step.values : []))

function indexWrites(history: readonly Transaction[]): Map<number, Write> {
  const writes = new Map<number, Write>()
  for (const by of history) {
    const last = new Map<number, number>()
    for (const step of by.steps) if (step.kind === 'append') last.set(step.key, step.value)
    for (const step of by.steps) {
      if (step.kind !== 'append') continue
      if (writes.has(step.value)) throw new Error(`${step.value} is appended twice`)
      writes.set(step.value, { by, isLast: last.get(step.key) === step.value })
    }
  }
  return writes
}

/** Of each list the longest that anybody has read: the order of its writers. */
function findOrders(history: readonly Transaction[]): Map<number, readonly number[]> {
  const orders = new Map<number, readonly number[]>()
  for (const { steps } of history) {
    for (const step of steps) {
      if (step.kind !== 'read') continue
      const known = orders.get(step.key) ?? []
      if (step.values.length >= known.length) orders.set(step.key, step.values)
    }
  }
  return orders
}

function checkReads(
  reader: Transaction,
  orders: ReadonlyMap<number, readonly number[]>,
  writes: ReadonlyMap<number, Write>,
): Anomaly[] {
  const found: Anomaly[] = []
  const report = (kind: Anomaly['kind'], detail: string): void => {
    found.push({ kind, detail: `transaction ${reader.id} ${detail}` })
  }
  for (const step of reader.steps) {
    if (step.kind !== 'read') continue
    const { key, values } = step
    if (new Set(values).size < values.length) report('order', `read a value of ${key} twice`)
    const order = orders.get(key) ?? []
    if (values.some((value, index) => order[index] !== value)) {
      report('order', `read ${key} as [${values.join()}], another as [${order.join()}]`)
    }
    for (const value of values) {
      const write = writes.get(value)
      if (write === undefined) report('garbage', `read ${value} of ${key}, which nobody wrote`)
      else if (write.by.outcome === 'aborted') {
        report('G1a', `read ${value} of ${key}, which aborted ${write.by.id} wrote`)
      }
    }
    const last = writes.get(values.at(-1) ?? NaN)
    if (last && last.by !== reader && !last.isLast) {
      report('G1b', `read ${key} in the middle of transaction ${last.by.id}`)
    }
  }
  return found
}

/** What it has read of a list it reads again, with what it has appended since. */
function checkInternal({ id, steps }: Transaction): Anomaly[] {
  const found: Anomaly[] = []
  const expected = new Map<number, number[]>()
  const appended = new Map<number, number[]>()
  for (const { key, ...step } of steps) {
    if (step.kind === 'append') {
      expected.get(key)?.push(step.value)
      appended.set(key, [...(appended.get(key) ?? []), step.value])
      continue
    }
    const known = expected.get(key)
    const own = appended.get(key) ?? []
    const isAsKnown = known === undefined || known.join() === step.values.join()
    const hasOwn = own.length === 0 || step.values.slice(-own.length).join() === own.join()
    if (!isAsKnown || !hasOwn) {
      const wanted = known ?? ['…', ...own]
      const detail = `transaction ${id} read ${key} as [${step.values.join()}] instead of [${wanted.join()}]`
      found.push({ kind: 'internal', detail })
    }
    expected.set(key, [...step.values])
  }
  return found
}

function findEdges(
  history: readonly Transaction[],
  orders: ReadonlyMap<number, readonly number[]>,
  writes: ReadonlyMap<number, Write>,
): Edge[] {
  const edges: Edge[] = []
  const add = (kind: EdgeKind, key: number, from?: Transaction, to?: Transaction): void => {
    if (from && to && from !== to) edges.push({ kind, key, from: from.id, to: to.id })
  }
  const writer = (value: number | undefined): Transaction | undefined =>
    value === undefined ? undefined : writes.get(value)?.by
  for (const [key, order] of orders) {
    for (const [index, value] of order.entries()) {
      add('ww', key, writer(order[index - 1]), writer(value))
    }
  }
  for (const reader of history) {
    for (const step of reader.steps) {
      if (step.kind !== 'read') continue
      // Its own appends say nothing of others.
      let count = step.values.length
      while (count > 0 && writer(step.values[count - 1]) === reader) count -= 1
      add('wr', step.key, writer(step.values[count - 1]), reader)
      add('rw', step.key, reader, writer(orders.get(step.key)?.[count]))
    }
  }
  return edges
}

function checkCycles(edges: readonly Edge[], isolation: Isolation): Anomaly[] {
  const among = (kinds: readonly EdgeKind[]): Edge[] =>
    edges.filter(({ kind }) => kinds.includes(kind))
  const ww = findAll('G0', among(['ww']))
  const wr = findAll('G1c', among(['ww', 'wr']))
  const found = [...ww, ...(ww.length > 0 ? [] : wr)]
  if (found.length > 0 || isolation === 'read committed') return found
  const single = findSingle(edges, among(['ww', 'wr']))
  if (single.length > 0 || isolation === 'snapshot') return single
  return findAll('G2', edges)
}

/** One cycle of each knot. */
function findAll(kind: Anomaly['kind'], edges: readonly Edge[]): Anomaly[] {
  return stronglyConnected(edges).map((knot) => {
    const inside = edges.filter(({ from, to }) => knot.has(from) && knot.has(to))
    const [first] = inside
    const cycle = first && findCycle(first, edgesFrom(inside))
    return { kind, detail: describe(cycle ?? inside) }
  })
}

/** With exactly one transaction that did not see what came before it in another way: a snapshot has none. */
function findSingle(edges: readonly Edge[], dependencies: readonly Edge[]): Anomaly[] {
  const knots = stronglyConnected(edges)
  return knots.flatMap((knot) => {
    const inside = (edge: Edge): boolean => knot.has(edge.from) && knot.has(edge.to)
    const within = edgesFrom(dependencies.filter(inside))
    for (const edge of edges.filter((one) => one.kind === 'rw' && inside(one))) {
      const cycle = findCycle(edge, within)
      if (cycle) return [{ kind: 'G-single' as const, detail: describe(cycle) }]
    }
    return []
  })
}

const describe = (cycle: readonly Edge[]): string =>
  cycle.map(({ kind, key, from, to }) => `${from} -${kind} of ${key}-> ${to}`).join(', ')
