import type { AwakeEvent, AwakeEventKind } from '@coppice/api'
import { Badge, Button, Group, SegmentedControl, Text } from '@mantine/core'
import { IconNotebook, IconX } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'

import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatAction, formatMoney } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import type { TimeView } from '../../ui/time-view.ts'
import type { AwakeCompute } from './awake-compute.ts'
import { nameCause } from './awake-totals.ts'
import { formatSpan } from './format-awake.ts'

interface LedgerProps {
  computes: readonly AwakeCompute[]
  window: TimeView
  currency: string
  /** Only what happened for it. */
  cause: string | undefined
  causeTitle: string | undefined
  onClear: () => void
}

interface Entry extends AwakeEvent {
  id: string
  label: string
}

type Filter = 'all' | AwakeEventKind

const kinds: Readonly<Record<AwakeEventKind, { word: string; color: string }>> = {
  woke: { word: 'Woke', color: 'leaf' },
  slept: { word: 'Slept', color: 'gray' },
  frozen: { word: 'Froze', color: 'blue' },
  stayed_awake: { word: 'Stayed awake', color: 'yellow' },
}

/** What computes did and for whom, newest first. */
export function Ledger(props: LedgerProps): ReactNode {
  const { computes, window, currency, cause, causeTitle, onClear } = props
  const [filter, setFilter] = useState<Filter>('all')
  const entries = computes
    .flatMap(({ endpoint_id, label, events }) =>
      events.map((event, at): Entry => ({ ...event, id: `${endpoint_id} ${at}`, label })),
    )
    .filter(({ at, duration_seconds = 0, event }) => {
      // What began before and went on is told too.
      const endMs = Date.parse(at) + (event === 'stayed_awake' ? duration_seconds * 1000 : 0)
      return endMs >= window.fromMs
    })
    .filter(({ event }) => filter === 'all' || event === filter)
    .filter((entry) => cause === undefined || nameCause(entry).key === cause)
    .toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))
  return (
    <Panel
      title="Ledger"
      flush
      actions={
        <Group gap="xs">
          {cause !== undefined && (
            <Button
              size="compact-sm"
              variant="light"
              rightSection={<IconX size={13} />}
              aria-label={`${causeTitle}: show all causes`}
              onClick={onClear}
            >
              {causeTitle}
            </Button>
          )}
          <SegmentedControl
            size="xs"
            aria-label="Which entries"
            value={filter}
            onChange={(value) => setFilter(value as Filter)}
            data={[
              { value: 'all', label: 'All' },
              { value: 'woke', label: 'Woke' },
              { value: 'slept', label: 'Slept' },
              { value: 'frozen', label: 'Froze' },
              { value: 'stayed_awake', label: 'Stayed' },
            ]}
          />
        </Group>
      }
    >
      {entries.length === 0 ? (
        <EmptyState icon={IconNotebook} title="Nothing of that has happened">
          An entry is written whenever a compute wakes, freezes, sleeps or stays awake beyond its
          timeout.
        </EmptyState>
      ) : (
        <DataTable
          label="Ledger"
          rows={entries}
          rowKey={({ id }) => id}
          columns={columnsFor(currency, computes.length > 1)}
          rowHeight={54}
          maxHeight={520}
        />
      )}
    </Panel>
  )
}

function columnsFor(currency: string, withCompute: boolean): Column<Entry>[] {
  const columns: Column<Entry>[] = [
    {
      title: 'Event',
      width: '118px',
      cell: ({ event }) => (
        <Badge variant="light" color={kinds[event].color} tt="none">
          {kinds[event].word}
        </Badge>
      ),
    },
    { title: 'Compute', width: 'minmax(80px, 1fr)', wideOnly: true, cell: ({ label }) => label },
    { title: 'Because', width: 'minmax(120px, 2fr)', cell: (entry) => <Because entry={entry} /> },
    {
      title: 'Lasted',
      width: 'minmax(90px, 1fr)',
      align: 'right',
      wideOnly: true,
      cell: (entry) => <Lasted entry={entry} />,
    },
    {
      title: 'Cost',
      width: '84px',
      align: 'right',
      wideOnly: true,
      cell: ({ cost }) => (cost === undefined ? '' : formatMoney(cost, currency)),
    },
    {
      title: 'When',
      width: '112px',
      align: 'right',
      cell: ({ at }) => <RelativeTime at={at} />,
    },
  ]
  return withCompute ? columns : columns.filter(({ title }) => title !== 'Compute')
}

function Because({ entry }: { entry: Entry }): ReactNode {
  const { reason, detail, role, database, client_address, via, application_name } = entry
  const isNamed = application_name !== undefined && application_name !== ''
  const who = role === undefined ? undefined : `${role}${database ? ` on ${database}` : ''}`
  const more = [isNamed ? reason : undefined, detail, who, client_address, via].filter(Boolean)
  return (
    <>
      <Text size="sm" truncate title={isNamed ? application_name : reason}>
        {isNamed ? application_name : formatAction(reason)}
      </Text>
      {more.length > 0 && (
        <Text size="xs" c="var(--faint)" truncate title={more.join(' · ')}>
          {more.join(' · ')}
        </Text>
      )}
    </>
  )
}

const states: Readonly<Record<AwakeEventKind, string>> = {
  woke: 'awake',
  slept: 'asleep',
  frozen: 'frozen',
  stayed_awake: '',
}

/** Of the state that the entry has ended, or of staying awake. */
function Lasted({ entry }: { entry: Entry }): ReactNode {
  const { duration_seconds, after, event } = entry
  if (duration_seconds === undefined) return ''
  return (
    <>
      {formatSpan(duration_seconds)}
      {event !== 'stayed_awake' && after !== undefined && (
        <Text size="xs" c="var(--faint)">
          was {states[after]}
        </Text>
      )}
    </>
  )
}
