import type { AppliedMigration, Branch, MigrationLedger } from '@coppice/api'
import { Badge, Button, Group, Text } from '@mantine/core'
import { IconArrowBackUp, IconDatabaseEdit, IconMoonStars, IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { queries } from '../../api/queries.ts'
import { useIsAwake } from '../../branch-choice/use-is-awake.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatMilliseconds, formatMoment } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { RelativeTime, useNow } from '../../ui/RelativeTime.tsx'
import { UndoApply } from './UndoApply.tsx'

interface AppliedMigrationsProps {
  branch: Branch
  database: string
}

/** The ledger of a database, read by itself where that wakes nobody. */
export function AppliedMigrations({ branch, database }: AppliedMigrationsProps): ReactNode {
  const { project_id, id, name } = branch
  const isAwake = useIsAwake(project_id, id)
  const [isAsked, setIsAsked] = useState(false)
  const ledger = useQuery({
    ...queries.migrations(project_id, id, database),
    enabled: isAsked || isAwake === true,
  })
  const isAsleep = isAwake === false && !isAsked && !ledger.isFetched
  return (
    <Panel
      title="Applied"
      description={`To ${database} on ${name}`}
      flush
      actions={
        !isAsleep && <Actions ledger={ledger.data} {...{ branch, database }} query={ledger} />
      }
    >
      {isAsleep ? (
        <EmptyState
          icon={IconMoonStars}
          title={`${name} sleeps`}
          action={
            <Button mt="xs" variant="default" onClick={() => setIsAsked(true)}>
              Wake and read
            </Button>
          }
        >
          What has been applied stands in the database itself, and reading it wakes its compute.
        </EmptyState>
      ) : (
        <QueryView query={ledger}>{(found) => <Ledger ledger={found} name={name} />}</QueryView>
      )}
    </Panel>
  )
}

interface ActionsProps extends AppliedMigrationsProps {
  ledger: MigrationLedger | undefined
  query: { isFetching: boolean; refetch: () => unknown }
}

function Actions({ branch, database, ledger, query }: ActionsProps): ReactNode {
  const [isUndoing, setIsUndoing] = useState(false)
  return (
    <Group gap="xs">
      <Button
        variant="default"
        size="xs"
        leftSection={<IconRefresh size={14} />}
        loading={query.isFetching}
        onClick={() => void query.refetch()}
      >
        Read again
      </Button>
      {ledger?.restore_point && (
        <Button
          variant="default"
          size="xs"
          leftSection={<IconArrowBackUp size={14} />}
          onClick={() => setIsUndoing(true)}
        >
          Undo the last apply
        </Button>
      )}
      {isUndoing && (
        <UndoApply branch={branch} database={database} onClose={() => setIsUndoing(false)} />
      )}
    </Group>
  )
}

function Ledger({ ledger, name }: { ledger: MigrationLedger; name: string }): ReactNode {
  const now = useNow()
  const { migrations, restore_point: point } = ledger
  if (migrations.length === 0) {
    return (
      <EmptyState icon={IconDatabaseEdit} title="Nothing has been applied">
        Rehearse SQL here, or run <code>coppice migrate apply migrations/ -b {name}</code> beside
        the files. What is run by other means is not listed.
      </EmptyState>
    )
  }
  return (
    <>
      {point && (
        <Text size="sm" c="var(--faint)" px="md" pb="sm">
          Undo goes back to {formatMoment(point.taken_at)}, {point.lsn}
          {point.expires_at !== null &&
            (Date.parse(point.expires_at) > now
              ? `; its snapshot is kept until ${formatMoment(point.expires_at)}`
              : '; its snapshot is gone, so for as long as history reaches back')}
          .
        </Text>
      )}
      <DataTable
        label="Applied migrations"
        rows={migrations}
        rowKey={(row) => row.name}
        columns={columnsFor(point?.id)}
        maxHeight={420}
      />
    </>
  )
}

const columnsFor = (undone: string | undefined): Column<AppliedMigration>[] => [
  {
    title: 'Migration',
    width: 'minmax(130px, 3fr)',
    cell: (row) => (
      <Group gap={8} wrap="nowrap">
        <Text size="sm" truncate title={row.name}>
          {row.name}
        </Text>
        {row.applied_at === null && (
          <Badge size="sm" color="yellow" variant="light" tt="none">
            {row.statements_done} of {row.statements} ran
          </Badge>
        )}
        {undone !== undefined && row.restore_point_id === undone && (
          <Badge size="sm" color="gray" variant="light" tt="none" visibleFrom="sm">
            last apply
          </Badge>
        )}
      </Group>
    ),
  },
  {
    title: 'By',
    width: 'minmax(90px, 1fr)',
    wideOnly: true,
    cell: ({ applied_by }) => (
      <Text size="sm" truncate>
        {applied_by}
      </Text>
    ),
  },
  {
    title: 'Statements',
    width: '100px',
    align: 'right',
    wideOnly: true,
    cell: ({ statements }) => statements,
  },
  {
    title: 'Took',
    width: '90px',
    align: 'right',
    wideOnly: true,
    cell: ({ duration_ms }) => (duration_ms === null ? '–' : formatMilliseconds(duration_ms)),
  },
  {
    title: 'Applied',
    width: '130px',
    align: 'right',
    cell: ({ applied_at }) => <RelativeTime at={applied_at ?? undefined} />,
  },
]
