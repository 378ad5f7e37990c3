import { type Lsn, renderLsn } from '../../../lib/lsn.ts'

/**
 * What a branch must hold at a moment, known outside of any database.
 *
 * Every transaction on a line is recorded with the interval of time and of the WAL in which it was
 * committed. For a moment before the interval it must not be there, for one after it must, within it
 * either is right. A line that began as a copy of another holds its `base`, which was read when it was
 * made and compared with the other line then, and its own transactions.
 */
export type Target = { kind: 'time'; us: number } | { kind: 'lsn'; lsn: Lsn }

/** From just before to just after the commit; an end that is not known may come at any time. */
export interface Interval {
  fromUs: number
  toUs: number
  fromLsn: Lsn
  toLsn: Lsn | undefined
}

export interface Prepared {
  prepared: Interval
  /** How it ended, where it did. */
  finished: Interval | undefined
}

export interface Held {
  ids: ReadonlySet<number>
  prepared: ReadonlySet<string>
}

export class LedgerLine {
  readonly volumeId: string
  readonly commits = new Map<number, Interval>()
  readonly prepared = new Map<string, Prepared>()
  /** Its data is gone: what came before others left it cannot be reached any more. */
  isGone = false
  #made:
    | { base: Held; atUs: number; origin: { line: LedgerLine; lsn: Lsn } | undefined }
    | undefined

  constructor(volumeId: string) {
    this.volumeId = volumeId
  }

  /** Whether it is known what it began with. */
  get isMade(): boolean {
    return this.#made !== undefined
  }

  /** `atUs`: nothing was written to it before. */
  make(base: Held, atUs: number, origin: { line: LedgerLine; lsn: Lsn } | undefined): void {
    this.#made ??= { base, atUs, origin }
  }

  get origin(): { line: LedgerLine; lsn: Lsn } | undefined {
    return this.#made?.origin
  }

  get madeUs(): number {
    return this.#made?.atUs ?? Number.POSITIVE_INFINITY
  }

  /** When it was first written to, as far as is known. */
  firstUs(): number {
    const intervals = [
      ...this.commits.values(),
      ...[...this.prepared.values()].map(({ prepared }) => prepared),
    ]
    return intervals.reduce(
      (least, { fromUs }) => Math.min(least, fromUs),
      Number.POSITIVE_INFINITY,
    )
  }

  get base(): Held {
    return this.#made?.base ?? { ids: new Set(), prepared: new Set() }
  }

  /** Itself, the line that it came from, and so on. */
  path(): LedgerLine[] {
    return [this, ...(this.origin?.line.path() ?? [])]
  }

  /** Whether the moment is one of the line itself, and not of one that it came from. */
  owns(target: Target): boolean {
    if (this.origin === undefined) return true
    return target.kind === 'time' ? target.us >= this.madeUs : target.lsn > this.origin.lsn
  }
}

/** The line that a moment is looked for on first, and every one that it may come from. */
export function linesFor(line: LedgerLine, target: Target): LedgerLine[] {
  return line.owns(target) || line.origin === undefined
    ? [line]
    : [line, ...linesFor(line.origin.line, target)]
}

function describePrepared(line: LedgerLine, gid: string): string {
  return line
    .path()
    .map((one, depth) => {
      const known = one.prepared.get(gid)
      const base = one.base.prepared.has(gid) ? ' in its base' : ''
      const own = known ? ` from ${describeInterval(known.prepared)}` : ''
      const end = known?.finished ? ` until ${describeInterval(known.finished)}` : ''
      return ` (${depth} lines back:${base}${own}${end})`
    })
    .join('')
}

function describeInterval({ fromUs, toUs, fromLsn, toLsn }: Interval): string {
  const lsn = toLsn === undefined ? '?' : renderLsn(toLsn)
  return `${renderTime(fromUs)} to ${renderTime(toUs)}, ${renderLsn(fromLsn)} to ${lsn}`
}

type Verdict = 'there' | 'not there' | 'either'

