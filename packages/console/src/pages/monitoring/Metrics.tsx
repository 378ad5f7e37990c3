import type { Branch, ComputeSample, Endpoint } from '@coppice/api'
import { computeFigures } from '@coppice/api/client'
import { Badge, Button, Group, NativeSelect, SegmentedControl, Text } from '@mantine/core'
import { IconServerOff, IconZoomReset } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo } from 'react'

import { api } from '../../api/client.ts'
import { queries } from '../../api/queries.ts'
import type { Mark } from '../../charts/chart.ts'
import { SharedCursor } from '../../charts/cursor.tsx'
import { TimeChart } from '../../charts/TimeChart.tsx'
import { createTimeline, type Span, type Timeline } from '../../charts/timeline.ts'
import { ComputeState } from '../../ui/ComputeState.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatBytes, formatComputeUnits, formatMoment } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { allocatedStretches, type Stretch, unitsAt } from './allocated.ts'
import {
  cacheHits,
  chartList,
  formatNumber,
  formatPercent,
  formatSeconds,
  valuesOf,
} from './chart-list.ts'
import { type Period, periods, usePeriod } from './period.ts'

import classes from './monitoring.module.css'

/** Samples are taken so often. */
const refreshMs = 15_000
const bytesPerUnit = 4 * 1024 ** 3
const ledgerMax = 1000

interface MetricsProps {
  branch: Branch
  endpoint: Endpoint | undefined
  isLoading: boolean
}

/** Charts of one compute over the same time. */
export function Metrics({ branch, endpoint, isLoading }: MetricsProps): ReactNode {
  const choice = usePeriod()
  const { period, zoomed, zoom, choosePeriod } = choice
  const { project_id, id: branch_id } = branch
  const metrics = useQuery({
    queryKey: ['metrics', project_id, branch_id, zoomed?.fromMs ?? period, zoomed?.toMs ?? 'now'],
    queryFn: async () => readMetrics(branch, zoomed ?? lastOf(period)),
    refetchInterval: zoomed ? false : refreshMs,
    placeholderData: keepPreviousData,
  })
  if (endpoint === undefined && !isLoading) {
    return (
      <Panel>
        <EmptyState icon={IconServerOff} title="This branch has no compute">
          There is nothing to sample. Add a compute on the page of the branch.
        </EmptyState>
      </Panel>
    )
  }
  return (
    <>
      <Group justify="space-between" mb="md" gap="sm">
        <Group gap="xs">
          <SegmentedControl
            visibleFrom="md"
            aria-label="Period"
            value={zoomed ? '' : period}
            onChange={(value) => choosePeriod(value as Period)}
            data={Object.entries(periods).map(([value, { label }]) => ({ value, label }))}
          />
          <NativeSelect
            hiddenFrom="md"
            aria-label="Period"
            value={period}
            onChange={(event) => choosePeriod(event.currentTarget.value as Period)}
            data={Object.entries(periods).map(([value, { label }]) => ({
              value,
              label: `Last ${label}`,
            }))}
          />
          {zoomed && (
            <Button
              variant="default"
              leftSection={<IconZoomReset size={16} />}
              onClick={() => zoom(undefined)}
            >
              Zoom out
            </Button>
          )}
        </Group>
        <Group gap="md">
          <Text size="sm" c="var(--faint)" visibleFrom="sm">
            <span className={classes['band']} aria-hidden /> asleep
          </Text>
          <ComputeState state={endpoint?.current_state} />
          {zoomed ? (
            <Badge variant="light" color="gray" tt="none">
              {formatMoment(new Date(zoomed.fromMs).toISOString())}
            </Badge>
          ) : (
            <Badge variant="light" tt="none">
              Live
            </Badge>
          )}
        </Group>
      </Group>
      <QueryView query={metrics} skeletonLines={10}>
        {(answer) => {
          const samples =
            answer.endpoints.find(({ endpoint_id }) => endpoint_id === endpoint?.id)?.samples ?? []
          return (
            endpoint && (
              <Charts
                endpoint={endpoint}
                samples={samples}
                from={answer.from}
                to={answer.to}
                stepSeconds={answer.step_seconds}
                onZoom={zoom}
              />
            )
          )
        }}
      </QueryView>
    </>
  )
}

const lastOf = (period: Period): Span => {
  const toMs = Date.now()
  return { fromMs: toMs - periods[period].ms, toMs }
}

/** As short steps as there are of a quarter of an hour; else what the API thinks best. */
async function readMetrics({ project_id, id }: Branch, { fromMs, toMs }: Span) {
  const isShort = toMs - fromMs <= periods['15m'].ms
  return api.getProjectBranchMetrics({
    path: { project_id, branch_id: id },
    query: {
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      ...(isShort && { step: 15 }),
    },
  })
}

interface ChartsProps {
  endpoint: Endpoint
  samples: readonly ComputeSample[]
  from: string
  to: string
  stepSeconds: number
  onZoom: (range: Span | undefined) => void
}

