import process from 'node:process'
import { createInterface } from 'node:readline'

import { createClient } from '@coppice/api/client'

import { patiently } from './retry.ts'
import type { Notice } from './watch.ts'

/**
 * The program that deletes what a test process has left. It is told of branches on its standard input,
 * which ends when that process does, in whichever way; a key is not for argv or the environment.
 */
const branches = new Map<string, Notice>()
for await (const line of createInterface({ input: process.stdin })) {
  // Our own process has written it.
  const notice = JSON.parse(line) as Notice
  if (notice.isDeleted) branches.delete(notice.branchId)
  else branches.set(notice.branchId, notice)
}
await Promise.allSettled(
  [...branches.values()].map(async ({ apiUrl, apiKey, projectId, branchId }) => {
    const client = createClient({ baseUrl: apiUrl, apiKey, userAgent: 'coppice-testing' })
    const path = { project_id: projectId, branch_id: branchId }
    await patiently(async () => client.deleteProjectBranch({ path, query: { hard_delete: true } }))
  }),
)
