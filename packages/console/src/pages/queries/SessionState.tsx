import { Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'

import type { Session } from './catalog-queries.ts'

import classes from './queries.module.css'

const words: Readonly<Record<string, string>> = {
  active: 'Active',
  idle: 'Idle',
  'idle in transaction': 'Idle in transaction',
  'idle in transaction (aborted)': 'In a failed transaction',
  'fastpath function call': 'Active',
  disabled: 'Not tracked',
}

/** What a session does; one that holds a transaction and does nothing stands out. */
export function SessionState({ session: { state, wait } }: { session: Session }): ReactNode {
  const isWaiting = wait?.startsWith('Lock') ?? false
  const kind = isWaiting
    ? 'waiting'
    : state.startsWith('idle in')
      ? 'holding'
      : state === 'active'
        ? 'active'
        : 'idle'
  return (
    <Group gap={8} wrap="nowrap">
      <span className={classes['dot']} data-kind={kind} aria-hidden />
      <Text size="sm" span truncate>
        {isWaiting ? 'Waits for a lock' : (words[state] ?? state)}
      </Text>
    </Group>
  )
}
