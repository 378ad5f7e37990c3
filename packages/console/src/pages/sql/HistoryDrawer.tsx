import { Badge, Button, Drawer, Group, Text, TextInput } from '@mantine/core'
import { IconClock, IconSearch } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'

import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatMilliseconds, formatMoment } from '../../ui/format.ts'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { clearHistory, type HistoryEntry, readHistory } from './query-history.ts'

import classes from './sql.module.css'

interface HistoryDrawerProps {
  projectId: string
  onClose: () => void
  onOpen: (sql: string) => void
}

/** What was run from this browser, newest first. */
export function HistoryDrawer({ projectId, onClose, onOpen }: HistoryDrawerProps): ReactNode {
  const [entries, setEntries] = useState(() => readHistory(projectId))
  const [search, setSearch] = useState('')
  const wanted = search.trim().toLowerCase()
  const found = entries.filter(({ sql }) => sql.toLowerCase().includes(wanted))
  const clear = (): void => {
    clearHistory(projectId)
    setEntries([])
  }
  return (
    <Drawer opened onClose={onClose} position="right" size="lg" title="History">
      <Group mb="md" gap="xs" wrap="nowrap">
        <TextInput
          aria-label="Search history"
          placeholder="Search"
          leftSection={<IconSearch size={16} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          flex={1}
          data-autofocus
        />
        <Button variant="default" onClick={clear} disabled={entries.length === 0}>
          Clear
        </Button>
      </Group>
      {found.length === 0 ? (
        <EmptyState
          icon={IconClock}
          title={entries.length === 0 ? 'Nothing has been run yet' : 'Nothing is like that'}
        >
          What you run is listed here, in this browser only: the last 200.
        </EmptyState>
      ) : (
        <ul className={classes['entries']}>
          {found.map((entry) => (
            <li key={entry.at}>
              <button type="button" className={classes['entry']} onClick={() => onOpen(entry.sql)}>
                <span className={classes['entrySql']}>{entry.sql.trim()}</span>
                <EntryFacts entry={entry} />
              </button>
            </li>
          ))}
        </ul>
      )}
    </Drawer>
  )
}

function EntryFacts({ entry }: { entry: HistoryEntry }): ReactNode {
  const { at, branch, database, role, moment, durationMs, rows, error } = entry
  return (
    <Text size="xs" c="var(--faint)" component="span" className={classes['entryFacts']}>
      <RelativeTime at={new Date(at).toISOString()} />
      <span>{`${branch} · ${database} · ${role}`}</span>
      {moment !== undefined && <span>{`as of ${formatMoment(moment)}`}</span>}
      <span>{formatMilliseconds(durationMs)}</span>
      {error === undefined ? (
        <span>{`${rows.toLocaleString()} ${rows === 1 ? 'row' : 'rows'}`}</span>
      ) : (
        <Badge size="sm" variant="light" color="red" tt="none" maw={320}>
          {error}
        </Badge>
      )}
    </Text>
  )
}
