import { useState } from 'react'
import { useSearchParams } from 'react-router'

import type { BranchChoice } from '../../branch-choice/use-branch-choice.ts'
import { useIsAwake } from '../../branch-choice/use-is-awake.ts'
import type { QueryPlace } from './run-on.ts'

/** Where and when the editor runs SQL; the moment is in the address as `at`, beside branch and database. */
export function useSqlPlace(projectId: string, choice: BranchChoice) {
  const { branch, database, role } = choice
  const [params, setParams] = useSearchParams()
  const [isReadOnly, setIsReadOnly] = useState(false)
  const moment = readMoment(params.get('at'))
  const isAwake = useIsAwake(projectId, branch?.id) ?? false
  const place: QueryPlace | undefined = branch &&
    database && {
      projectId,
      branchId: branch.id,
      request: {
        db_name: database.name,
        ...(role !== undefined && role !== database.owner_name && { role_name: role }),
        ...(moment !== undefined && { timestamp: moment }),
        ...(isReadOnly && moment === undefined && { read_only: true }),
      },
    }
  /** To another moment, to now without one, and to another branch where one is named. */
  const goTo = (to: string | undefined, branchId?: string): void =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before)
        if (to === undefined) after.delete('at')
        else after.set('at', to)
        if (branchId !== undefined) after.set('branch', branchId)
        return after
      },
      { replace: true },
    )
  return { place, moment, goTo, isAwake, isReadOnly, setIsReadOnly }
}

function readMoment(text: string | null): string | undefined {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}
