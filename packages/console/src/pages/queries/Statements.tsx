import { Button, Group, Modal, NativeSelect, Text, TextInput, UnstyledButton } from '@mantine/core'
import { IconFilter, IconListDetails, IconRotate } from '@tabler/icons-react'
import { type ReactNode, useMemo, useState } from 'react'

import { ask, useQuietQuery } from '../../api/quiet-query.ts'
import { useAction } from '../../api/use-action.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatBytes } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { SqlText } from '../../ui/SqlText.tsx'
import {
  type CountedStatement,
  readStatements,
  resetStatementsSql,
  type Statements as Found,
  statementsSql,
} from './catalog-queries.ts'
import type { Looked } from './looked.ts'
import { QuietView } from './QuietView.tsx'
import { formatShort } from './statement-text.ts'
import { StatementDetails } from './StatementDetails.tsx'
import { WithExtension } from './WithExtension.tsx'

import classes from './queries.module.css'

const everyMs = 15_000

/** What statements can be ranked by. */
const orders = {
  total: { label: 'Total time', of: (one: CountedStatement) => one.totalMs },
  mean: { label: 'Mean time', of: (one: CountedStatement) => one.meanMs },
  calls: { label: 'Calls', of: (one: CountedStatement) => one.calls },
  rows: { label: 'Rows', of: (one: CountedStatement) => one.rows },
  read: { label: 'Blocks read', of: (one: CountedStatement) => one.blocksRead },
  wal: { label: 'WAL', of: (one: CountedStatement) => one.walBytes },
} as const
type Order = keyof typeof orders

/** The statements of a database as pg_stat_statements has counted them, the costliest first. */
export function Statements(looked: Looked): ReactNode {
  return (
    <WithExtension {...looked} title="Statements" name="pg_stat_statements">
      <CountedStatements {...looked} />
    </WithExtension>
  )
}

function CountedStatements({ place, endpoint }: Looked): ReactNode {
  const query = useQuietQuery({
    place,
    endpoint,
    name: 'statements',
    sql: statementsSql,
    read: readStatements,
    everyMs,
  })
  const reset = useAction({
    run: async () => ask(place, resetStatementsSql, { mayWake: true }),
    done: () => 'Counting begins anew',
  })
  const [isAsked, setIsAsked] = useState(false)
  const since = query.data?.since
  return (
    <Panel
      flush
      title="Statements"
      description={`Of database ${place.database}, by pg_stat_statements`}
      actions={
        query.data && (
          <Group gap="sm">
            {since !== undefined && (
              <Text size="sm" c="var(--faint)" visibleFrom="sm">
                since <RelativeTime at={since} />
              </Text>
            )}
            <Button
              variant="default"
              size="xs"
              leftSection={<IconRotate size={14} />}
              onClick={() => setIsAsked(true)}
            >
              Reset
            </Button>
          </Group>
        )
      }
    >
      <QuietView query={query} endpoint={endpoint} keepsLast skeletonLines={8}>
        {(found) => <Ranking found={found} place={place} />}
      </QuietView>
      <Modal opened={isAsked} onClose={() => setIsAsked(false)} title="Count anew?">
        <Text size="sm">
          Everything that was counted of every database of this branch is forgotten. The database
          itself is not touched.
        </Text>
        <Group justify="flex-end" gap="xs" mt="md">
          <Button variant="default" onClick={() => setIsAsked(false)}>
            Keep it
          </Button>
          <Button
            color="red"
            loading={reset.isPending}
            onClick={() => reset.mutate(undefined, { onSuccess: () => setIsAsked(false) })}
          >
            Reset
          </Button>
        </Group>
      </Modal>
    </Panel>
  )
}

function Ranking({ found, place }: Pick<Looked, 'place'> & { found: Found }): ReactNode {
  const [order, setOrder] = useState<Order>('total')
  const [filter, setFilter] = useState('')
  const [opened, setOpened] = useState<CountedStatement>()
  const { statements } = found
  const total = useMemo(() => statements.reduce((sum, one) => sum + one.totalMs, 0), [statements])
  const shown = useMemo(() => {
    const wanted = filter.trim().toLowerCase()
    return statements
      .filter(
        ({ query, role }) => query.toLowerCase().includes(wanted) || role.toLowerCase() === wanted,
      )
      .toSorted((one, other) => orders[order].of(other) - orders[order].of(one))
  }, [statements, filter, order])
  if (statements.length === 0) {
    return (
      <EmptyState icon={IconListDetails} title="Nothing has been counted yet">
        Statements show here once they have run on {place.database}.
      </EmptyState>
    )
  }
  return (
    <>
      <Group px="md" pb="sm" gap="sm">
        <TextInput
          aria-label="Filter statements"
          placeholder="Filter by text or role"
          leftSection={<IconFilter size={16} />}
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
          flex="1 1 220px"
        />
        <NativeSelect
          aria-label="Order by"
          data={Object.entries(orders).map(([value, { label }]) => ({
            value,
            label: `By ${label.toLowerCase().replace('wal', 'WAL')}`,
          }))}
          value={order}
          onChange={(event) => setOrder(event.currentTarget.value as Order)}
        />
      </Group>
      {shown.length === 0 ? (
        <EmptyState icon={IconFilter} title="No such statement">
          None of {statements.length} is like that.
        </EmptyState>
      ) : (
        <DataTable
          label="Statements"
          rows={shown}
          rowKey={({ id }) => id}
          columns={columnsOf(total, setOpened)}
        />
      )}
      {opened && (
        <StatementDetails
          statement={opened}
          share={total > 0 ? opened.totalMs / total : 0}
          place={place}
          onClose={() => setOpened(undefined)}
        />
      )}
    </>
  )
}

const count = (value: number): string => value.toLocaleString()

function columnsOf(
  total: number,
  onOpen: (statement: CountedStatement) => void,
): Column<CountedStatement>[] {
  return [
    {
      title: 'Statement',
      width: 'minmax(120px, 5fr)',
      cell: (statement) => (
        <UnstyledButton
          className={classes['open'] ?? ''}
          onClick={() => onOpen(statement)}
          aria-label={`Details of ${statement.query.slice(0, 80)}`}
        >
          <SqlText sql={statement.query} isLine />
        </UnstyledButton>
      ),
    },
    {
      title: 'Total time',
      width: '96px',
      align: 'right',
      cell: ({ totalMs }) => (
        <div className={classes['total']}>
          {formatShort(totalMs)}
          <span
            className={classes['share']}
            style={{ width: `${total > 0 ? (100 * totalMs) / total : 0}%` }}
            aria-hidden
          />
        </div>
      ),
    },
    {
      title: 'Mean',
      width: '78px',
      align: 'right',
      cell: ({ meanMs }) => formatShort(meanMs),
    },
    {
      title: 'Calls',
      width: '64px',
      align: 'right',
      cell: ({ calls }) => count(calls),
      wideOnly: true,
    },
    {
      title: 'Rows',
      width: '74px',
      align: 'right',
      cell: ({ rows }) => count(rows),
      wideOnly: true,
    },
    {
      title: 'Blocks read',
      width: '84px',
      align: 'right',
      cell: ({ blocksRead }) => count(blocksRead),
      wideOnly: true,
    },
    {
      title: 'WAL',
      width: '72px',
      align: 'right',
      cell: ({ walBytes }) => formatBytes(walBytes),
      wideOnly: true,
    },
  ]
}
