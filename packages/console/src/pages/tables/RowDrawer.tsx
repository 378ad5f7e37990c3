import { Button, Drawer, Group, Text } from '@mantine/core'
import { IconArrowUpRight } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { runSql, type SqlPlace } from '../../api/run-sql.ts'
import type { IncomingKey, TableColumn, TableDetails } from '../../sql/catalog.ts'
import { type Filter, renderFilter } from '../../sql/filters.ts'
import { quoteTable, type TableName } from '../../sql/quote.ts'
import { CopyIcon } from '../../ui/CopyField.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { TextLink } from '../../ui/TextLink.tsx'
import { isCode, isJson, pointedAt, referringTo } from './cells.ts'
import { CellValue } from './CellValue.tsx'
import { formatJson } from './format-json.ts'
import { placeKey, wholeRowQuery } from './table-queries.ts'

import classes from './tables.module.css'

type LinkTo = (table: TableName, change: { filters: Filter[] }) => string

interface RowDrawerProps {
  place: SqlPlace
  details: TableDetails
  /** The row's key; undefined while none is open. */
  rowKey: Record<string, string> | undefined
  linkTo: LinkTo
  onClose: () => void
}

/** All of a row: each value in full, what it points at, and what points at it. */
export function RowDrawer(props: RowDrawerProps): ReactNode {
  const { details, rowKey, onClose } = props
  return (
    <Drawer
      opened={rowKey !== undefined}
      onClose={onClose}
      position="right"
      size="md"
      title={rowKey && `${details.name} ${Object.values(rowKey).join(', ')}`}
      styles={{ title: { fontWeight: 650, overflowWrap: 'anywhere' } }}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {rowKey && <WholeRow {...props} rowKey={rowKey} />}
    </Drawer>
  )
}

interface WholeRowProps extends RowDrawerProps {
  rowKey: Record<string, string>
}

function WholeRow({ place, details, rowKey, linkTo }: WholeRowProps): ReactNode {
  const row = useQuery(wholeRowQuery(place, details, rowKey))
  return (
    <QueryView query={row} skeletonLines={8}>
      {(found) =>
        found === null ? (
          <Text size="sm" c="var(--faint)">
            There is no such row any more.
          </Text>
        ) : (
          <>
            {details.columns.map((column) => (
              <ColumnValue
                key={column.name}
                column={column}
                value={found.values[column.name] ?? null}
                links={details.foreign_keys.flatMap((key) => {
                  const filters = pointedAt(key, found.values)
                  return filters && key.columns.includes(column.name)
                    ? [{ to: linkTo(key.table, { filters }), table: key.table }]
                    : []
                })}
              />
            ))}
            {details.referenced_by.length > 0 && (
              <section aria-label="Who refers to this row">
                <Text fw={650} mt="lg" mb={4}>
                  Who refers to this row
                </Text>
                {details.referenced_by.map((key) => {
                  const filters = referringTo(key, found.values)
                  return (
                    filters && (
                      <Referring
                        key={`${key.table.schema} ${key.table.name} ${key.name}`}
                        {...{ place, filters, linkTo }}
                        foreignKey={key}
                      />
                    )
                  )
                })}
              </section>
            )}
          </>
        )
      }
    </QueryView>
  )
}

interface ColumnValueProps {
  column: TableColumn
  value: string | null
  links: { to: string; table: TableName }[]
}

function ColumnValue({ column, value, links }: ColumnValueProps): ReactNode {
  return (
    <div className={classes['drawerColumn']}>
      <Group justify="space-between" wrap="nowrap" gap="xs" mih={28}>
        <Text size="xs" c="var(--faint)" style={{ overflowWrap: 'anywhere' }}>
          <Text span size="sm" fw={600} c="var(--mantine-color-text)">
            {column.name}
          </Text>{' '}
          {column.type}
        </Text>
        {value !== null && value !== '' && <CopyIcon value={value} label={`Copy ${column.name}`} />}
      </Group>
      {value === null || value === '' || column.base_type === 'bool' ? (
        <Text size="sm" component="div">
          <CellValue column={column} value={value} />
        </Text>
      ) : (
        <pre className={classes['value']} data-code={isCode(column) || undefined} tabIndex={0}>
          {isJson(column) ? formatJson(value) : value}
        </pre>
      )}
      {links.map(({ to, table }) => (
        <Group key={to} gap={4} mt={4}>
          <IconArrowUpRight size={14} aria-hidden />
          <TextLink to={to}>{`${table.schema}.${table.name}`}</TextLink>
        </Group>
      ))}
    </div>
  )
}

/** So many are counted by themselves; whoever wants more looks. */
const countUpTo = 1000

interface ReferringProps {
  place: SqlPlace
  foreignKey: IncomingKey
  filters: Filter[]
  linkTo: LinkTo
}

/** Rows of another table that refer to this one; counted at once only where that costs little. */
function Referring({ place, foreignKey, filters, linkTo }: ReferringProps): ReactNode {
  const { table, columns, is_cheap } = foreignKey
  const [isAsked, setIsAsked] = useState(false)
  const conditions = filters.map(renderFilter).join(' AND ')
  const count = useQuery({
    queryKey: [...placeKey(place), 'referring', table.schema, table.name, filters],
    queryFn: async ({ signal }) => {
      const some = `SELECT FROM ${quoteTable(table)} WHERE ${conditions} LIMIT ${countUpTo + 1}`
      const sql = `SELECT count(*) FROM (${some}) referring`
      const [result] = await runSql(place, sql, { readOnly: true, timeoutSeconds: 20, signal })
      return Number(result?.rows[0]?.[0])
    },
    enabled: is_cheap || isAsked,
    staleTime: Infinity,
  })
  return (
    <Group justify="space-between" wrap="nowrap" className={classes['drawerColumn'] ?? ''}>
      <div style={{ minWidth: 0 }}>
        <TextLink to={linkTo(table, { filters })}>{`${table.schema}.${table.name}`}</TextLink>
        <Text size="xs" c="var(--faint)">
          by {columns.join(', ')}
        </Text>
      </div>
      {count.data === undefined ? (
        <Button
          variant="default"
          size="compact-xs"
          loading={count.isFetching}
          onClick={() => setIsAsked(true)}
        >
          Count
        </Button>
      ) : (
        <Text size="sm" className="figures">
          {count.data > countUpTo ? `more than ${countUpTo}` : count.data}
        </Text>
      )}
    </Group>
  )
}
