import { AppError } from '../../lib/errors.ts'
import { type Lsn, parseLsn, renderLsn } from '../../lib/lsn.ts'
import type { Context } from '../context.ts'
import { type BranchRow, findBranchOfLine } from '../store/branches.ts'
import { type LineSnapshotRow, listLineSnapshots } from '../store/line-snapshots.ts'
import type { ProjectRow } from '../store/projects.ts'

/** A moment of a branch's past, by time or by position in its WAL. */
export type Moment =
  /** `text` as the user wrote it, for its microseconds; `at` rounded down to milliseconds. */
  { kind: 'time'; text: string; at: Date } | { kind: 'lsn'; lsn: Lsn }

/** Where a recovery to a moment begins. */
export interface Start {
  /** Whose line it is: the branch's own, or one that it came from. */
  owner: BranchRow
  snapshot: LineSnapshotRow
  /** The moment on that line. */
  moment: Moment
  /** Where lines that came from this one left it: what came later there is none of the branch's past. */
  leftAt: Lsn | undefined
}

/** Undefined where neither is given: the present. Rejects with AppError `invalid_request`. */
export function readMoment(given: {
  timestamp?: string | undefined
  lsn?: string | undefined
}): Moment | undefined {
  const { timestamp, lsn } = given
  if (timestamp !== undefined && lsn !== undefined) {
    throw new AppError('invalid_request', 'give a timestamp or an LSN, not both')
  }
  if (lsn !== undefined) {
    const parsed = parseLsn(lsn)
    if (parsed !== undefined) return { kind: 'lsn', lsn: parsed }
    throw new AppError('invalid_request', `'${lsn}' is no LSN; one looks like 0/16B3748`)
  }
  if (timestamp === undefined) return undefined
  const at = new Date(timestamp)
  if (Number.isNaN(at.getTime()) || !isZoned(timestamp)) {
    throw new AppError(
      'invalid_request',
      `'${timestamp}' is no time with a zone; write it as 2026-01-31T12:00:00Z`,
    )
  }
  if (at.getTime() > Date.now() + clockToleranceMs) {
    throw new AppError('outside_history', `${timestamp} is in the future`)
  }
  return { kind: 'time', text: timestamp, at }
}

/** Of clients' clocks: "now" there may be a moment later here. */
const clockToleranceMs = 2_000

const isZoned = (text: string): boolean => /(?:Z|[+-]\d{2}:?\d{2})$/i.test(text)

/** Microseconds since 1970, as precise as PostgreSQL's own times. */
export function microseconds({ text, at }: { text: string; at: Date }): bigint {
  const [, digits = ''] = /\.\d{3}(\d{1,3})/.exec(text) ?? []
  return BigInt(at.getTime()) * 1000n + BigInt(digits.padEnd(3, '0'))
}

/** Of an operation whose input may tell one. */
export function momentOf({ input }: { input: Record<string, unknown> }): Moment | undefined {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return readMoment({ timestamp: text(input['timestamp']), lsn: text(input['lsn']) })
}

export function renderMoment(moment: Moment): string {
  return moment.kind === 'time' ? moment.text : renderLsn(moment.lsn)
}

/**
 * Finds the newest snapshot that is not later than the moment: on the branch's own line, or, for what is
 * older than that, on the line that it came from, up to where it left it. Rejects with AppError
 * `outside_history`, which says from when on the branch can be reached.
 */
export async function findStart(
  context: Context,
  project: ProjectRow,
  branch: BranchRow,
  moment: Moment,
): Promise<Start> {
  const windowStart = windowStartOf(project)
  if (moment.kind === 'time' && moment.at < windowStart) {
    throw await outside(context, project, branch, moment)
  }
  let on = moment
  let leftAt: Lsn | undefined
  for (const { owner, snapshots } of await pastLines(context, branch)) {
    const snapshot = findSnapshot(snapshots, on, owner, leftAt)
    if (snapshot !== undefined) return { owner, snapshot, moment: on, leftAt }
    // Between its origin and its first snapshot the line may have been written to.
    const isUntouched = snapshots[0]?.is_first === true || owner.snapshot_id !== null
    if (isAfterOrigin(on, owner) && !isUntouched) break
    on = noLaterThanOrigin(on, owner)
    leftAt = earlier(leftAt, originLsn(owner))
  }
  throw await outside(context, project, branch, moment)
}

export const windowStartOf = (project: ProjectRow): Date =>
  new Date(Date.now() - project.history_retention_seconds * 1000)

