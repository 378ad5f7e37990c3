import { Button, Group, Text } from '@mantine/core'
import { IconLockOpen } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'

import { useQuietQuery } from '../../api/quiet-query.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { SqlText } from '../../ui/SqlText.tsx'
import { type LockParty, locksSql, readLocks } from './catalog-queries.ts'
import { formatElapsed } from './elapsed.ts'
import { canCancel, type Ending, EndSession } from './EndSession.tsx'
import { countWaiters, growLockTrees, type LockNode } from './lock-tree.ts'
import type { Looked } from './looked.ts'
import { QuietView } from './QuietView.tsx'
import { SessionState } from './SessionState.tsx'

import classes from './queries.module.css'

const everyMs = 2000

/** Who waits for whom: at the roots those who hold up the others. */
export function Locks({ place, endpoint }: Looked): ReactNode {
  const [ending, setEnding] = useState<Ending>()
  const query = useQuietQuery({
    place,
    endpoint,
    name: 'locks',
    sql: locksSql,
    read: (results) => growLockTrees(readLocks(results)),
    everyMs,
  })
  return (
    <Panel
      flush
      title="Who waits for whom"
      description="Whoever holds a lock stands above those who wait for it"
    >
      <QuietView query={query} endpoint={endpoint}>
        {(trees) =>
          trees.length === 0 ? (
            <EmptyState icon={IconLockOpen} title="Nobody waits for a lock">
              A session that waits shows here with the one that it waits for, what both run, and for
              how long.
            </EmptyState>
          ) : (
            <ul className={classes['trees']} aria-label="Lock waits">
              {trees.map((tree) => (
                <Node key={tree.party.pid} node={tree} isRoot onEnd={setEnding} />
              ))}
            </ul>
          )
        }
      </QuietView>
      <EndSession place={place} ending={ending} onClose={() => setEnding(undefined)} />
    </Panel>
  )
}

interface NodeProps {
  node: LockNode
  isRoot?: boolean
  onEnd: (ending: Ending) => void
}

function Node({ node, isRoot = false, onEnd }: NodeProps): ReactNode {
  const { party, waiters } = node
  return (
    <li className={classes['node']}>
      <div className={classes['party']} data-root={isRoot || undefined}>
        <Group justify="space-between" gap="sm" align="flex-start">
          <div className={classes['who']}>
            <Group gap="sm">
              <Text fw={600} size="sm">
                {party.pid === 0 ? 'Prepared transaction' : `Process ${party.pid}`}
              </Text>
              {party.pid !== 0 && <SessionState session={party} />}
            </Group>
            <Text size="xs" c="var(--faint)">
              {describe(node, isRoot)}
            </Text>
          </div>
          {party.pid !== 0 && <Actions node={node} isRoot={isRoot} onEnd={onEnd} />}
        </Group>
        {party.query !== '' && <SqlText sql={party.query} isLine />}
      </div>
      {waiters.length > 0 && (
        <ul className={classes['waiters']}>
          {waiters.map((waiter) => (
            <Node key={waiter.party.pid} node={waiter} onEnd={onEnd} />
          ))}
        </ul>
      )}
    </li>
  )
}

/** Who runs no query has none to cancel: only the end of its session lets go of its locks. */
function Actions({ node: { party }, isRoot = false, onEnd }: NodeProps): ReactNode {
  const variant = isRoot ? 'light' : 'default'
  const color = isRoot ? { color: 'red' } : {}
  return (
    <Group gap="xs">
      {canCancel(party) && (
        <Button
          size="xs"
          variant={variant}
          {...color}
          aria-label={`Cancel query of process ${party.pid}`}
          onClick={() => onEnd({ kind: 'cancel', session: party })}
        >
          Cancel query
        </Button>
      )}
      {(isRoot || !canCancel(party)) && (
        <Button
          size="xs"
          variant={variant}
          {...color}
          aria-label={`End session of process ${party.pid}`}
          onClick={() => onEnd({ kind: 'terminate', session: party })}
        >
          End session
        </Button>
      )}
    </Group>
  )
}

/** In a sentence: what it holds or wants, since when, and whose it is. */
function describe({ party, waiters, alsoWaitsFor }: LockNode, isRoot: boolean): string {
  const { role, database, application, wanted, waitedSeconds, transactionSeconds, holds } = party
  const parts: string[] = []
  if (party.pid === 0) {
    return 'It was prepared and neither committed nor rolled back: COMMIT PREPARED or ROLLBACK PREPARED ends it.'
  }
  if (wanted !== undefined) {
    const what = whatOf(wanted)
    const waited = waitedSeconds === undefined ? '' : `, for ${formatElapsed(waitedSeconds)}`
    parts.push(`wants ${wanted.mode} on ${what}${waited}`)
  }
  if (isRoot && holds.length > 0) parts.push(`holds ${holds.join(', ')}`)
  if (isRoot && waiters.length > 0) {
    const count = waiters.reduce((sum, waiter) => sum + 1 + countWaiters(waiter), 0)
    parts.push(`holds up ${count} ${count === 1 ? 'session' : 'sessions'}`)
  }
  if (isRoot && transactionSeconds !== undefined) {
    parts.push(`in its transaction for ${formatElapsed(transactionSeconds)}`)
  }
  if (alsoWaitsFor.length > 0) parts.push(`waits for ${alsoWaitsFor.join(', ')} too`)
  parts.push(
    [role, database && `in ${database}`, application && `by ${application}`]
      .filter(Boolean)
      .join(' '),
  )
  return parts.join(' · ')
}

/** A table by its name; what has no name of its own by its kind. */
function whatOf({ kind, relation }: NonNullable<LockParty['wanted']>): string {
  if (kind === 'relation' && relation !== undefined) return relation
  const what = kinds[kind] ?? kind
  return relation === undefined ? what : `${what} of ${relation}`
}

const kinds: Readonly<Record<string, string>> = {
  relation: 'a table of another database',
  transactionid: 'a row',
  tuple: 'a row',
  virtualxid: 'the end of a transaction',
  advisory: 'an advisory lock',
}
