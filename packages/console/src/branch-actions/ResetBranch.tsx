import type { Branch } from '@coppice/api'
import { Code } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { api } from '../api/client.ts'
import { queries } from '../api/queries.ts'
import { useAction } from '../api/use-action.ts'
import { ConfirmByName } from '../ui/ConfirmByName.tsx'
import { recoverableUntil } from './recovery.ts'

interface ResetBranchProps {
  branch: Branch
  onClose: () => void
}

/** The parent's data of now in the place of what a branch has. */
export function ResetBranch({ branch, onClose }: ResetBranchProps): ReactNode {
  const { id: branch_id, project_id, parent_id, name } = branch
  const branches = useQuery(queries.branches(project_id)).data ?? []
  const parent = branches.find(({ id }) => id === parent_id)?.name ?? 'its parent'
  const reset = useAction({
    run: async () => api.resetProjectBranchToParent({ path: { project_id, branch_id } }),
    done: () => `${name} has the data of ${parent} now`,
    onDone: onClose,
  })
  return (
    <ConfirmByName
      opened
      onClose={onClose}
      verb="Reset"
      name={name}
      isRunning={reset.isPending}
      onConfirm={() => reset.mutate()}
      recovery={
        <>
          What it has now is kept as a deleted branch, <Code>{name}_old_…</Code>, which can be
          brought back until {recoverableUntil()}, unless the pool runs out of space before.
        </>
      }
    >
      Its data is replaced by that of <b>{parent}</b> as it is now. Hosts, roles and passwords stay;
      direct connections are cut off and connect again.
    </ConfirmByName>
  )
}
