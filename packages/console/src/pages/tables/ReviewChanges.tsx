import {
  ActionIcon,
  Alert,
  Button,
  Group,
  Modal,
  ScrollArea,
  Stack,
  Text,
  Tooltip,
} from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconAlertTriangle, IconTrash } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef, useState } from 'react'

import type { SqlPlace } from '../../api/run-sql.ts'
import { describeFailure } from '../../api/use-action.ts'
import {
  type Change,
  nameChange,
  renderTransaction,
  transactionStatements,
  type Values,
} from '../../sql/transaction.ts'
import { CopyIcon } from '../../ui/CopyField.tsx'
import { applyChanges, type ChangeFailure } from './apply-changes.ts'
import { type Pending, takePresent, undo } from './pending.ts'
import { refresh } from './table-queries.ts'

import classes from './tables.module.css'

interface ReviewChangesProps {
  place: SqlPlace
  pending: Pending
  onPending: (change: (pending: Pending) => Pending) => void
  onClose: () => void
}

/** The transaction that would be run, to the letter; and what was wrong with it, where it was run. */
export function ReviewChanges({
  place,
  pending,
  onPending,
  onClose,
}: ReviewChangesProps): ReactNode {
  const client = useQueryClient()
  const [failure, setFailure] = useState<ChangeFailure>()
  const apply = useMutation({
    mutationFn: async () => applyChanges(place, pending),
    onSuccess: (found) => {
      setFailure(found)
      if (found !== undefined) return
      notifications.show({ message: `${countChanges(pending.length)} committed`, color: 'leaf' })
      onPending(() => [])
      void refresh(client, place)
      onClose()
    },
    onMutate: () => setFailure(undefined),
  })
  const drop = (id: string): void => {
    if (failure?.change?.id === id) setFailure(undefined)
    onPending((all) => undo(all, id))
    if (pending.length === 1) onClose()
  }
  const statements = transactionStatements(pending)
  return (
    <Modal opened onClose={onClose} title="Review the transaction" size="xl">
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap">
          <Text size="sm" c="var(--faint)">
            As {place.role}, on {place.database}: all of it or nothing. A row that somebody has
            changed since you read it stops it.
          </Text>
          <CopyIcon value={renderTransaction(pending)} label="Copy the SQL" />
        </Group>
        <ScrollArea.Autosize mah="52vh" type="auto">
          <Stack gap="xs">
            <pre className={classes['sql']}>BEGIN;</pre>
            {pending.map((change, at) => (
              <ReviewedChange
                key={change.id}
                change={change}
                sql={`${withoutName(statements[at + 1] ?? '')};`}
                failure={failure?.change?.id === change.id ? failure : undefined}
                onDrop={() => drop(change.id)}
                onTakePresent={(present) => {
                  setFailure(undefined)
                  onPending((all) => takePresent(all, change.id, present))
                }}
              />
            ))}
            <pre className={classes['sql']}>COMMIT;</pre>
          </Stack>
        </ScrollArea.Autosize>
        {failure && failure.change === undefined && (
          <Alert color="red" role="alert" title="Nothing was changed">
            <Report failure={failure} />
          </Alert>
        )}
        {apply.error && (
          <Alert color="red" role="alert">
            {describeFailure(apply.error)}
          </Alert>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Go on editing
          </Button>
          <Button loading={apply.isPending} onClick={() => apply.mutate()}>
            Apply {countChanges(pending.length)}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

export const countChanges = (count: number): string =>
  `${count} ${count === 1 ? 'change' : 'changes'}`

/** Its name stands above it. */
const withoutName = (statement: string): string => statement.replace(/^--.*\n/, '')

interface ReviewedChangeProps {
  change: Change
  sql: string
  failure: ChangeFailure | undefined
  onDrop: () => void
  onTakePresent: (present: NonNullable<ChangeFailure['present']>) => void
}

function ReviewedChange(props: ReviewedChangeProps): ReactNode {
  const { change, sql, failure, onDrop, onTakePresent } = props
  const name = nameChange(change)
  const section = useRef<HTMLElement>(null)
  useEffect(() => {
    if (failure) section.current?.scrollIntoView({ block: 'nearest' })
  }, [failure])
  return (
    <section
      ref={section}
      className={classes['change']}
      data-failed={failure && true}
      aria-label={name}
    >
      <div className={classes['changeHead']}>
        {failure && <IconAlertTriangle size={16} color="var(--mantine-color-error)" aria-hidden />}
        <Text span size="sm" fw={550} truncate style={{ flex: 1 }}>
          {name}
        </Text>
        <Tooltip label="Take it out of the transaction">
          <ActionIcon aria-label={`Drop: ${name}`} onClick={onDrop}>
            <IconTrash size={15} />
          </ActionIcon>
        </Tooltip>
      </div>
      {failure && (
        <Alert color="red" radius={0} role="alert" title="Nothing was changed">
          <Stack gap="xs" align="flex-start">
            <Report failure={failure} />
            {failure.present && change.kind !== 'insert' && (
              <>
                <Differences change={change} present={failure.present.values} />
                <Button
                  size="xs"
                  variant="default"
                  onClick={() => failure.present && onTakePresent(failure.present)}
                >
                  {change.kind === 'delete' ? 'Delete it all the same' : 'Write mine over it'}
                </Button>
              </>
            )}
          </Stack>
        </Alert>
      )}
      <pre className={classes['sql']} tabIndex={0}>
        {sql}
      </pre>
    </section>
  )
}

function Report({ failure }: { failure: ChangeFailure }): ReactNode {
  const { message, detail, hint, code } = failure
  return (
    <div style={{ overflowWrap: 'anywhere' }}>
      <Text size="sm">{message}</Text>
      {detail !== undefined && <Text size="sm">{detail}</Text>}
      {hint !== undefined && <Text size="sm">{hint}</Text>}
      {code !== undefined && (
        <Text size="xs" c="var(--faint)">
          SQLSTATE {code}
        </Text>
      )}
    </div>
  )
}

interface DifferencesProps {
  change: Exclude<Change, { kind: 'insert' }>
  present: Values
}

/** What was read, what is there now, and what would be written. */
function Differences({ change, present }: DifferencesProps): ReactNode {
  const names = Object.keys(change.before).filter(
    (name) => change.kind === 'update' || present[name] !== change.before[name],
  )
  return (
    <dl className={classes['facts']}>
      {names.map((name) => (
        <div key={name} style={{ display: 'contents' }}>
          <dt>{name}</dt>
          <dd>
            {shown(change.before[name])} → now {shown(present[name])}
            {change.kind === 'update' && <>, yours {shown(change.values[name])}</>}
          </dd>
        </div>
      ))}
    </dl>
  )
}

function shown(value: string | null | undefined): string {
  if (value === null || value === undefined) return 'NULL'
  return value.length > 200 ? `“${value.slice(0, 200)}…”` : `“${value}”`
}
