import { Tabs } from '@mantine/core'
import {
  IconActivityHeartbeat,
  IconDatabaseOff,
  IconListDetails,
  IconLock,
  IconReportAnalytics,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useSearchParams } from 'react-router'

import { queries } from '../../api/queries.ts'
import { BranchChooser } from '../../branch-choice/BranchChooser.tsx'
import { useBranchChoice } from '../../branch-choice/use-branch-choice.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorState } from '../../ui/ErrorState.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { useProjectId } from '../use-project-id.ts'
import { Activity } from './Activity.tsx'
import { Locks } from './Locks.tsx'
import { Reports } from './Reports.tsx'
import { Statements } from './Statements.tsx'

import classes from './queries.module.css'

const tabs = ['statements', 'activity', 'locks', 'reports'] as const

/** What runs on a branch, what has run, and who waits for whom. Looking neither wakes a compute nor keeps it awake. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const choice = useBranchChoice(projectId)
  const [params, setParams] = useSearchParams()
  const tab = tabs.find((one) => one === params.get('tab')) ?? 'statements'
  const endpoints = useQuery(queries.endpoints(projectId))
  const { branch, database } = choice
  const endpoint = endpoints.data?.find(
    ({ branch_id, type }) => branch_id === branch?.id && type === 'read_write',
  )
  const databases = useQuery({
    ...queries.databases(projectId, branch?.id ?? ''),
    enabled: branch !== undefined,
  })
  const looked =
    branch && database && endpoints.data
      ? { place: { projectId, branchId: branch.id, database: database.name }, endpoint }
      : undefined
  return (
    <>
      <PageHeader
        title="Queries"
        description="What runs, what has run, and who waits for whom. Looking wakes nothing."
        actions={<BranchChooser choice={choice} />}
      />
      {choice.error && branch === undefined && <ErrorState error={choice.error} />}
      <Tabs
        value={tab}
        onChange={(value) =>
          setParams(
            (before) => {
              const after = new URLSearchParams(before)
              after.set('tab', value ?? 'statements')
              return after
            },
            { replace: true },
          )
        }
        keepMounted={false}
      >
        <Tabs.List mb="md" className={classes['tabs'] ?? ''}>
          <Tabs.Tab value="statements" leftSection={<IconListDetails size={16} />}>
            Statements
          </Tabs.Tab>
          <Tabs.Tab value="activity" leftSection={<IconActivityHeartbeat size={16} />}>
            Activity
          </Tabs.Tab>
          <Tabs.Tab value="locks" leftSection={<IconLock size={16} />}>
            Locks
          </Tabs.Tab>
          <Tabs.Tab value="reports" leftSection={<IconReportAnalytics size={16} />}>
            Reports
          </Tabs.Tab>
        </Tabs.List>
        {databases.data?.length === 0 && (
          <Panel>
            <EmptyState icon={IconDatabaseOff} title="This branch has no database">
              Create one on the page of the branch.
            </EmptyState>
          </Panel>
        )}
        {looked === undefined && databases.isFetching && (
          <Panel>
            <QueryView query={databases}>{() => null}</QueryView>
          </Panel>
        )}
        {looked && (
          <>
            <Tabs.Panel value="statements">
              <Statements {...looked} />
            </Tabs.Panel>
            <Tabs.Panel value="activity">
              <Activity {...looked} />
            </Tabs.Panel>
            <Tabs.Panel value="locks">
              <Locks {...looked} />
            </Tabs.Panel>
            <Tabs.Panel value="reports">
              <Reports {...looked} />
            </Tabs.Panel>
          </>
        )}
      </Tabs>
    </>
  )
}
