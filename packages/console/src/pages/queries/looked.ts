import type { Endpoint } from '@coppice/api'

import type { QuietPlace } from '../../api/quiet-query.ts'

/** What a tab looks into. */
export interface Looked {
  place: QuietPlace
  /** The compute that writes; undefined where the branch has none. */
  endpoint: Endpoint | undefined
}
