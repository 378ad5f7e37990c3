import type { Context } from '../context-file.ts'
import { renderDetails } from '../table.ts'

/** What a `.neon` file pins. */
export async function contextDetails(context: Context, file: string): Promise<string> {
  return renderDetails([
    ['Project', context.projectId ?? 'none'],
    ['Branch', context.branch ?? 'the default one'],
    ['Organization', context.orgId],
    ['Pinned in', file],
  ])
}