/** The newest that holds nothing later. */
function findSnapshot(
  snapshots: readonly LineSnapshotRow[],
  moment: Moment,
  owner: BranchRow,
  leftAt: Lsn | undefined,
): LineSnapshotRow | undefined {
  const found = snapshots.findLast(
    (one) => isNotLater(one, moment) && (leftAt === undefined || one.lsn_to <= leftAt),
  )
  const [first] = snapshots
  const isOwn = moment.kind === 'lsn' && isAfterOrigin(moment, owner)
  // Between where the line began and its first snapshot there is what the platform itself has written.
  return found ?? (isOwn && first?.is_first === true ? first : undefined)
}

function isNotLater(snapshot: LineSnapshotRow, moment: Moment): boolean {
  return moment.kind === 'time' ? snapshot.taken_at <= moment.at : snapshot.lsn_to <= moment.lsn
}

/** What a line shares with its origin ends where it began; that is known exactly by its position. */
function noLaterThanOrigin(moment: Moment, owner: BranchRow): Moment {
  const lsn = originLsn(owner)
  if (lsn === undefined) return moment
  if (moment.kind === 'lsn') return moment.lsn < lsn ? moment : { kind: 'lsn', lsn }
  const { origin_time } = owner
  return origin_time === null || moment.at < origin_time ? moment : { kind: 'lsn', lsn }
}

function isAfterOrigin(moment: Moment, owner: BranchRow): boolean {
  if (moment.kind === 'time') return owner.origin_time === null || moment.at > owner.origin_time
  const lsn = originLsn(owner)
  return lsn === undefined || moment.lsn > lsn
}

function originLsn({ origin_lsn }: BranchRow): Lsn | undefined {
  return origin_lsn === null ? undefined : parseLsn(origin_lsn)
}

function earlier(one: Lsn | undefined, other: Lsn | undefined): Lsn | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one < other ? one : other
}

async function findOrigin(context: Context, branch: BranchRow): Promise<BranchRow | undefined> {
  if (branch.origin_volume_id === null) return undefined
  return findBranchOfLine(context.store, branch.origin_volume_id)
}

/** A line that a branch's past runs through. */
export interface PastLine {
  owner: BranchRow
  /** From where on the line before, which came from it, is its own. */
  until: { time: Date | null; lsn: string | null } | undefined
  snapshots: LineSnapshotRow[]
}

/** The branch's own line, the one that it came from, and so on, as far as they are still there. */
export async function pastLines(context: Context, branch: BranchRow): Promise<PastLine[]> {
  const lines: PastLine[] = []
  let owner: BranchRow | undefined = branch
  let until: PastLine['until']
  while (owner !== undefined && !lines.some((line) => line.owner.id === owner?.id)) {
    const snapshots = await listLineSnapshots(context.store, owner.volume_id)
    lines.push({ owner, until, snapshots })
    until = { time: owner.origin_time, lsn: owner.origin_lsn }
    owner = await findOrigin(context, owner)
  }
  return lines
}

/** The earliest moment that can be reached; undefined where none can. */
export function earliestReachable(
  project: ProjectRow,
  lines: readonly PastLine[],
): { at: Date; lsn: Lsn } | undefined {
  const snapshots = lines.findLast((line) => line.snapshots.length > 0)?.snapshots ?? []
  const [lowest] = snapshots
  if (lowest === undefined) return undefined
  const times = snapshots.map(({ taken_at }) => taken_at.getTime())
  const at = new Date(Math.max(Math.min(...times), windowStartOf(project).getTime()))
  return { at, lsn: lowest.lsn_to }
}

async function outside(
  context: Context,
  project: ProjectRow,
  branch: BranchRow,
  moment: Moment,
): Promise<AppError> {
  const asked = `branch ${branch.name} cannot be reached at ${renderMoment(moment)}`
  if (project.history_retention_seconds === 0) {
    return new AppError(
      'outside_history',
      `${asked}: project ${project.id} keeps no history; set history_retention_seconds to keep some from now on`,
    )
  }
  const earliest = earliestReachable(project, await pastLines(context, branch))
  if (earliest === undefined) {
    return new AppError('outside_history', `${asked}: its history begins with the next minutes`)
  }
  return new AppError(
    'outside_history',
    `${asked}: its history begins at ${earliest.at.toISOString()}, LSN ${renderLsn(earliest.lsn)}`,
  )
}

/** Where WAL was lost, by another's hand or because the cluster held back more than it may. */
export const notKept = (branch: BranchRow, moment: Moment): AppError =>
  new AppError(
    'outside_history',
    `branch ${branch.name} cannot be reached at ${renderMoment(moment)}: the WAL of that time was not kept as a whole; choose a moment before or after`,
  )

/** For a position that has not been written yet. */
export const beyondEnd = (branch: BranchRow, lsn: Lsn, end: Lsn): AppError =>
  new AppError(
    'outside_history',
    `branch ${branch.name} has not reached LSN ${renderLsn(lsn)}; it is at ${renderLsn(end)}`,
  )
