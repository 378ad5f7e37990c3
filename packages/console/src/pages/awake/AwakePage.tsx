import type { Endpoint, EndpointAwake } from '@coppice/api'
import { Group, SegmentedControl, Select, SimpleGrid, Stack, Text } from '@mantine/core'
import { IconMoonStars } from '@tabler/icons-react'
import { useQueries, useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useSearchParams } from 'react-router'

import { queries } from '../../api/queries.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorState } from '../../ui/ErrorState.tsx'
import { formatMoney } from '../../ui/format.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { useNow } from '../../ui/RelativeTime.tsx'
import { StatTile } from '../../ui/StatTile.tsx'
import type { TimeView } from '../../ui/time-view.ts'
import { useProjectId } from '../use-project-id.ts'
import type { AwakeCompute } from './awake-compute.ts'
import { secondsIn, segmentsOf } from './awake-lanes.ts'
import { totalsOf } from './awake-totals.ts'
import { CauseTotals } from './CauseTotals.tsx'
import { formatSpan } from './format-awake.ts'
import { KeptAwake } from './KeptAwake.tsx'
import { Lanes } from './Lanes.tsx'
import { Ledger } from './Ledger.tsx'

const spans = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000 }
type Span = keyof typeof spans

/** Of a project with more, those that were active last. Each is a call. */
const computesMax = 40

/** What woke each compute, what kept it awake, and what that has cost. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const endpoints = useQuery(queries.endpoints(projectId))
  const [params, setParams] = useSearchParams()
  const span = (Object.keys(spans) as Span[]).find((one) => one === params.get('span')) ?? 'day'
  const change = (key: string, value: string | null): void =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before)
        if (value === null) after.delete(key)
        else after.set(key, value)
        return after
      },
      { replace: true },
    )
  return (
    <>
      <PageHeader
        title="Awake"
        description="What woke each compute, what kept it awake, and what that has cost."
        actions={
          <SegmentedControl
            aria-label="How far back"
            value={span}
            onChange={(value) => change('span', value)}
            data={[
              { value: 'hour', label: 'Hour' },
              { value: 'day', label: 'Day' },
              { value: 'week', label: 'Week' },
            ]}
          />
        }
      />
      <QueryView query={endpoints} skeletonLines={8}>
        {(found) =>
          found.length === 0 ? (
            <Panel>
              <EmptyState icon={IconMoonStars} title="There is no compute">
                A branch’s compute wakes with the first connection. From then on this page says why.
              </EmptyState>
            </Panel>
          ) : (
            <Computes
              projectId={projectId}
              endpoints={lastActive(found)}
              leftOut={Math.max(0, found.length - computesMax)}
              spanMs={spans[span]}
              computeId={params.get('compute') ?? undefined}
              cause={params.get('cause') ?? undefined}
              onChange={change}
            />
          )
        }
      </QueryView>
    </>
  )
}

/** Those that are awake first, then by when they were. */
function lastActive(endpoints: readonly Endpoint[]): Endpoint[] {
  const rank = ({ current_state, last_active = '' }: Endpoint): string =>
    `${current_state === 'active' ? 1 : 0} ${last_active}`
  return endpoints.toSorted((a, b) => rank(b).localeCompare(rank(a))).slice(0, computesMax)
}

interface ComputesProps {
  projectId: string
  endpoints: readonly Endpoint[]
  leftOut: number
  spanMs: number
  /** Chosen from the list; all without. */
  computeId: string | undefined
  cause: string | undefined
  onChange: (key: string, value: string | null) => void
}

function Computes(props: ComputesProps): ReactNode {
  const { projectId, endpoints, leftOut, spanMs, computeId, cause, onChange } = props
  const answers = useQueries({
    queries: endpoints.map(({ id }) => queries.endpointAwake(projectId, id)),
  })
  const nowMs = useNow()
  const window = { fromMs: nowMs - spanMs, toMs: nowMs }
  const failed = answers.find(({ error, data }) => error && data === undefined)
  const all = answers.flatMap(({ data }, at): AwakeCompute[] =>
    data === undefined ? [] : [{ ...data, label: labelOf(data, endpoints[at]) }],
  )
  if (all.length === 0 && failed) {
    return <ErrorState error={failed.error} onRetry={() => void failed.refetch()} />
  }
  const chosen = all.filter(({ endpoint_id }) => endpoint_id === computeId)
  const computes = chosen.length > 0 ? chosen : all
  const totals = totalsOf(computes, window)
  const currency = all[0]?.currency ?? 'USD'
  return (
    <Stack gap="md">
      <Figures computes={computes} window={window} currency={currency} />
      <Panel
        title="Computes"
        flush
        actions={
          <Select
            size="xs"
            w={200}
            aria-label="Compute"
            placeholder="All computes"
            data={all.map(({ endpoint_id, label }) => ({ value: endpoint_id, label }))}
            value={chosen[0]?.endpoint_id ?? null}
            onChange={(value) => onChange('compute', value)}
            clearable
            clearButtonProps={{ 'aria-label': 'All computes' }}
            searchable
          />
        }
      >
        <Lanes
          computes={computes}
          window={window}
          isLoading={answers.some(({ isPending }) => isPending)}
        />
        {leftOut > 0 && (
          <Text size="sm" c="var(--faint)" px="md" pb="sm">
            The {endpoints.length} that were active last; {leftOut} others are not shown.
          </Text>
        )}
      </Panel>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <KeptAwake projectId={projectId} computes={computes} isOne={chosen.length > 0} />
        <CauseTotals
          totals={totals}
          currency={currency}
          chosen={cause}
          onChoose={(key) => onChange('cause', key)}
        />
      </SimpleGrid>
      <Ledger
        computes={computes}
        window={window}
        currency={currency}
        cause={cause}
        causeTitle={totals.find(({ key }) => key === cause)?.title ?? cause}
        onClear={() => onChange('cause', null)}
      />
    </Stack>
  )
}

function labelOf({ branch_name }: EndpointAwake, endpoint: Endpoint | undefined): string {
  return endpoint?.type === 'read_only' ? `${branch_name} (read replica)` : branch_name
}

interface FiguresProps {
  computes: readonly AwakeCompute[]
  window: TimeView
  currency: string
}

function Figures({ computes, window, currency }: FiguresProps): ReactNode {
  const segments = computes.map((compute) => segmentsOf(compute, window))
  const sum = (state: 'awake' | 'frozen'): number =>
    segments.reduce((total, own) => total + secondsIn(own, state), 0)
  const totals = totalsOf(computes, window)
  const wakes = totals.reduce((total, one) => total + one.wakes, 0)
  const cost = totals.reduce((total, one) => total + one.cost, 0)
  const [most] = totals
  const awake = sum('awake')
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md">
      <StatTile
        label="Awake"
        value={formatSpan(awake)}
        note={`frozen for ${formatSpan(sum('frozen'))} besides`}
      />
      <StatTile label="Cost of that" value={formatMoney(cost, currency)} note="by the price list" />
      <StatTile label="Wakes" value={wakes} note="out of sleep and out of freezes" />
      <StatTile
        label="Mostly for"
        value={
          <Group gap={0} wrap="nowrap">
            <Text inherit truncate>
              {most?.title ?? '–'}
            </Text>
          </Group>
        }
        note={most ? `${Math.round((most.seconds / awake) * 100)} % of the time awake` : ' '}
      />
    </SimpleGrid>
  )
}
