import type { Branch, Operation, OperationStatus } from '@coppice/api'
import { Badge, Group, Loader, Text, Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'

import { paths } from '../paths.ts'
import { type Column, DataTable } from './DataTable.tsx'
import { formatAction, formatMilliseconds } from './format.ts'
import { RelativeTime } from './RelativeTime.tsx'
import { TextLink } from './TextLink.tsx'

const colors: Readonly<Record<OperationStatus, string>> = {
  scheduling: 'blue',
  running: 'blue',
  finished: 'leaf',
  failed: 'red',
  error: 'red',
  cancelling: 'yellow',
  cancelled: 'gray',
  skipped: 'gray',
}

/** Whether it still goes on. */
export const isOpen = ({ status }: Operation): boolean =>
  ['scheduling', 'running', 'cancelling'].includes(status)

/** How an operation stands; why, where it has failed. */
export function OperationBadge({ operation }: { operation: Operation }): ReactNode {
  const { status, error } = operation
  const badge = (
    <Badge
      variant="light"
      color={colors[status]}
      leftSection={isOpen(operation) && <Loader size={9} color="blue" aria-hidden />}
      tt="none"
    >
      {status}
    </Badge>
  )
  return error === undefined ? badge : <Tooltip label={error}>{badge}</Tooltip>
}

interface OperationListProps {
  operations: readonly Operation[]
  branches: readonly Branch[]
  maxHeight?: number
}

/** Operations, newest first: what, of which branch, how it ended, how long it took. */
export function OperationList({ operations, branches, maxHeight }: OperationListProps): ReactNode {
  const names = new Map(branches.map(({ id, name }) => [id, name]))
  const columns: Column<Operation>[] = [
    {
      title: 'Operation',
      width: 'minmax(110px, 2fr)',
      cell: ({ action, error }) => (
        <div>
          <Text size="sm" truncate>
            {formatAction(action)}
          </Text>
          {error !== undefined && (
            <Text size="xs" c="var(--mantine-color-error)" truncate>
              {error}
            </Text>
          )}
        </div>
      ),
    },
    {
      title: 'Branch',
      width: 'minmax(80px, 1.5fr)',
      cell: ({ project_id, branch_id }) => {
        const name = branch_id && names.get(branch_id)
        if (!branch_id) return <Text c="var(--faint)">–</Text>
        if (!name)
          return (
            <Text size="sm" c="var(--faint)">
              {branch_id} (gone)
            </Text>
          )
        return <TextLink to={paths.branch(project_id, branch_id)}>{name}</TextLink>
      },
    },
    {
      title: 'Status',
      width: '100px',
      cell: (operation) => <OperationBadge operation={operation} />,
    },
    {
      title: 'Took',
      width: '90px',
      align: 'right',
      wideOnly: true,
      cell: (operation) =>
        isOpen(operation) ? '…' : formatMilliseconds(operation.total_duration_ms),
    },
    {
      title: 'Started',
      width: '130px',
      align: 'right',
      wideOnly: true,
      cell: ({ created_at }) => <RelativeTime at={created_at} />,
    },
  ]
  return (
    <DataTable
      label="Operations"
      rows={operations}
      rowKey={({ id }) => id}
      columns={columns}
      {...(maxHeight !== undefined && { maxHeight })}
    />
  )
}

/** How many operations of a project go on, for the header; nothing where none does. */
export function RunningOperations({ operations }: { operations: readonly Operation[] }): ReactNode {
  const running = operations.filter(isOpen)
  const [first] = running
  if (first === undefined) return null
  const label = running.length === 1 ? formatAction(first.action) : `${running.length} operations`
  return (
    <TextLink to={paths.operations(first.project_id)}>
      <Group gap={6} wrap="nowrap" role="status">
        <Loader size={14} aria-hidden />
        <Text size="sm" span visibleFrom="sm">
          {label}
        </Text>
      </Group>
    </TextLink>
  )
}
