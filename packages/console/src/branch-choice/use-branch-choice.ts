import type { Branch, Database, Role } from '@coppice/api'
import { useQuery } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useSearchParams } from 'react-router'

import { queries } from '../api/queries.ts'

/** What a page works on. It is in the address, so that a link leads to the same place. */
export interface BranchChoice {
  /** Undefined until the branches are read. */
  branch: Branch | undefined
  branches: readonly Branch[]
  /** Undefined until they are read, and where the branch has none. */
  database: Database | undefined
  databases: readonly Database[]
  /** The database's owner unless another is chosen. */
  role: string | undefined
  roles: readonly Role[]
  /** Why there is nothing to choose from. */
  error: Error | null
  /** Chooses; what is left out stays. Another branch keeps the database's name where it has it. */
  choose: (change: { branch?: string; database?: string; role?: string }) => void
}

/** The branch, database and role of the address; the default branch and its first database without. */
export function useBranchChoice(projectId: string): BranchChoice {
  const [params, setParams] = useSearchParams()
  const branchesQuery = useQuery(queries.branches(projectId))
  const branches = branchesQuery.data ?? []
  const named = params.get('branch')
  const branch =
    branches.find(({ id, name }) => id === named || name === named) ??
    branches.find((one) => one.default)
  const enabled = branch !== undefined
  const databasesQuery = useQuery({ ...queries.databases(projectId, branch?.id ?? ''), enabled })
  const rolesQuery = useQuery({ ...queries.roles(projectId, branch?.id ?? ''), enabled })
  const databases = databasesQuery.data ?? []
  const roles = rolesQuery.data ?? []
  const database = databases.find(({ name }) => name === params.get('database')) ?? databases[0]
  const role = roles.find(({ name }) => name === params.get('role'))?.name ?? database?.owner_name
  const choose = useCallback<BranchChoice['choose']>(
    (change) =>
      setParams(
        (before) => {
          const after = new URLSearchParams(before)
          for (const [key, value] of Object.entries(change)) after.set(key, value)
          return after
        },
        { replace: true },
      ),
    [setParams],
  )
  return {
    branch,
    branches,
    database,
    databases,
    role,
    roles,
    error: branchesQuery.error ?? databasesQuery.error,
    choose,
  }
}
