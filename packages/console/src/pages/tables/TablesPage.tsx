import { Button, Group, Stack, Tabs, Text, Title } from '@mantine/core'
import { IconArrowLeft, IconDatabaseOff, IconTable, IconTableOff } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'

import { queries } from '../../api/queries.ts'
import type { SqlPlace } from '../../api/run-sql.ts'
import { BranchChooser } from '../../branch-choice/BranchChooser.tsx'
import { MomentPicker } from '../../branch-choice/MomentPicker.tsx'
import { useBranchChoice } from '../../branch-choice/use-branch-choice.ts'
import { kindNames, type TableDetails } from '../../sql/catalog.ts'
import type { TableName } from '../../sql/quote.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorState } from '../../ui/ErrorState.tsx'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { useProjectId } from '../use-project-id.ts'
import { LeaveWarning } from './LeaveWarning.tsx'
import type { Pending } from './pending.ts'
import { readOnlyReason } from './read-only-reason.ts'
import { countChanges, ReviewChanges } from './ReviewChanges.tsx'
import { RowDrawer } from './RowDrawer.tsx'
import { RowsTab } from './RowsTab.tsx'
import { StatisticsTab } from './StatisticsTab.tsx'
import { StructureTab } from './StructureTab.tsx'
import { detailsQuery, relationsQuery } from './table-queries.ts'
import { TableList } from './TableList.tsx'
import { type Tab, useTableAddress } from './use-table-address.ts'

import classes from './tables.module.css'

/** The tables of a database: their rows, which can be edited, and what they are made of. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const choice = useBranchChoice(projectId)
  const { branch, database, role } = choice
  const { address, change } = useTableAddress()
  const { at } = address
  const databases = useQuery({
    ...queries.databases(projectId, branch?.id ?? ''),
    enabled: branch !== undefined,
  })
  const isReady = branch !== undefined && database !== undefined && role !== undefined
  return (
    <>
      <PageHeader
        title="Tables"
        description="Rows of a database, found, read and edited. Nothing is written before you have reviewed it."
      />
      <Group mb="md" gap="xs">
        <BranchChooser choice={choice} withRole />
        <MomentPicker
          projectId={projectId}
          branchId={branch?.id}
          moment={at}
          onChange={(moment) => change({ at: moment, row: undefined })}
        />
      </Group>
      {choice.error && <ErrorState error={choice.error} />}
      {isReady && (
        <Database
          key={[branch.id, database.name, role, at].join(' ')}
          place={{ projectId, branchId: branch.id, database: database.name, role, at }}
        />
      )}
      {branch && databases.data?.length === 0 && (
        <Panel>
          <EmptyState icon={IconDatabaseOff} title={`${branch.name} has no database`}>
            Make one on the page of the branch.
          </EmptyState>
        </Panel>
      )}
    </>
  )
}

/** One database, as one role; what waits to be written is of it alone. */
function Database({ place }: { place: SqlPlace }): ReactNode {
  const hook = useTableAddress()
  const { address, linkTo } = hook
  const relations = useQuery(relationsQuery(place))
  const [pending, setPending] = useState<Pending>([])
  const [isReviewing, setIsReviewing] = useState(false)
  return (
    <div className={classes['layout']} data-open={address.table && true}>
      <div className={classes['list']}>
        <QueryView query={relations} skeletonLines={12}>
          {(all) =>
            all.length === 0 ? (
              <Panel>
                <EmptyState icon={IconTableOff} title="No tables yet">
                  What is created in {place.database} is listed here.
                </EmptyState>
              </Panel>
            ) : (
              <TableList relations={all} current={address.table} linkTo={linkTo} />
            )
          }
        </QueryView>
      </div>
      <div className={classes['detail']}>
        {address.table ? (
          <Table
            key={`${address.table.schema} ${address.table.name}`}
            {...hook}
            place={place}
            table={address.table}
            pending={pending}
            onPending={setPending}
          />
        ) : (
          <Panel>
            <EmptyState icon={IconTable} title="Choose a table">
              Its rows, its structure and its statistics show here.
            </EmptyState>
          </Panel>
        )}
        {pending.length > 0 && (
          <div className={classes['pendingBar']} role="region" aria-label="Pending changes">
            <Text span size="sm" fw={550}>
              {countChanges(pending.length)} not written yet
            </Text>
            <Group gap="xs">
              <Button variant="default" size="xs" onClick={() => setPending([])}>
                Discard
              </Button>
              <Button size="xs" onClick={() => setIsReviewing(true)}>
                Review
              </Button>
            </Group>
          </div>
        )}
      </div>
      {isReviewing && (
        <ReviewChanges
          place={place}
          pending={pending}
          onPending={setPending}
          onClose={() => setIsReviewing(false)}
        />
      )}
      <LeaveWarning count={pending.length} />
    </div>
  )
}

