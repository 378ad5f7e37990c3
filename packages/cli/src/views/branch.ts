import type { Branch } from '@coppice/api'

import { formatBytes, formatMoment, formatTime } from '../format.ts'
import { renderDetails, renderTable } from '../table.ts'

/** Branches as a list, parents by name; `pinned` is the one that commands mean here. */
export async function branchTable(
  branches: readonly Branch[],
  pinned: string | undefined,
): Promise<string> {
  const isPinned = ({ id, name }: Branch) => pinned !== undefined && [id, name].includes(pinned)
  const names = new Map(branches.map((branch) => [branch.id, branch.name]))
  const parentOf = ({ parent_id: id }: Branch) => (id ? (names.get(id) ?? id) : undefined)
  return renderTable<Branch>(
    [
      { title: 'id', value: (branch) => branch.id },
      { title: 'name', value: (branch) => branch.name },
      { title: 'parent', value: parentOf },
      { title: 'size', value: sizeOf },
      { title: 'created', value: (branch) => formatTime(branch.created_at) },
      { title: 'notes', value: (branch) => notesOf(branch, isPinned(branch)).join(', ') },
    ],
    branches,
  )
}

/** One branch, whole. */
export async function branchDetails(branch: Branch): Promise<string> {
  return renderDetails([
    ['Branch', branch.name],
    ['ID', branch.id],
    ['Project', branch.project_id],
    ['Parent', parentOf(branch)],
    ['State', branch.current_state],
    ['Default', branch.default ? 'yes' : 'no'],
    ['Protected', branch.protected ? 'yes' : 'no'],
    ['Size', sizeOf(branch)],
    ['Created', formatTime(branch.created_at)],
    ['Reset', formatTime(branch.last_reset_at)],
    ['Restored', restoredOf(branch)],
    ['Replaced by', branch.restored_as],
    ['Expires', formatMoment(branch.expires_at)],
    ['Deleted', formatTime(branch.recovery?.deleted_at)],
    ['Recoverable', until(branch.recovery?.recoverable_until)],
  ])
}

/** What can still be done about a branch that has been deleted; empty where nothing can. */
export function recoveryHint(branch: Branch): string {
  const end = formatMoment(branch.recovery?.recoverable_until)
  if (end === undefined) return `Branch ${branch.name} is deleted for good.`
  return (
    `Branch ${branch.name} is deleted. It can be brought back until ${end}:\n` +
    `  coppice branches recover ${branch.id} --project-id ${branch.project_id}`
  )
}

/** With the point that it was made at, where that is known. */
function parentOf({ parent_id: id, parent_timestamp: time, parent_lsn: lsn }: Branch) {
  const at = [time, lsn].filter((part) => part !== undefined).join(', ')
  return id !== undefined && at !== '' ? `${id} (${at})` : id
}

function restoredOf({ restore_status: status, restored_from: id }: Branch): string | undefined {
  if (status === undefined) return undefined
  const from = id === undefined ? '' : ` from ${id}`
  return status === 'restored' ? `${status}${from}; \`snapshots finalize\` is next` : status + from
}

function sizeOf(branch: Branch): string | undefined {
  return branch.logical_size === undefined ? undefined : formatBytes(branch.logical_size)
}

function notesOf(branch: Branch, isPinned: boolean): string[] {
  const expires = formatTime(branch.expires_at)
  const recoverable = until(branch.recovery?.recoverable_until)
  return [
    ...(isPinned ? ['pinned here'] : []),
    ...(branch.default ? ['default'] : []),
    ...(branch.protected ? ['protected'] : []),
    ...(branch.current_state === 'ready' ? [] : [branch.current_state]),
    ...(expires === undefined || branch.recovery ? [] : [`expires ${expires}`]),
    ...(branch.recovery ? [`deleted, recoverable ${recoverable ?? ''}`.trim()] : []),
  ]
}

function until(timestamp: string | undefined): string | undefined {
  return timestamp === undefined ? undefined : `until ${formatMoment(timestamp)}`
}
