import { Badge, Group, Skeleton, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { api } from '../../api/client.ts'
import type { SqlPlace } from '../../api/run-sql.ts'
import { describeFailure } from '../../api/use-action.ts'
import { kindNames, type TableColumn, type TableDetails } from '../../sql/catalog.ts'
import type { TableName } from '../../sql/quote.ts'
import { CopyField } from '../../ui/CopyField.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { formatBytes } from '../../ui/format.ts'
import { TextLink } from '../../ui/TextLink.tsx'
import { statementsOf } from './statements-of.ts'
import { Facts } from './StatisticsTab.tsx'
import { placeKey } from './table-queries.ts'

import classes from './tables.module.css'

interface StructureTabProps {
  place: SqlPlace
  details: TableDetails
  linkTo: (table: TableName) => string
}

/** What a table is made of, and the SQL that makes it. */
export function StructureTab({ place, details, linkTo }: StructureTabProps): ReactNode {
  const { constraints, indexes, triggers, referenced_by, sizes } = details
  return (
    <Stack gap="lg" p="md">
      <Facts
        facts={[
          ['Kind', kindNames[details.kind]],
          ['Owner', details.owner],
          ...(details.comment ? [['Comment', details.comment] as const] : []),
          ...(details.partition_key ? [['Partitioned by', details.partition_key] as const] : []),
          ...(details.partition_bound ? [['Partition', details.partition_bound] as const] : []),
          ...(sizes.total > 0
            ? [
                [
                  'Size',
                  `${formatBytes(sizes.total)}: rows ${formatBytes(sizes.table)}, indexes ${formatBytes(sizes.indexes)}, the rest ${formatBytes(sizes.toast)}`,
                ] as const,
              ]
            : []),
          ...(details.has_row_security
            ? [['Row security', 'on: a role sees its rows'] as const]
            : []),
        ]}
      />
      <Section title="Columns">
        <DataTable
          label="Columns"
          rows={details.columns}
          rowKey={({ name }) => name}
          columns={columnColumns(details)}
          rowHeight={44}
        />
      </Section>
      {constraints.length > 0 && (
        <Section title="Constraints">
          {constraints.map(({ name, definition }) => (
            <Definition key={name} name={name} definition={definition} />
          ))}
        </Section>
      )}
      {indexes.length > 0 && (
        <Section title="Indexes">
          {indexes.map(({ name, definition, size_bytes, is_valid }) => (
            <Definition
              key={name}
              name={name}
              definition={definition}
              note={is_valid ? formatBytes(size_bytes) : 'not valid'}
            />
          ))}
        </Section>
      )}
      {triggers.length > 0 && (
        <Section title="Triggers">
          {triggers.map(({ name, definition, is_enabled }) => (
            <Definition
              key={name}
              name={name}
              definition={definition}
              {...(!is_enabled && { note: 'disabled' })}
            />
          ))}
        </Section>
      )}
      {referenced_by.length > 0 && (
        <Section title="Referred to by">
          {referenced_by.map(({ name, table, columns }) => (
            <div key={`${table.schema} ${table.name} ${name}`} className={classes['line']}>
              <TextLink to={linkTo(table)}>{`${table.schema}.${table.name}`}</TextLink>
              <Text size="xs" c="var(--faint)">
                by {columns.join(', ')}
              </Text>
            </div>
          ))}
        </Section>
      )}
      <Section title="SQL">
        <Ddl place={place} details={details} />
      </Section>
    </Stack>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }): ReactNode {
  return (
    <section aria-label={title}>
      <Text fw={650} mb={4}>
        {title}
      </Text>
      {children}
    </section>
  )
}

interface DefinitionProps {
  name: string
  definition: string
  note?: string
}

function Definition({ name, definition, note }: DefinitionProps): ReactNode {
  return (
    <div className={classes['line']}>
      <Group gap="xs" justify="space-between" wrap="nowrap">
        <Text size="sm" fw={550} style={{ overflowWrap: 'anywhere' }}>
          {name}
        </Text>
        {note !== undefined && (
          <Text size="xs" c="var(--faint)">
            {note}
          </Text>
        )}
      </Group>
      <Text size="xs" c="var(--faint)" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
        {definition}
      </Text>
    </div>
  )
}

const columnColumns = ({ key, foreign_keys }: TableDetails): Column<TableColumn>[] => [
  {
    title: 'Name',
    width: 'minmax(110px, 2fr)',
    cell: ({ name, comment }) => (
      <div title={comment ?? undefined}>
        <Group gap={6} wrap="nowrap">
          <Text size="sm" fw={550} truncate>
            {name}
          </Text>
          {key?.includes(name) && <Mark>key</Mark>}
          {foreign_keys.some(({ columns }) => columns.includes(name)) && <Mark>refers</Mark>}
        </Group>
        {comment !== null && (
          <Text size="xs" c="var(--faint)" truncate>
            {comment}
          </Text>
        )}
      </div>
    ),
  },
  { title: 'Type', width: 'minmax(100px, 1.6fr)', cell: ({ type }) => type },
  {
    title: 'NULL',
    width: '70px',
    wideOnly: true,
    cell: ({ not_null }) => (not_null ? 'no' : 'yes'),
  },
  {
    title: 'Default',
    width: 'minmax(90px, 2fr)',
    wideOnly: true,
    cell: (column) => {
      const text = defaultText(column)
      return (
        <Text size="xs" ff="monospace" truncate title={text}>
          {text}
        </Text>
      )
    },
  },
]

const Mark = ({ children }: { children: string }): ReactNode => (
  <Badge size="xs" variant="light" tt="none">
    {children}
  </Badge>
)

function defaultText({ generated, identity, default: value }: TableColumn): string {
  if (generated !== null) return `generated: ${generated}`
  if (identity !== '') return identity === 'a' ? 'identity, always' : 'identity, by default'
  return value ?? ''
}

/** The statements of the schema that are about the table. */
function Ddl({ place, details }: { place: SqlPlace; details: TableDetails }): ReactNode {
  const schema = useQuery({
    queryKey: [...placeKey(place), 'schema'],
    queryFn: async () =>
      (
        await api.getProjectBranchSchema({
          path: { project_id: place.projectId, branch_id: place.branchId },
          query: { db_name: place.database, ...(place.at && { timestamp: place.at }) },
        })
      ).sql ?? '',
    staleTime: Infinity,
  })
  if (schema.error) {
    return (
      <Text size="sm" c="var(--faint)">
        {describeFailure(schema.error)}
      </Text>
    )
  }
  if (schema.data === undefined) return <Skeleton height={120} />
  return <CopyField value={statementsOf(schema.data, details)} label="Copy SQL" />
}
