import type { Branch } from '@coppice/api'
import { Checkbox } from '@mantine/core'
import { type ReactNode, useState } from 'react'

import { api } from '../api/client.ts'
import { useAction } from '../api/use-action.ts'
import { ConfirmByName } from '../ui/ConfirmByName.tsx'
import { recoverableUntil } from './recovery.ts'

interface DeleteBranchProps {
  branch: Branch
  onClose: () => void
  onDeleted: () => void
}

/** A branch with its computes, away for a while or for good. */
export function DeleteBranch({ branch, onClose, onDeleted }: DeleteBranchProps): ReactNode {
  const { id: branch_id, project_id, name } = branch
  const [isFinal, setIsFinal] = useState(false)
  const remove = useAction({
    run: async () =>
      api.deleteProjectBranch({
        path: { project_id, branch_id },
        query: isFinal ? { hard_delete: true } : {},
      }),
    done: () => (isFinal ? `${name} is gone` : `${name} is deleted, until it is brought back`),
    onDone: () => {
      onClose()
      onDeleted()
    },
  })
  return (
    <ConfirmByName
      opened
      onClose={onClose}
      verb="Delete"
      name={name}
      isRunning={remove.isPending}
      onConfirm={() => remove.mutate()}
      recovery={
        isFinal ? undefined : (
          <>
            All of it, under “Deleted branches”, until {recoverableUntil()}, unless the pool runs
            out of space before.
          </>
        )
      }
    >
      The branch and its computes end; connections to it are cut off.
      <Checkbox
        mt="sm"
        label="For good, and free its space at once"
        checked={isFinal}
        onChange={(event) => setIsFinal(event.currentTarget.checked)}
      />
    </ConfirmByName>
  )
}
