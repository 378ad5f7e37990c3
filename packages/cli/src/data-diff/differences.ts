import type { ChangeKind, RowChange } from './row-change.ts'
import type { Session, TextRow } from './session.ts'
import { columnList, type TablePlan } from './tables.ts'

/**
 * In which rows two tables differ, at the cost of reading each once and of what differs.
 *
 * Rows fall into buckets by a hash of their key. Each side answers how many rows a bucket has and the sum
 * of hashes of all that is in them. Only of buckets where these differ the rows are read, as keys and
 * hashes, in the order of the keys' hashes: an order that both sides and we agree on, whatever the types
 * and collations of the keys are. So little travels and nothing is held but some rows of each side.
 * Where rows have no key, the hash of the whole row is in its place, and equal rows are counted.
 *
 * Rejected: an ordered merge of all rows, which moves every one of them (`npm run bench:diff`), and sums
 * over ranges of keys that are divided further and further: to find a row's range takes longer than to
 * hash the row.
 *
 * Hashes have 64 bits: a change is missed once in 2^64, unless somebody makes one to be missed.
 */
export async function* findDifferences(
  base: Session,
  branch: Session,
  table: TablePlan,
): AsyncGenerator<RowChange> {
  const mask = bucketsFor(table) - 1
  const buckets = await differingBuckets(base, branch, table, mask)
  if (buckets.length === 0) return
  const text = rowsOf(table, buckets, mask)
  const [left, right] = [new Groups(base, text), new Groups(branch, text)]
  for (;;) {
    if (!left.isReady || !right.isReady) await Promise.all([left.fetch(), right.fetch()])
    const [a, b] = [left.hash, right.hash]
    if (a === undefined && b === undefined) return
    const isBefore = a !== undefined && (b === undefined || a <= b)
    const before = isBefore ? left.take() : []
    const after = !isBefore || a === b ? right.take() : []
    if (isSameRow(before, after)) continue
    yield* table.key === undefined ? compareCounts(before, after) : compareRows(before, after)
  }
}

/** What most rows are, where only some differ: there once on both sides, and the same. */
const isSameRow = (before: readonly TextRow[], after: readonly TextRow[]): boolean =>
  before.length === 1 &&
  after.length === 1 &&
  before[0]?.every((value, index) => value === after[0]?.[index]) === true

/** Of a table that is not huge; the sums of a bucket are about as large as what is read of a row. */
const rowsPerBucket = 64

/** The sums of so many are some megabytes on their way. */
const maxBuckets = 65_536

/** A power of two. */
const bucketsFor = ({ rowsAbout }: TablePlan): number =>
  Math.min(maxBuckets, 2 ** Math.ceil(Math.log2(1 + rowsAbout / rowsPerBucket)))

/** Rows that travel at once. */
const fetchRows = 5000

/** Of the text of the row, so that whatever there is to be seen of it counts. */
export const rowHash = ({ columns }: TablePlan): string =>
  `hashtextextended(row(${columnList(columns)})::text collate "C", 0)`

/** What a row is found by: its key's hash, or its own. */
export const identityHash = (table: TablePlan): string =>
  table.key === undefined
    ? rowHash(table)
    : `hashtextextended(row(${columnList(table.key)})::text collate "C", 0)`

/** The buckets, by number, in which the two sides are not the same. */
async function differingBuckets(
  base: Session,
  branch: Session,
  table: TablePlan,
  mask: number,
): Promise<string[]> {
  const text = `
    select ${identityHash(table)} & ${mask}, count(*) || ' ' || sum(${rowHash(table)})
    from ${table.from} group by 1`
  const read = async (session: Session) =>
    new Map((await session.query(text)).map(([bucket, sum]) => [bucket ?? '', sum]))
  const [left, right] = await Promise.all([read(base), read(branch)])
  const all = new Set([...left.keys(), ...right.keys()])
  return [...all].filter((bucket) => left.get(bucket) !== right.get(bucket))
}

/** The rows of some buckets: each with its identity's hash, then its key and its hash, or its count. */
function rowsOf(table: TablePlan, wanted: readonly string[], mask: number): string {
  const identity = identityHash(table)
  // Looking into each of many lists takes longer than a row that is read for nothing.
  const isMost = wanted.length > mask / 2
  const where = isMost ? '' : ` where ${identity} & ${mask} in (${wanted.join(', ')})`
  return table.key === undefined
    ? `select ${identity}, count(*) from ${table.from}${where} group by 1 order by 1`
    : `select ${identity}, ${columnList(table.key)}, ${rowHash(table)} from ${table.from}${where} order by 1`
}

/** Of rows with one hash of their keys, which nearly always is one row. */
function* compareRows(before: readonly TextRow[], after: readonly TextRow[]): Generator<RowChange> {
  const rest = new Map(before.map((row) => [keyOf(row), row]))
  for (const row of after) {
    const old = rest.get(keyOf(row))
    rest.delete(keyOf(row))
    if (old === undefined) yield change('added', row)
    else if (old.at(-1) !== row.at(-1)) yield change('changed', row)
  }
  for (const row of rest.values()) yield change('removed', row)
}

const keyOf = (row: TextRow): string => JSON.stringify(row.slice(1, -1))

const change = (kind: ChangeKind, row: TextRow): RowChange => ({ kind, key: row.slice(1, -1) })

function* compareCounts(
  before: readonly TextRow[],
  after: readonly TextRow[],
): Generator<RowChange> {
  const more = Number(after[0]?.[1] ?? 0) - Number(before[0]?.[1] ?? 0)
  const hash = (after[0] ?? before[0])?.[0] ?? null
  for (let times = Math.abs(more); times > 0; times--) {
    yield { kind: more > 0 ? 'added' : 'removed', key: [hash] }
  }
}

/** The rows of a query in groups of one hash, which is their first column and in ascending order. */
class Groups {
  readonly #session: Session
  readonly #text: string
  /** What was fetched and not taken, from `#next` on. */
  #rows: TextRow[] = []
  #next = 0
  #state: 'closed' | 'open' | 'done' = 'closed'

  constructor(session: Session, text: string) {
    this.#session = session
    this.#text = text
  }

  /** Whether the next group is here and whole, or there is none. */
  get isReady(): boolean {
    const next = this.#rows[this.#next]
    return this.#state === 'done' || (next !== undefined && this.#rows.at(-1)?.[0] !== next[0])
  }

  /** Of the next group. */
  get hash(): bigint | undefined {
    const hash = this.#rows[this.#next]?.[0]
    return hash === undefined || hash === null ? undefined : BigInt(hash)
  }

  take(): TextRow[] {
    const start = this.#next
    const hash = this.#rows[start]?.[0]
    while (this.#next < this.#rows.length && this.#rows[this.#next]?.[0] === hash) this.#next += 1
    return this.#rows.slice(start, this.#next)
  }

  /** Until the next group is ready. */
  async fetch(): Promise<void> {
    while (!this.isReady) {
      if (this.#state === 'closed') {
        await this.#session.query(`declare differing no scroll cursor for ${this.#text}`)
        this.#state = 'open'
      }
      const more = await this.#session.query(`fetch ${fetchRows} from differing`)
      this.#rows = [...this.#rows.slice(this.#next), ...more]
      this.#next = 0
      if (more.length > 0) continue
      await this.#session.query('close differing')
      this.#state = 'done'
    }
  }
}