interface TableProps extends ReturnType<typeof useTableAddress> {
  place: SqlPlace
  table: TableName
  pending: Pending
  onPending: (change: (pending: Pending) => Pending) => void
}

function Table(props: TableProps): ReactNode {
  const { place, table, address, change, linkTo } = props
  const details = useQuery(detailsQuery(place, table))
  return (
    <Panel flush>
      <QueryView query={details} skeletonLines={12}>
        {(found) =>
          found === null ? (
            <EmptyState icon={IconTableOff} title={`There is no ${table.schema}.${table.name}`}>
              It may have been dropped, or be in another database or on another branch.
            </EmptyState>
          ) : (
            <>
              <TableHead details={found} back={linkTo(undefined)} />
              <Tabs
                value={address.tab}
                onChange={(tab) => change({ tab: (tab ?? 'rows') as Tab })}
                keepMounted={false}
              >
                <Tabs.List px="xs" aria-label={`About ${table.name}`}>
                  <Tabs.Tab value="rows">Rows</Tabs.Tab>
                  <Tabs.Tab value="structure">Structure</Tabs.Tab>
                  <Tabs.Tab value="statistics">Statistics</Tabs.Tab>
                </Tabs.List>
                <Tabs.Panel value="rows">
                  <RowsTab {...props} details={found} readOnly={readOnlyReason(found, place.at)} />
                </Tabs.Panel>
                <Tabs.Panel value="structure">
                  <StructureTab place={place} details={found} linkTo={linkTo} />
                </Tabs.Panel>
                <Tabs.Panel value="statistics">
                  <StatisticsTab details={found} />
                </Tabs.Panel>
              </Tabs>
              <RowDrawer
                place={place}
                details={found}
                rowKey={address.row}
                linkTo={linkTo}
                onClose={() => change({ row: undefined })}
              />
            </>
          )
        }
      </QueryView>
    </Panel>
  )
}

function TableHead({ details, back }: { details: TableDetails; back: string }): ReactNode {
  const { schema, name, kind, estimated_rows, sizes, comment } = details
  const facts = [
    kindNames[kind],
    ...(estimated_rows === null ? [] : [`about ${formatCount(estimated_rows)} rows`]),
    ...(sizes.total > 0 ? [formatBytes(sizes.total)] : []),
  ]
  return (
    <Group px="md" pt="sm" pb={4} gap="xs" wrap="nowrap" align="center">
      <Button
        component={Link}
        to={back}
        hiddenFrom="sm"
        variant="default"
        size="compact-sm"
        leftSection={<IconArrowLeft size={14} />}
      >
        All
      </Button>
      <Stack gap={0} miw={0}>
        <Title order={2} size="h5" style={{ overflowWrap: 'anywhere' }}>
          {schema === 'public' ? name : `${schema}.${name}`}
        </Title>
        <Text size="xs" c="var(--faint)">
          {facts.join(' · ')}
          {comment !== null && ` · ${comment}`}
        </Text>
      </Stack>
    </Group>
  )
}
