import type { BackupScheduleItem, Branch } from '@coppice/api'
import { ActionIcon, Button, Group, Select, SimpleGrid, Stack, Text } from '@mantine/core'
import { IconCalendarPlus, IconCalendarRepeat, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { api } from '../../api/client.ts'
import { queries } from '../../api/queries.ts'
import { useAction } from '../../api/use-action.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatDuration } from '../../ui/format.ts'
import { FormModal } from '../../ui/FormModal.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { type Frequency, months, scheduleText, weekdays } from './schedule-text.ts'

import classes from './snapshots.module.css'

/** Snapshots by the clock. */
export function BackupSchedule({ branch }: { branch: Branch }): ReactNode {
  const schedule = useQuery(queries.snapshotSchedule(branch.project_id, branch.id))
  const [isEditing, setIsEditing] = useState(false)
  return (
    <Panel
      title="Backup schedule"
      description="Snapshots by the clock, in UTC"
      flush
      actions={
        <Button
          variant="default"
          size="xs"
          leftSection={<IconCalendarRepeat size={14} />}
          disabled={schedule.data === undefined}
          onClick={() => setIsEditing(true)}
        >
          Edit schedule
        </Button>
      }
    >
      <QueryView query={schedule} skeletonLines={2}>
        {(items) =>
          items.length === 0 ? (
            <EmptyState icon={IconCalendarRepeat} title="Nothing is scheduled">
              Snapshots can be made every hour, day, week, month or year, and go by themselves.
            </EmptyState>
          ) : (
            <ul className={classes['list']}>
              {items.map((item) => (
                <li key={JSON.stringify(item)} className={classes['item']}>
                  <Text size="sm">A snapshot {scheduleText(item)}</Text>
                  <Text size="xs" c="var(--faint)">
                    {item.retention_seconds === undefined
                      ? 'stays'
                      : `kept ${formatDuration(item.retention_seconds)}`}
                  </Text>
                </li>
              ))}
            </ul>
          )
        }
      </QueryView>
      {isEditing && (
        <EditSchedule
          branch={branch}
          items={schedule.data ?? []}
          onClose={() => setIsEditing(false)}
        />
      )}
    </Panel>
  )
}

const itemsMax = 20
const newItem: BackupScheduleItem = { frequency: 'daily', hour: 3, retention_seconds: 604_800 }

interface EditScheduleProps {
  branch: Branch
  items: readonly BackupScheduleItem[]
  onClose: () => void
}

function EditSchedule({ branch, items: before, onClose }: EditScheduleProps): ReactNode {
  const [items, setItems] = useState(() =>
    (before.length === 0 ? [newItem] : before).map((item, id) => ({ id, item })),
  )
  const [nextId, setNextId] = useState(items.length)
  const save = useAction({
    run: async () =>
      api.setSnapshotSchedule({
        path: { project_id: branch.project_id, branch_id: branch.id },
        body: { schedule: items.map(({ item }) => item) },
      }),
    done: () => (items.length === 0 ? 'Nothing is scheduled any more' : 'The schedule is set'),
    onDone: onClose,
    quiet: true,
  })
  return (
    <FormModal
      title={`Snapshots of ${branch.name}`}
      verb="Save"
      onClose={onClose}
      onSubmit={() => save.mutate()}
      isRunning={save.isPending}
      error={save.error}
    >
      <Stack gap="sm">
        {items.map(({ id, item }) => (
          <ItemFields
            key={id}
            item={item}
            onChange={(changed) =>
              setItems(items.map((one) => (one.id === id ? { id, item: changed } : one)))
            }
            onRemove={() => setItems(items.filter((one) => one.id !== id))}
          />
        ))}
        {items.length === 0 && (
          <Text size="sm" c="var(--faint)">
            Without an entry no snapshots are made by the clock. Those that are there stay.
          </Text>
        )}
        <Group>
          <Button
            variant="light"
            size="xs"
            leftSection={<IconCalendarPlus size={14} />}
            disabled={items.length >= itemsMax}
            onClick={() => {
              setItems([...items, { id: nextId, item: newItem }])
              setNextId(nextId + 1)
            }}
          >
            Another
          </Button>
        </Group>
      </Stack>
    </FormModal>
  )
}

const frequencies = [
  { value: 'hourly', label: 'Every hour' },
  { value: 'daily', label: 'Every day' },
  { value: 'weekly', label: 'Every week' },
  { value: 'monthly', label: 'Every month' },
  { value: 'yearly', label: 'Every year' },
]
const retentions = [
  { value: '', label: 'Stays' },
  { value: '86400', label: 'A day' },
  { value: '604800', label: 'A week' },
  { value: '2592000', label: '30 days' },
  { value: '7776000', label: '90 days' },
  { value: '31536000', label: 'A year' },
]
const hours = Array.from({ length: 24 }, (_, hour) => ({
  value: String(hour),
  label: `${String(hour).padStart(2, '0')}:00 UTC`,
}))
const numbered = (names: readonly string[]) =>
  names.map((label, at) => ({ value: String(at + 1), label }))
const daysOfMonth = numbered(Array.from({ length: 31 }, (_, day) => `Day ${day + 1}`))

interface ItemFieldsProps {
  item: BackupScheduleItem
  onChange: (item: BackupScheduleItem) => void
  onRemove: () => void
}

function ItemFields({ item, onChange, onRemove }: ItemFieldsProps): ReactNode {
  const { frequency, hour = 0, day = 1, month = 1, retention_seconds } = item
  const kept = retention_seconds === undefined ? '' : String(retention_seconds)
  const known = retentions.some(({ value }) => value === kept)
  const other = { value: kept, label: formatDuration(retention_seconds ?? 0) }
  const field = (
    label: string,
    value: string,
    data: { value: string; label: string }[],
    change: (value: string) => BackupScheduleItem,
  ): ReactNode => (
    <Select
      size="xs"
      aria-label={label}
      value={value}
      data={data}
      onChange={(chosen) => chosen !== null && onChange(change(chosen))}
      allowDeselect={false}
    />
  )
  return (
    <Group gap={6} wrap="nowrap" align="flex-start">
      <SimpleGrid cols={2} spacing={6} verticalSpacing={6} flex={1}>
        {field('How often', frequency, frequencies, (chosen) => ({
          ...(frequency === chosen ? item : defaultsOf(chosen as Frequency)),
          ...(retention_seconds !== undefined && { retention_seconds }),
        }))}
        {field('Kept for', kept, known ? retentions : [...retentions, other], (chosen) => {
          const { retention_seconds: _, ...rest } = item
          return chosen === '' ? rest : { ...rest, retention_seconds: Number(chosen) }
        })}
        {frequency === 'yearly' &&
          field('Month', String(month), numbered(months), (chosen) => ({
            ...item,
            month: Number(chosen),
          }))}
        {frequency === 'weekly' &&
          field('Day', String(day), numbered(weekdays), (chosen) => ({
            ...item,
            day: Number(chosen),
          }))}
        {(frequency === 'monthly' || frequency === 'yearly') &&
          field('Day', String(day), daysOfMonth, (chosen) => ({ ...item, day: Number(chosen) }))}
        {frequency !== 'hourly' &&
          field('Hour', String(hour), hours, (chosen) => ({ ...item, hour: Number(chosen) }))}
      </SimpleGrid>
      <ActionIcon aria-label="Remove" onClick={onRemove} mt={2}>
        <IconTrash size={16} />
      </ActionIcon>
    </Group>
  )
}

/** What an item of that kind has, and the others of it have not. */
function defaultsOf(frequency: Frequency): BackupScheduleItem {
  if (frequency === 'hourly') return { frequency }
  if (frequency === 'daily') return { frequency, hour: 3 }
  return { frequency, hour: 3, day: 1, ...(frequency === 'yearly' && { month: 1 }) }
}
