import { SimpleGrid, Text } from '@mantine/core'
import { IconChartBar } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import type { TableDetails, TableStatistics } from '../../sql/catalog.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { StatTile } from '../../ui/StatTile.tsx'

import classes from './tables.module.css'

/** What PostgreSQL has counted of a table since its statistics began. */
export function StatisticsTab({ details }: { details: TableDetails }): ReactNode {
  const { statistics, sizes } = details
  if (statistics === null) {
    return (
      <EmptyState icon={IconChartBar} title="Nothing is counted here">
        PostgreSQL keeps statistics of tables and materialized views.
      </EmptyState>
    )
  }
  const { live_rows, dead_rows } = statistics
  const dead = live_rows + dead_rows === 0 ? 0 : (100 * dead_rows) / (live_rows + dead_rows)
  const scans = statistics.sequential_scans + statistics.index_scans
  const indexed = scans === 0 ? undefined : (100 * statistics.index_scans) / scans
  return (
    <div style={{ padding: 'var(--mantine-spacing-md)' }}>
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md" mb="lg">
        <StatTile
          label="Live rows"
          value={formatCount(live_rows)}
          note={`${formatCount(statistics.modified_since_analyze)} changed since analyze`}
        />
        <StatTile
          label="Dead rows"
          value={formatCount(dead_rows)}
          note={`${dead.toFixed(dead < 10 ? 1 : 0)} % of all; vacuum frees them`}
        />
        <StatTile
          label="By an index"
          value={indexed === undefined ? '–' : `${Math.round(indexed)} %`}
          note={scans === 0 ? 'never scanned' : `of ${formatCount(scans)} scans`}
        />
        <StatTile
          label="Size"
          value={formatBytes(sizes.total)}
          note={`${formatBytes(sizes.indexes)} of it indexes`}
        />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Facts facts={writes(statistics)} />
        <Facts facts={upkeep(statistics)} />
      </SimpleGrid>
      {details.indexes.length > 0 && (
        <div style={{ marginTop: 'var(--mantine-spacing-lg)' }}>
          <Text fw={650} mb={4}>
            Use of indexes
          </Text>
          <DataTable
            label="Use of indexes"
            rows={details.indexes}
            rowKey={({ name }) => name}
            columns={indexColumns}
            rowHeight={38}
          />
        </div>
      )}
    </div>
  )
}

const indexColumns: Column<TableDetails['indexes'][number]>[] = [
  { title: 'Index', width: 'minmax(120px, 3fr)', cell: ({ name }) => name },
  { title: 'Scans', width: '1fr', align: 'right', cell: ({ scans }) => formatCount(scans) },
  { title: 'Size', width: '1fr', align: 'right', cell: (one) => formatBytes(one.size_bytes) },
]

type Fact = readonly [string, ReactNode]

const writes = (statistics: TableStatistics): Fact[] => [
  ['Rows inserted', formatCount(statistics.inserted)],
  [
    'Rows updated',
    `${formatCount(statistics.updated)}, ${formatCount(statistics.hot_updated)} of them without touching an index`,
  ],
  ['Rows deleted', formatCount(statistics.deleted)],
  [
    'Sequential scans',
    `${formatCount(statistics.sequential_scans)}, which read ${formatCount(statistics.sequential_rows)} rows`,
  ],
  [
    'Index scans',
    `${formatCount(statistics.index_scans)}, which fetched ${formatCount(statistics.index_rows)} rows`,
  ],
]

const upkeep = (statistics: TableStatistics): Fact[] => [
  ['Last vacuum', <When key="v" at={statistics.last_vacuum} />],
  ['Last autovacuum', <When key="av" at={statistics.last_autovacuum} />],
  ['Last analyze', <When key="a" at={statistics.last_analyze} />],
  ['Last autoanalyze', <When key="aa" at={statistics.last_autoanalyze} />],
]

const When = ({ at }: { at: string | null }): ReactNode =>
  at === null ? 'never' : <RelativeTime at={at} />

export function Facts({ facts }: { facts: readonly Fact[] }): ReactNode {
  return (
    <dl className={classes['facts']}>
      {facts.map(([name, value]) => (
        <div key={name} style={{ display: 'contents' }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
