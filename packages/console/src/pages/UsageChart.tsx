import type { ConsumptionTimeframe } from '@coppice/api'
import { Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { api } from '../api/client.ts'
import { formatHours } from '../ui/format.ts'
import { Panel } from '../ui/Panel.tsx'
import { QueryView } from '../ui/QueryView.tsx'

import classes from './usage-chart.module.css'

const days = 14
const dayMs = 86_400_000

/** Compute time of the last two weeks, a bar for each day. */
export function UsageChart({ projectId }: { projectId: string }): ReactNode {
  const usage = useQuery({
    queryKey: ['consumption', projectId, 'daily'],
    queryFn: async () => readDays(projectId),
    // Summed up every few seconds by the platform; looked at less often.
    refetchInterval: 60_000,
  })
  return (
    <Panel title="Compute by day" description="Hours of one compute unit, the last two weeks">
      <QueryView query={usage} skeletonLines={3}>
        {(found) => <Bars days={found} />}
      </QueryView>
    </Panel>
  )
}

interface Day {
  date: string
  seconds: number
}

function Bars({ days: found }: { days: readonly Day[] }): ReactNode {
  const most = Math.max(1, ...found.map(({ seconds }) => seconds))
  const total = found.reduce((sum, { seconds }) => sum + seconds, 0)
  return (
    <>
      <div
        className={classes['bars']}
        role="img"
        aria-label={`${formatHours(total)} in the last ${days} days`}
      >
        {found.map(({ date, seconds }) => (
          <div key={date} className={classes['column']} title={`${date}: ${formatHours(seconds)}`}>
            <div
              className={classes['bar']}
              style={{ height: `${(seconds / most) * 100}%` }}
              data-empty={seconds === 0 || undefined}
            />
          </div>
        ))}
      </div>
      <Group justify="space-between" mt={6}>
        <Text size="xs" c="var(--faint)">
          {found[0]?.date}
        </Text>
        <Text size="xs" c="var(--faint)">
          {formatHours(total)} in all
        </Text>
        <Text size="xs" c="var(--faint)">
          today
        </Text>
      </Group>
    </>
  )
}

async function readDays(projectId: string): Promise<Day[]> {
  const today = Math.floor(Date.now() / dayMs) * dayMs
  const from = new Date(today - (days - 1) * dayMs)
  const { projects } = await api.getConsumptionHistoryPerProject({
    query: {
      from: from.toISOString(),
      to: new Date(today + dayMs).toISOString(),
      granularity: 'daily',
      project_ids: [projectId],
    },
  })
  const frames = projects.flatMap(({ periods }) => periods.flatMap((one) => one.consumption))
  return Array.from({ length: days }, (_, day) => {
    const start = new Date(from.getTime() + day * dayMs)
    return {
      date: start.toLocaleDateString(undefined, {
        day: 'numeric',
        month: 'short',
        timeZone: 'UTC',
      }),
      seconds: sumOf(frames, start.getTime()),
    }
  })
}

function sumOf(frames: readonly ConsumptionTimeframe[], startMs: number): number {
  return frames
    .filter(({ timeframe_start }) => Date.parse(timeframe_start) === startMs)
    .reduce((sum, { compute_time_seconds }) => sum + compute_time_seconds, 0)
}
