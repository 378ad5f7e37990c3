import type { WorkLine } from '@coppice/api'
import { Button, Group, Loader, Text } from '@mantine/core'
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react'
import { type ReactNode, useEffect, useState } from 'react'

import { formatDuration } from '../ui/format.ts'

import classes from './migrations.module.css'

interface WorkProgressProps {
  /** What goes on, in a word or two: `Rehearsing`. */
  title: string
  told: readonly WorkLine[]
  startedAt: number
  onCancel: () => void
}

const shownLines = 8

/** What the platform is doing right now, line by line, with the way to call it off. */
export function WorkProgress({ title, told, startedAt, onCancel }: WorkProgressProps): ReactNode {
  const shown = told.slice(-shownLines)
  return (
    <div role="status" aria-label={title}>
      <Group justify="space-between" mb="xs" wrap="nowrap">
        <Group gap={10} wrap="nowrap">
          <Loader size={16} aria-hidden />
          <Text fw={600} size="sm">
            {title}
          </Text>
          <Elapsed since={startedAt} />
        </Group>
        <Button variant="default" size="xs" onClick={onCancel}>
          Cancel
        </Button>
      </Group>
      <ol className={classes['told']}>
        {shown.map(({ type, message }, at) => (
          // Lines come at the end only, and none of them changes.
          <li key={told.length - shown.length + at} data-type={type}>
            <Mark type={type} isLast={at === shown.length - 1} />
            <span>{message}</span>
          </li>
        ))}
      </ol>
      <Text size="xs" c="var(--faint)" mt={6}>
        Leaving this page calls it off; what was made for it is removed.
      </Text>
    </div>
  )
}

function Mark({ type, isLast }: { type: WorkLine['type']; isLast: boolean }): ReactNode {
  if (type === 'note') return <IconAlertTriangle size={14} aria-hidden />
  return isLast ? (
    <span className={classes['dot']} aria-hidden />
  ) : (
    <IconCheck size={14} aria-hidden />
  )
}

function Elapsed({ since }: { since: number }): ReactNode {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  const seconds = Math.floor((now - since) / 1000)
  // Read out, it would interrupt every second.
  return (
    <Text size="sm" c="var(--faint)" className="figures" aria-hidden>
      {seconds < 1 ? '' : formatDuration(seconds)}
    </Text>
  )
}