/** What is wrong with what was found on a line at a moment; nothing where all is right. */
export function findFaults(line: LedgerLine, target: Target, found: Held): string[] {
  const faults: string[] = []
  const ids = new Set([...found.ids, ...line.path().flatMap((one) => [...one.commits.keys()])])
  for (const id of ids) {
    const verdict = judgeCommit(line, target, id)
    const isThere = found.ids.has(id)
    if (verdict === 'either' || (verdict === 'there') === isThere) continue
    faults.push(`${id} is ${isThere ? '' : 'not '}there${describe(line, id)}`)
  }
  const gids = new Set([
    ...found.prepared,
    ...line.path().flatMap((one) => [...one.prepared.keys()]),
  ])
  for (const gid of gids) {
    const verdict = judgePrepared(line, target, gid)
    const isThere = found.prepared.has(gid)
    if (verdict === 'either' || (verdict === 'there') === isThere) continue
    faults.push(`${gid} is ${isThere ? '' : 'not '}prepared${describePrepared(line, gid)}`)
  }
  return faults.slice(0, faultsShown)
}

const faultsShown = 8

function describe(line: LedgerLine, id: number): string {
  for (const [depth, one] of line.path().entries()) {
    const found = one.commits.get(id)
    if (found === undefined) continue
    return ` (committed ${describeInterval(found)}, ${depth} lines back)`
  }
  return ' (and was never committed on a line that this one came from)'
}

function judgeCommit(line: LedgerLine, target: Target, id: number): Verdict {
  if (line.owns(target)) {
    if (line.base.ids.has(id)) return 'there'
    const interval = line.commits.get(id)
    return interval === undefined ? 'not there' : judge(interval, target)
  }
  if (!line.base.ids.has(id) || line.origin === undefined) return 'not there'
  return judgeCommit(line.origin.line, target, id)
}

function judgePrepared(line: LedgerLine, target: Target, gid: string): Verdict {
  if (!line.owns(target)) {
    if (line.origin === undefined) return 'not there'
    // Still prepared where this line left the other, whatever became of it there.
    if (line.base.prepared.has(gid)) return judgeBegun(line.origin.line, target, gid)
    const before = judgePrepared(line.origin.line, target, gid)
    const transaction = line.origin.line.prepared.get(gid)
    // It had ended by then, or was prepared later.
    if (before !== 'there') return before
    return transaction?.finished === undefined ? 'not there' : 'either'
  }
  const inherited = line.base.prepared.has(gid)
  const transaction = line.prepared.get(gid)
  if (transaction === undefined) return inherited ? 'there' : 'not there'
  const wasPrepared = judge(transaction.prepared, target)
  const wasFinished = transaction.finished ? judge(transaction.finished, target) : 'not there'
  if (wasPrepared === 'not there' || wasFinished === 'there') return 'not there'
  return wasPrepared === 'there' && wasFinished === 'not there' ? 'there' : 'either'
}

function judgeBegun(line: LedgerLine, target: Target, gid: string): Verdict {
  const transaction = line.prepared.get(gid)
  if (transaction !== undefined) return judge(transaction.prepared, target)
  return line.origin === undefined ? 'there' : judgeBegun(line.origin.line, target, gid)
}

/** Whether what happened within the interval belongs to the moment. */
function judge({ fromUs, toUs, fromLsn, toLsn }: Interval, target: Target): Verdict {
  if (target.kind === 'time') {
    if (toUs <= target.us) return 'there'
    return fromUs > target.us ? 'not there' : 'either'
  }
  if (toLsn !== undefined && toLsn <= target.lsn) return 'there'
  return fromLsn >= target.lsn ? 'not there' : 'either'
}

/** With its microseconds. */
export function renderTime(us: number): string {
  if (!Number.isFinite(us)) return 'some time'
  const ms = Math.floor(us / 1000)
  const rest = String(us - ms * 1000).padStart(3, '0')
  return new Date(ms).toISOString().replace('Z', `${rest}Z`)
}

export const renderTarget = (target: Target): string =>
  target.kind === 'time' ? renderTime(target.us) : renderLsn(target.lsn)
