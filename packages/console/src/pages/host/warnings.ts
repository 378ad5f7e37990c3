import type { PlatformStatus, PoolContents } from '@coppice/api'

import { formatBytes } from '../../ui/format.ts'

export interface HostWarning {
  severity: 'red' | 'yellow'
  title: string
  /** What it means, and what to do. */
  message: string
}

/** What somebody should look at, the worst first. */
export function hostWarnings(
  status: PlatformStatus,
  pool: PoolContents | undefined,
): HostWarning[] {
  const { certificate, limits, wal_store: wal } = status
  const found: (HostWarning | false | undefined)[] = [
    pool && spaceWarning(pool, status.pool.image !== undefined),
    wal?.error !== undefined && {
      severity: 'red',
      title: 'WAL is not uploaded',
      message: `${wal.error}. ${wal.waiting_files} files (${formatBytes(wal.waiting_bytes)}) wait in the pool; connections and writes go on.`,
    },
    pool && unknownWarning(pool, status.pool.path),
    limits.waiting > 0 && {
      severity: 'yellow',
      title:
        limits.waiting === 1
          ? 'A compute waits for room'
          : `${limits.waiting} computes wait for room`,
      message:
        'As many are awake as this host can have, or its memory is short. Suspend one that nobody needs, or raise `--max-awake`.',
    },
    status.pool.warning !== undefined && {
      severity: 'yellow',
      title: 'The pool',
      message: status.pool.warning,
    },
    ...certificate.warnings.map((message): HostWarning => ({
      severity: 'yellow',
      title: 'The certificate',
      message,
    })),
  ]
  return found
    .filter((one): one is HostWarning => one !== false && one !== undefined)
    .toSorted((one, other) => Number(one.severity !== 'red') - Number(other.severity !== 'red'))
}

function spaceWarning(
  { free_bytes, reserve_bytes }: PoolContents,
  hasImage: boolean,
): HostWarning | false {
  const mend = hasImage
    ? 'Delete branches with `--hard-delete`, or enlarge it: `coppice pool grow --size …`'
    : 'Delete branches with `--hard-delete`, or make room on its disk.'
  if (free_bytes < reserve_bytes) {
    return {
      severity: 'red',
      title: 'The pool is short of space',
      message: `${formatBytes(free_bytes)} is left, which is kept for what runs: new branches and projects are refused. ${mend}`,
    }
  }
  if (free_bytes >= 2 * reserve_bytes) return false
  return {
    severity: 'yellow',
    title: 'The pool is running short of space',
    message: `${formatBytes(free_bytes)} is left. Deleted branches are given up before their time, and from ${formatBytes(reserve_bytes)} on nothing new is made. ${mend}`,
  }
}

function unknownWarning(
  { unknown_volumes: names }: PoolContents,
  path: string,
): HostWarning | false {
  if (names.length === 0) return false
  const isOne = names.length === 1
  return {
    severity: 'yellow',
    title: isOne
      ? 'The pool holds a volume that nobody knows'
      : `The pool holds ${names.length} volumes that nobody knows`,
    message: `\`${names.join(', ')}\` in \`${path}/volumes\`. It may be all that is left of another store, so the platform never removes ${isOne ? 'it' : 'them'}: look, and remove ${isOne ? 'it' : 'them'} by hand.`,
  }
}
