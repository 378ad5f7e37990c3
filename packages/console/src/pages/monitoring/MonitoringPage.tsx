import type { Endpoint } from '@coppice/api'
import { Select, Tabs } from '@mantine/core'
import { IconChartLine, IconFileText, IconServer } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useSearchParams } from 'react-router'

import { queries } from '../../api/queries.ts'
import { BranchChooser } from '../../branch-choice/BranchChooser.tsx'
import { useBranchChoice } from '../../branch-choice/use-branch-choice.ts'
import { ErrorState } from '../../ui/ErrorState.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { useProjectId } from '../use-project-id.ts'
import { Logs } from './Logs.tsx'
import { Metrics } from './Metrics.tsx'

/** What the computes of a branch do and have done, and what they have written in their logs. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const choice = useBranchChoice(projectId)
  const [params, setParams] = useSearchParams()
  const tab = params.get('tab') === 'logs' ? 'logs' : 'metrics'
  const endpoints = useQuery(queries.endpoints(projectId))
  const own =
    endpoints.data
      ?.filter(({ branch_id }) => branch_id === choice.branch?.id)
      // The one that writes first.
      .toSorted((one, other) => other.type.localeCompare(one.type)) ?? []
  const endpoint = own.find(({ id }) => id === params.get('endpoint')) ?? own[0]
  const set = (name: string, value: string): void =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before)
        after.set(name, value)
        return after
      },
      { replace: true },
    )
  return (
    <>
      <PageHeader
        title="Monitoring"
        description="What was sampled while it was awake, for two weeks. Looking wakes nothing."
        actions={
          <>
            <BranchChooser choice={choice} withoutDatabase />
            {own.length > 1 && tab === 'metrics' && (
              <Select
                aria-label="Compute"
                w={170}
                leftSection={<IconServer size={16} />}
                data={own.map((one) => ({ value: one.id, label: nameOf(one, own) }))}
                value={endpoint?.id ?? null}
                onChange={(value) => value !== null && set('endpoint', value)}
                allowDeselect={false}
              />
            )}
          </>
        }
      />
      {choice.error && choice.branch === undefined && <ErrorState error={choice.error} />}
      {choice.branch && (
        <Tabs
          value={tab}
          onChange={(value) => value !== null && set('tab', value)}
          keepMounted={false}
        >
          <Tabs.List mb="md">
            <Tabs.Tab value="metrics" leftSection={<IconChartLine size={16} />}>
              Metrics
            </Tabs.Tab>
            <Tabs.Tab value="logs" leftSection={<IconFileText size={16} />}>
              Logs
            </Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="metrics">
            <Metrics branch={choice.branch} endpoint={endpoint} isLoading={endpoints.isPending} />
          </Tabs.Panel>
          <Tabs.Panel value="logs">
            <Logs key={choice.branch.id} branch={choice.branch} />
          </Tabs.Panel>
        </Tabs>
      )}
    </>
  )
}

function nameOf({ id, type }: Endpoint, all: readonly Endpoint[]): string {
  if (type === 'read_write') return 'Primary'
  const replicas = all.filter((one) => one.type === 'read_only')
  return replicas.length === 1
    ? 'Read replica'
    : `Read replica ${replicas.findIndex((one) => one.id === id) + 1}`
}
