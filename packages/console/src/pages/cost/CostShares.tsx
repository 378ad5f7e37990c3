import type { CostReport, CostShare } from '@coppice/api'
import { SegmentedControl, Text } from '@mantine/core'
import { IconGitBranch } from '@tabler/icons-react'
import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { queries } from '../../api/queries.ts'
import { paths } from '../../paths.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatAmount, formatHours, formatMoney } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { TextLink } from '../../ui/TextLink.tsx'

type Grouping = 'branch' | 'endpoint'

interface CostSharesProps {
  projectId: string
  cost: UseQueryResult<CostReport, Error>
  by: Grouping
  onChange: (by: Grouping) => void
}

/** Who has used what, the dearest first. */
export function CostShares({ projectId, cost, by, onChange }: CostSharesProps): ReactNode {
  return (
    <Panel
      title="By branch and compute"
      description="Without what is free in a month, which is taken off the sum once."
      flush
      actions={
        <SegmentedControl
          size="xs"
          aria-label="Parts"
          value={by}
          onChange={(value) => onChange(value as Grouping)}
          data={[
            { value: 'branch', label: 'Branches' },
            { value: 'endpoint', label: 'Computes' },
          ]}
        />
      }
    >
      <QueryView query={cost}>
        {({ shares, prices }) =>
          shares.length === 0 ? (
            <EmptyState icon={IconGitBranch} title="Nothing was used">
              What branches store and their computes use in this month is listed here.
            </EmptyState>
          ) : (
            <Shares {...{ projectId, shares, by }} currency={prices.currency} />
          )
        }
      </QueryView>
    </Panel>
  )
}

interface SharesProps {
  projectId: string
  shares: readonly CostShare[]
  by: Grouping
  currency: string
}

const gigabytes = (amount: number): string => (amount > 0 ? `${formatAmount(amount)} GB` : '–')

function Shares({ projectId, shares, by, currency }: SharesProps): ReactNode {
  const branches = useQuery(queries.branches(projectId)).data
  // Until it is known, none is said to be gone.
  const isThere = (branchId: string): boolean =>
    branches === undefined || branches.some(({ id }) => id === branchId)
  const stored: Column<CostShare>[] = [
    {
      title: 'Storage',
      width: 'minmax(80px, 1fr)',
      align: 'right',
      wideOnly: true,
      cell: ({ storage_gb_months, snapshot_gb_months }) =>
        gigabytes(storage_gb_months + snapshot_gb_months),
    },
    {
      title: 'History',
      width: 'minmax(80px, 1fr)',
      align: 'right',
      wideOnly: true,
      cell: ({ history_gb_months }) => gigabytes(history_gb_months),
    },
    {
      title: 'Its own',
      width: 'minmax(80px, 1fr)',
      align: 'right',
      wideOnly: true,
      cell: ({ exclusive_gb }) => gigabytes(exclusive_gb ?? 0),
    },
  ]
  const columns: Column<CostShare>[] = [
    {
      title: by === 'branch' ? 'Branch' : 'Compute',
      width: 'minmax(110px, 2fr)',
      cell: ({ branch_id, branch_name, endpoint_id }) => (
        <>
          {isThere(branch_id) ? (
            <TextLink to={paths.branch(projectId, branch_id)}>{branch_name}</TextLink>
          ) : (
            <Text size="sm" c="var(--faint)" truncate>
              {branch_name} (gone)
            </Text>
          )}
          {endpoint_id !== undefined && (
            <Text size="xs" c="var(--faint)" truncate>
              {endpoint_id}
            </Text>
          )}
        </>
      ),
    },
    {
      title: 'Awake',
      width: 'minmax(60px, 1fr)',
      align: 'right',
      cell: ({ active_hours }) => formatHours(active_hours * 3600),
    },
    {
      title: 'CU-hours',
      width: 'minmax(70px, 1fr)',
      align: 'right',
      wideOnly: true,
      cell: ({ compute_unit_hours }) => formatAmount(compute_unit_hours),
    },
    ...(by === 'branch' ? stored : []),
    {
      title: 'Egress',
      width: 'minmax(80px, 1fr)',
      align: 'right',
      wideOnly: true,
      cell: ({ egress_gb }) => gigabytes(egress_gb),
    },
    {
      title: 'Cost',
      width: 'minmax(70px, 1fr)',
      align: 'right',
      cell: ({ cost }) => formatMoney(cost, currency),
    },
  ]
  return (
    <DataTable
      label="By branch and compute"
      rows={shares}
      rowKey={({ branch_id, endpoint_id }) => endpoint_id ?? branch_id}
      columns={columns}
      rowHeight={by === 'branch' ? 44 : 54}
      maxHeight={480}
    />
  )
}
