import type { CostItem, CostReport } from '@coppice/api'
import { Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'

import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { formatAmount, formatMoney, formatPrice } from '../../ui/format.ts'
import { metricTexts } from './metrics.ts'

/** What was used of each kind, what of it is free, and what the rest comes to. */
export function CostItems({ report }: { report: CostReport }): ReactNode {
  const { items, prices, is_running, total, estimate } = report
  const money = (amount: number): string => formatMoney(amount, prices.currency)
  const columns: Column<CostItem>[] = [
    {
      title: 'Kind',
      width: 'minmax(80px, 1.2fr)',
      cell: ({ metric }) => <Text size="sm">{metricTexts[metric].label}</Text>,
    },
    {
      title: 'Used',
      width: 'minmax(120px, 1.4fr)',
      align: 'right',
      cell: ({ metric, quantity }) => `${formatAmount(quantity)} ${metricTexts[metric].unit}`,
    },
    {
      title: 'Of it free',
      width: 'minmax(80px, 1fr)',
      align: 'right',
      wideOnly: true,
      cell: ({ included }) => (included > 0 ? formatAmount(included) : '–'),
    },
    {
      title: 'Price',
      width: 'minmax(70px, 1fr)',
      align: 'right',
      wideOnly: true,
      cell: ({ price }) => (price > 0 ? formatPrice(price, prices.currency) : 'free'),
    },
    { title: 'Cost', width: 'minmax(70px, 1fr)', align: 'right', cell: ({ cost }) => money(cost) },
    ...(is_running
      ? [
          {
            title: 'Whole month',
            width: 'minmax(80px, 1fr)',
            align: 'right',
            wideOnly: true,
            cell: (item: CostItem) => money(item.estimate),
          } as const,
        ]
      : []),
  ]
  return (
    <>
      <DataTable
        label="What it is for"
        rows={items}
        rowKey={({ metric }) => metric}
        columns={columns}
        rowHeight={42}
      />
      <Group justify="flex-end" px="md" py="sm" gap="xs">
        <Text size="sm" fw={600} className="figures">
          {money(total)} {is_running ? `so far, ${money(estimate)} for the whole month` : 'in all'}
        </Text>
      </Group>
    </>
  )
}
