import type { Branch } from '@coppice/api'
import { Button, Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { api } from '../../api/client.ts'
import { queries } from '../../api/queries.ts'
import { useAction } from '../../api/use-action.ts'
import { Panel } from '../../ui/Panel.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'

import classes from './branch-tree.module.css'

const shownAtFirst = 5

/** What can be brought back, the last deleted first. */
export function DeletedBranches({ projectId }: { projectId: string }): ReactNode {
  const deleted = useQuery(queries.deletedBranches(projectId)).data ?? []
  const [isAll, setIsAll] = useState(false)
  const recover = useAction({
    run: async ({ id }: Branch) =>
      api.recoverProjectBranch({ path: { project_id: projectId, branch_id: id } }),
    done: ({ branch }) => `${branch.name} is back`,
  })
  if (deleted.length === 0) return null
  const newestFirst = deleted.toSorted((a, b) =>
    (b.recovery?.deleted_at ?? '').localeCompare(a.recovery?.deleted_at ?? ''),
  )
  return (
    <div className={classes['deleted']}>
      <Panel
        title="Deleted branches"
        description="They can be brought back until their time is over."
      >
        {newestFirst.slice(0, isAll ? undefined : shownAtFirst).map((branch) => (
          <Group key={branch.id} justify="space-between" wrap="nowrap" py={6}>
            <div style={{ minWidth: 0 }}>
              <Text size="sm" fw={550} truncate>
                {branch.name}
              </Text>
              <Text size="xs" c="var(--faint)">
                {branch.recovery?.deletion_method === 'ttl' ? 'Expired ' : 'Deleted '}
                <RelativeTime at={branch.recovery?.deleted_at} />, gone for good{' '}
                <RelativeTime at={branch.recovery?.recoverable_until} />
              </Text>
            </div>
            <Button
              variant="default"
              size="xs"
              style={{ flex: 'none' }}
              loading={recover.isPending && recover.variables.id === branch.id}
              onClick={() => recover.mutate(branch)}
            >
              Bring back
            </Button>
          </Group>
        ))}
        {newestFirst.length > shownAtFirst && !isAll && (
          <Button variant="subtle" size="xs" onClick={() => setIsAll(true)}>
            Show all {newestFirst.length}
          </Button>
        )}
      </Panel>
    </div>
  )
}
