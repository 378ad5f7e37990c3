import { EndpointType } from '@neondatabase/api-client'

import { landed } from '../landed.ts'
import type { NeonClient } from './api-client.ts'

export interface Refusal {
  /** What is missing, in the words of the table. */
  why: string
  attempt: (client: NeonClient, projectId: string, branchId: string) => Promise<unknown>
}

const readOnly = { type: EndpointType.ReadOnly }

/** Parts of operations that Coppice does not do, where the rest of the operation works, by its name. */
export const refusals: Readonly<Record<string, readonly Refusal[]>> = {
  createProjectBranch: [
    {
      why: 'read-only computes',
      attempt: async (client, projectId) =>
        client.createProjectBranch(projectId, { endpoints: [readOnly] }),
    },
    ...(landed.schema
      ? []
      : [
          {
            why: 'branches with the schema only',
            attempt: async (client: NeonClient, projectId: string) =>
              client.createProjectBranch(projectId, { branch: { init_source: 'schema-only' } }),
          },
        ]),
  ],
  createProjectEndpoint: [
    {
      why: 'read-only computes',
      attempt: async (client, projectId, branch_id) =>
        client.createProjectEndpoint(projectId, { endpoint: { branch_id, ...readOnly } }),
    },
  ],
}