function Charts({ endpoint, samples, from, to, stepSeconds, onZoom }: ChartsProps): ReactNode {
  const isAwake = endpoint.current_state === 'active'
  const timeline = useMemo(() => {
    const range = { fromMs: Date.parse(from), toMs: Date.parse(to) }
    return createTimeline(samples, range, { stepSeconds, isAwake })
  }, [samples, from, to, stepSeconds, isAwake])
  const stretches = useStretches(endpoint, timeline.range.toMs)
  const wakes = useMemo(() => wakeMarks(samples, stepSeconds), [samples, stepSeconds])
  const usual = { timeline, onZoom }
  const hits = useMemo(() => cacheHits(timeline.samples), [timeline])
  const charts = useMemo(
    () =>
      chartList.map(({ lines, ...chart }) => ({
        ...chart,
        series: lines.map(({ figure, ...line }) => ({
          ...line,
          values: valuesOf(figure, computeFigures[figure].kind, timeline),
        })),
      })),
    [timeline],
  )
  return (
    <SharedCursor>
      <div className={classes['charts']}>
        <SizeChart {...usual} endpoint={endpoint} stretches={stretches} stepSeconds={stepSeconds} />
        <TimeChart
          {...usual}
          title="Memory"
          note="of PostgreSQL with all its processes"
          series={memorySeries(timeline)}
          format={formatBytes}
          base={1024}
        />
        <TimeChart
          {...usual}
          title="Wakes"
          note="how long starts took"
          series={noSeries}
          marks={wakes}
          format={formatSeconds}
          atLeast={0.1}
        />
        <TimeChart
          {...usual}
          title="Cache hits"
          note="of all blocks, those found in shared buffers"
          series={[{ name: 'Hits', values: hits }]}
          format={formatPercent}
          atLeast={100}
        />
        {charts.map((chart) => (
          <TimeChart key={chart.title} {...usual} {...chart} />
        ))}
      </div>
    </SharedCursor>
  )
}

const noSeries = [] as const

const memorySeries = ({ samples }: Timeline<ComputeSample>) => [
  { name: 'Used', color: 2, values: samples.map(({ memory_bytes }) => memory_bytes) },
]

interface SizeChartProps {
  endpoint: Endpoint
  timeline: Timeline<ComputeSample>
  stretches: readonly Stretch[]
  stepSeconds: number
  onZoom: (range: Span) => void
}

/** The size that is allocated, beside what of it is used: 1 CU is one processor and 4 GB. */
function SizeChart(props: SizeChartProps): ReactNode {
  const { endpoint, timeline, stretches, stepSeconds, onZoom } = props
  const { autoscaling_limit_min_cu: min, autoscaling_limit_max_cu: max } = endpoint
  const series = useMemo(
    () => [
      { name: 'Allocated', values: unitsAt(stretches, timeline.times, stepSeconds * 1000) },
      {
        name: 'Processor',
        color: 3,
        values: timeline.samples.map(
          ({ cpu_seconds }, at) => cpu_seconds / (timeline.seconds[at] ?? 1),
        ),
      },
      {
        name: 'Memory',
        color: 2,
        values: timeline.samples.map(({ memory_bytes }) => memory_bytes / bytesPerUnit),
      },
      { name: 'Maximum', color: 6, isLimit: true, values: timeline.times.map(() => max) },
    ],
    [stretches, timeline, stepSeconds, max],
  )
  return (
    <TimeChart
      title="Compute size"
      note={`of ${formatComputeUnits(min, max)}: allocated, and what of it is used`}
      timeline={timeline}
      series={series}
      format={formatNumber}
      onZoom={onZoom}
    />
  )
}

/** Sizes from the ledger, and the one in force. */
function useStretches({ id, project_id, current_state }: Endpoint, toMs: number): Stretch[] {
  const ledger = useQuery({
    queryKey: ['endpoints', project_id, id, 'awake', ledgerMax],
    queryFn: async () =>
      (
        await api.getProjectEndpointAwake({
          path: { project_id, endpoint_id: id },
          query: { limit: ledgerMax },
        })
      ).awake,
    retry: false,
  })
  const status = useQuery({
    ...queries.platform(),
    retry: false,
    refetchInterval: refreshMs,
    enabled: current_state === 'active',
  })
  const units = status.data?.computes.find((one) => one.endpoint_id === id)?.compute_units
  const events = ledger.data?.events
  return useMemo(() => {
    const now =
      units !== undefined && current_state === 'active' ? { atMs: toMs, units } : undefined
    return allocatedStretches(events ?? [], now)
  }, [events, units, current_state, toMs])
}

/** A pin for each step in which it woke, as high as the starts took on the average. */
function wakeMarks(samples: readonly ComputeSample[], stepSeconds: number): Mark[] {
  return samples
    .filter(({ wakes }) => wakes > 0)
    .map(({ at, wakes, wake_seconds }) => {
      const value = wake_seconds / wakes
      const what = wakes === 1 ? 'Woke' : `Woke ${wakes} times`
      return {
        atMs: Date.parse(at) + stepSeconds * 500,
        value,
        label: `${what} in ${formatSeconds(value)}, ${formatMoment(at)}`,
      }
    })
}
