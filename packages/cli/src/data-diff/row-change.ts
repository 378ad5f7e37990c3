import type { TextRow } from './session.ts'

export type ChangeKind = 'added' | 'removed' | 'changed'

/** A row that differs, known by its key, or where its table has none by the hash of all of it. */
export interface RowChange {
  kind: ChangeKind
  key: TextRow
}

/** What a table's rows came to. */
export type Counts = Record<ChangeKind, number>
