import type { CostReport } from '@coppice/api'
import { Anchor, Button, Select, SimpleGrid, Stack } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link, useSearchParams } from 'react-router'

import { queries } from '../../api/queries.ts'
import { paths } from '../../paths.ts'
import { formatAmount, formatMoney, formatMonth } from '../../ui/format.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { saveFile } from '../../ui/save-file.ts'
import { StatTile } from '../../ui/StatTile.tsx'
import { useProjectId } from '../use-project-id.ts'
import { ByList } from './ByList.tsx'
import { costCsv } from './cost-csv.ts'
import { CostAdvice } from './CostAdvice.tsx'
import { CostItems } from './CostItems.tsx'
import { CostOverTime } from './CostOverTime.tsx'
import { CostShares } from './CostShares.tsx'
import { listLabels } from './metrics.ts'
import { type Month, monthOf, monthsSince } from './months.ts'

/** What a project has used in a month, what that costs by the price list, and what could cost less. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const createdAt = useQuery(queries.project(projectId)).data?.created_at
  const [params, setParams] = useSearchParams()
  const now = new Date()
  const months = monthsSince(createdAt === undefined ? now : new Date(createdAt), now)
  const month = months.find(({ name }) => name === params.get('month')) ?? monthOf(now)
  const by = params.get('by') === 'endpoint' ? 'endpoint' : 'branch'
  const cost = useQuery(queries.cost(projectId, month.name, by))
  const change = (name: string, value: string | null): void => {
    const changed = new URLSearchParams(params)
    if (value === null) changed.delete(name)
    else changed.set(name, value)
    setParams(changed, { replace: true })
  }
  const report = cost.data
  return (
    <>
      <PageHeader
        title="Usage and cost"
        description={
          report && (
            <>
              By the price list “{listLabels[report.preset]}”.{' '}
              <Anchor
                component={Link}
                to={paths.settings(projectId, 'prices')}
                size="sm"
                underline="always"
              >
                Change prices
              </Anchor>
            </>
          )
        }
        actions={
          <>
            <Select
              aria-label="Month"
              w={180}
              data={months.map(({ name, start }) => ({ value: name, label: formatMonth(start) }))}
              value={month.name}
              onChange={(name) => change('month', name)}
              allowDeselect={false}
            />
            <Button
              variant="default"
              leftSection={<IconDownload size={16} />}
              disabled={report === undefined}
              onClick={() =>
                report &&
                saveFile(`cost-${projectId}-${month.name}.csv`, 'text/csv', costCsv(report))
              }
            >
              CSV
            </Button>
          </>
        }
      />
      <Stack gap="md">
        <Sums projectId={projectId} month={month} report={report} />
        <CostOverTime key={month.name} projectId={projectId} month={month} report={report} />
        <Panel title="What it is for" flush>
          <QueryView query={cost}>{(found) => <CostItems report={found} />}</QueryView>
        </Panel>
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
          <Panel
            title="By other lists"
            description={
              report?.is_running ? 'The whole month, if it goes on like this' : undefined
            }
          >
            <QueryView query={cost}>{(found) => <ByList report={found} />}</QueryView>
          </Panel>
          <Panel title="What could cost less">
            <QueryView query={cost}>{(found) => <CostAdvice report={found} />}</QueryView>
          </Panel>
        </SimpleGrid>
        <CostShares
          projectId={projectId}
          cost={cost}
          by={by}
          onChange={(value) => change('by', value === 'branch' ? null : value)}
        />
      </Stack>
    </>
  )
}

interface SumsProps {
  projectId: string
  month: Month
  report: CostReport | undefined
}

function Sums({ projectId, month, report }: SumsProps): ReactNode {
  const before = monthOf(month.start, -1)
  const former = useQuery(queries.cost(projectId, before.name)).data
  const money = (amount: number): string => formatMoney(amount, report?.prices.currency ?? 'USD')
  const saved = report?.saved
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md">
      <StatTile
        label={report?.is_running ? 'So far this month' : formatMonth(month.start)}
        value={report && money(report.total)}
        note={report?.is_running ? 'until now' : 'the whole month'}
      />
      <StatTile
        label={report?.is_running === false ? 'On an average day' : 'Whole month'}
        value={report && money(report.is_running ? report.estimate : report.total / daysIn(month))}
        note={report?.is_running === false ? `of ${daysIn(month)} days` : 'if it goes on like this'}
      />
      <StatTile
        label={formatMonth(before.start)}
        value={former && money(former.total)}
        note={former && report ? compared(report, former.total) : ' '}
      />
      <StatTile
        label="Saved"
        value={saved && money(saved.sleeping_cost + saved.sharing_cost)}
        note={
          saved
            ? `${formatAmount(saved.sleeping_hours)} hours asleep, ${formatAmount(saved.shared_gb_months)} GB-months shared`
            : ' '
        }
      />
    </SimpleGrid>
  )
}

const daysIn = ({ start, end }: Month): number =>
  Math.round((end.getTime() - start.getTime()) / 86_400_000)

/** A month beside the one before. */
function compared({ estimate, is_running }: CostReport, former: number): string {
  if (former === 0) return estimate === 0 ? 'nothing either' : 'nothing then'
  const percent = Math.round((estimate / former - 1) * 100)
  const when = is_running ? 'now' : 'a month later'
  if (percent === 0) return `about the same ${when}`
  return `${Math.abs(percent)} % ${percent > 0 ? 'more' : 'less'} ${when}`
}
