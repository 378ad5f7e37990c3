import { Group, Text, Tooltip } from '@mantine/core'
import { IconPlugConnectedX } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import type { LiveState } from '../api/events.ts'

import classes from './layout.module.css'

const words: Readonly<Record<LiveState, { label: string; detail: string }>> = {
  live: { label: 'Live', detail: 'What you see is as it is now' },
  connecting: { label: 'Connecting', detail: 'Connecting to the platform' },
  disconnected: { label: 'Disconnected', detail: 'The platform does not answer; trying again' },
}

/** Whether what is on the screen follows the platform. */
export function ConnectionState({ state }: { state: LiveState }): ReactNode {
  const { label, detail } = words[state]
  return (
    <Tooltip label={detail}>
      <Group gap={6} wrap="nowrap" role="status" aria-label={`Connection: ${label}`}>
        <span className={classes['liveDot']} data-state={state} aria-hidden />
        <Text size="xs" c="var(--faint)" visibleFrom="sm">
          {label}
        </Text>
      </Group>
    </Tooltip>
  )
}

/** Above the page while the platform is away: what is shown is of before. */
export function DisconnectedBanner(): ReactNode {
  return (
    <div className={classes['banner']} role="alert">
      <IconPlugConnectedX size={18} aria-hidden />
      <span>
        The platform does not answer. What you see is from before; the console is trying again and
        will catch up by itself.
      </span>
    </div>
  )
}
