import { ActionIcon, Group, Menu, Stack, Switch, Text, UnstyledButton } from '@mantine/core'
import { IconDots, IconPlugConnectedX, IconPlayerStop, IconUsers } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'

import { useQuietQuery } from '../../api/quiet-query.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { SqlText } from '../../ui/SqlText.tsx'
import { readSessions, type Session, sessionsSql } from './catalog-queries.ts'
import { formatElapsed } from './elapsed.ts'
import { canCancel, type Ending, EndSession } from './EndSession.tsx'
import type { Looked } from './looked.ts'
import { PooledClients } from './PooledClients.tsx'
import { QuietView } from './QuietView.tsx'
import { SessionState } from './SessionState.tsx'

import classes from './queries.module.css'

const everyMs = 2000

/** Who is connected and what they do, live. */
export function Activity({ place, endpoint }: Looked): ReactNode {
  const [withIdle, setWithIdle] = useState(true)
  const [ending, setEnding] = useState<Ending>()
  const [opened, setOpened] = useState<number>()
  const query = useQuietQuery({
    place,
    endpoint,
    name: 'sessions',
    sql: sessionsSql,
    read: readSessions,
    everyMs,
  })
  const columns = columnsOf({ onEnd: setEnding, onOpen: setOpened })
  return (
    <Stack gap="md">
      <Panel
        flush
        title="Sessions"
        description="Of every database of the branch"
        actions={
          <Switch
            label="Idle ones too"
            checked={withIdle}
            onChange={(event) => setWithIdle(event.currentTarget.checked)}
          />
        }
      >
        <QuietView query={query} endpoint={endpoint}>
          {(sessions) => {
            const shown = sessions.filter(({ state }) => withIdle || state !== 'idle')
            const session = shown.find(({ pid }) => pid === opened)
            if (shown.length === 0) {
              return (
                <EmptyState icon={IconUsers} title="Nobody does anything">
                  {sessions.length === 0
                    ? 'Nobody is connected. Sessions show here as soon as they come.'
                    : `${sessions.length} sessions are connected and idle.`}
                </EmptyState>
              )
            }
            return (
              <>
                <DataTable
                  label="Sessions"
                  rows={shown}
                  rowKey={({ pid }) => String(pid)}
                  columns={columns}
                  rowHeight={58}
                />
                {session && (
                  <div className={classes['whole']}>
                    <Text size="xs" c="var(--faint)" mb={4}>
                      Query of process {session.pid}
                    </Text>
                    <SqlText sql={session.query} />
                  </div>
                )}
              </>
            )
          }}
        </QuietView>
      </Panel>
      {endpoint && <PooledClients endpoint={endpoint} />}
      <EndSession place={place} ending={ending} onClose={() => setEnding(undefined)} />
    </Stack>
  )
}

interface ColumnActions {
  onEnd: (ending: Ending) => void
  onOpen: (pid: number) => void
}

function columnsOf({ onEnd, onOpen }: ColumnActions): Column<Session>[] {
  return [
    {
      title: 'State',
      width: 'minmax(104px, 1.6fr)',
      cell: (session) => (
        <>
          <SessionState session={session} />
          <Text size="xs" c="var(--faint)" pl={16} truncate>
            {session.wait ?? ' '}
          </Text>
        </>
      ),
    },
    {
      title: 'For',
      width: '72px',
      align: 'right',
      cell: (session) => (
        <span className={session.state.startsWith('idle in') ? classes['long'] : undefined}>
          {formatElapsed(session.seconds)}
        </span>
      ),
    },
    {
      title: 'Query',
      width: 'minmax(60px, 4fr)',
      cell: ({ pid, query, state }) =>
        query === '' ? (
          <Text c="var(--faint)">–</Text>
        ) : (
          <UnstyledButton
            className={classes['open'] ?? ''}
            data-faint={state !== 'active' || undefined}
            onClick={() => onOpen(pid)}
          >
            <SqlText sql={query} isLine />
          </UnstyledButton>
        ),
    },
    {
      title: 'Who',
      width: 'minmax(120px, 1.5fr)',
      wideOnly: true,
      cell: ({ role, database, application }) => (
        <>
          <Text size="sm" truncate>
            {role}
          </Text>
          <Text size="xs" c="var(--faint)" truncate>
            {database}
            {application !== '' && ` · ${application}`}
          </Text>
        </>
      ),
    },
    {
      title: 'Process',
      width: '76px',
      align: 'right',
      wideOnly: true,
      cell: ({ pid }) => pid,
    },
    {
      title: '',
      width: '34px',
      align: 'right',
      cell: (session) => (
        <Group justify="flex-end">
          <Menu position="bottom-end" width={180}>
            <Menu.Target>
              <ActionIcon aria-label={`Actions for process ${session.pid}`}>
                <IconDots size={18} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item
                leftSection={<IconPlayerStop size={16} />}
                disabled={!canCancel(session)}
                onClick={() => onEnd({ kind: 'cancel', session })}
              >
                Cancel query
              </Menu.Item>
              <Menu.Item
                color="red"
                leftSection={<IconPlugConnectedX size={16} />}
                onClick={() => onEnd({ kind: 'terminate', session })}
              >
                End session
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      ),
    },
  ]
}
