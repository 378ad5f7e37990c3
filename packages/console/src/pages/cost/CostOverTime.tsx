import type { CostHistory, CostMetric, CostReport, CostTimeframe } from '@coppice/api'
import { Group, SegmentedControl, Select } from '@mantine/core'
import { IconChartBar } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { queries } from '../../api/queries.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatAmount, formatMoney } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { expectedDays } from './expected-days.ts'
import { metricTexts } from './metrics.ts'
import { daysOf, type Month, monthOf } from './months.ts'
import { StackedBars, Swatch } from './StackedBars.tsx'
import type { Column } from './stacks.ts'

type Step = 'daily' | 'monthly'
type Measure = 'cost' | CostMetric

const metrics = Object.keys(metricTexts) as CostMetric[]

const colors: Readonly<Record<CostMetric, string>> = {
  compute: 'var(--mantine-primary-color-filled)',
  storage: 'var(--mantine-color-blue-5)',
  history: 'var(--mantine-color-violet-5)',
  snapshots: 'var(--mantine-color-pink-5)',
  egress: 'var(--mantine-color-orange-5)',
  branches: 'var(--mantine-color-gray-6)',
}

interface CostOverTimeProps {
  projectId: string
  month: Month
  report: CostReport | undefined
}

/** Cost, or what was used of one kind, by day or by month, with what is expected of the rest. */
export function CostOverTime({ projectId, month, report }: CostOverTimeProps): ReactNode {
  const [now] = useState(() => new Date())
  const days = daysOf(month, now)
  const [chosenStep, setStep] = useState<Step>('daily')
  const [chosenMeasure, setMeasure] = useState<Measure>()
  const step = days === undefined ? 'monthly' : chosenStep
  // Where nothing costs anything, what is used is worth more to look at.
  const measure = chosenMeasure ?? (report && report.estimate === 0 ? 'compute' : 'cost')
  const range = step === 'daily' && days ? days : { from: monthOf(now, -11).start, to: now }
  const history = useQuery(queries.costHistory(projectId, step, range.from, range.to))
  return (
    <Panel
      title="Over time"
      description={days === undefined ? 'Days are kept for 60 days.' : undefined}
      actions={
        <Group gap="xs">
          <Select
            aria-label="Measure"
            size="xs"
            w={130}
            data={[
              { value: 'cost', label: 'Cost' },
              ...metrics.map((metric) => ({ value: metric, label: metricTexts[metric].label })),
            ]}
            value={measure}
            onChange={(value) => setMeasure((value ?? 'cost') as Measure)}
            allowDeselect={false}
          />
          <SegmentedControl
            aria-label="Step"
            size="xs"
            value={step}
            onChange={(value) => setStep(value as Step)}
            data={[
              { value: 'daily', label: 'Days', disabled: days === undefined },
              { value: 'monthly', label: 'Months' },
            ]}
          />
        </Group>
      }
    >
      <QueryView query={history} skeletonLines={6}>
        {(found) => <Chart {...{ history: found, report, month, step, measure }} />}
      </QueryView>
    </Panel>
  )
}

interface ChartProps {
  history: CostHistory
  report: CostReport | undefined
  month: Month
  step: Step
  measure: Measure
}

function Chart({ history, report, month, step, measure }: ChartProps): ReactNode {
  const { timeframes, prices } = history
  const shown = measure === 'cost' ? metrics : [measure]
  const format = (value: number): string =>
    measure === 'cost' ? formatMoney(value, prices.currency) : formatAmount(value)
  const known = timeframes.map((one): Column => ({
    key: one.timeframe_start,
    label: labelOf(one, step),
    values: shown.map((metric) => valueOf(one, metric, measure === 'cost')),
  }))
  if (known.every(({ values }) => values.every((value) => value === 0))) {
    return (
      <EmptyState icon={IconChartBar} title="Nothing to draw">
        {measure === 'cost'
          ? 'All that was used is free by this price list. Choose another measure to see it.'
          : `There was no ${metricTexts[measure].label.toLowerCase()} in this time.`}
      </EmptyState>
    )
  }
  const rest =
    step === 'daily' && report?.is_running
      ? expectedDays(report, month, new Date()).map((day): Column => ({
          key: day.start.toISOString(),
          label: dayLabel(day.start),
          values: shown.map((metric) =>
            measure === 'cost' ? day.cost[metric] : day.quantity[metric],
          ),
          isExpected: true,
        }))
      : []
  const used = shown.filter((_, at) => known.some(({ values }) => (values[at] ?? 0) > 0))
  const unit = measure === 'cost' ? prices.currency : metricTexts[measure].unit
  return (
    <>
      <StackedBars
        label={`${measure === 'cost' ? 'Cost' : metricTexts[measure].label} in ${unit}, ${step}`}
        series={shown.map((metric) => ({
          label: metricTexts[metric].label,
          color: colors[metric],
        }))}
        columns={[...known, ...rest]}
        format={format}
      />
      <Group gap="md" mt="xs" justify="center">
        {used.map((metric) => (
          <Swatch key={metric} color={colors[metric]}>
            {metricTexts[metric].label}
            {measure !== 'cost' && `, ${unit}`}
          </Swatch>
        ))}
      </Group>
    </>
  )
}

function valueOf({ items }: CostTimeframe, metric: CostMetric, isCost: boolean): number {
  const item = items.find((one) => one.metric === metric)
  // A rounding error is no bar.
  return Math.max(0, (isCost ? item?.cost : item?.quantity) ?? 0)
}

const dayLabel = (start: Date): string =>
  start.toLocaleDateString('en', { day: 'numeric', month: 'short', timeZone: 'UTC' })

function labelOf({ timeframe_start }: CostTimeframe, step: Step): string {
  const start = new Date(timeframe_start)
  if (step === 'daily') return dayLabel(start)
  return start.toLocaleDateString('en', { month: 'short', timeZone: 'UTC' })
}
