import { AppError } from '../../lib/errors.ts'
import type { BranchRow, BranchSortKey } from '../store/branches.ts'

/** Cursors are opaque to clients: where the page before ended, in URL-safe base64. */
export function encodeCursor(row: BranchRow, sortBy: BranchSortKey): string {
  const value = row[sortBy]
  const text = value instanceof Date ? value.toISOString() : value
  return Buffer.from(JSON.stringify([text, row.id])).toString('base64url')
}

export function decodeCursor(
  cursor: string | undefined,
  sortBy: BranchSortKey,
): { value: string; id: string } | undefined {
  if (cursor === undefined || cursor === '') return undefined
  try {
    const [value, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    const isTime = sortBy === 'name' || !Number.isNaN(Date.parse(String(value)))
    if (typeof value === 'string' && typeof id === 'string' && isTime) return { value, id }
  } catch {
    // Not JSON: the same answer as for a cursor of the wrong shape.
  }
  throw new AppError('invalid_request', 'the cursor is not one that this list answered')
}
