import type { EndpointState } from '@coppice/api'
import { Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'

import classes from './compute-state.module.css'

const words: Readonly<Record<EndpointState, string>> = {
  active: 'Awake',
  idle: 'Asleep',
  init: 'Starting',
}

/** Whether a compute is awake: a dot, and a word for it. Without a compute there is none. */
export function ComputeState({ state }: { state: EndpointState | undefined }): ReactNode {
  return (
    <Group gap={8} wrap="nowrap">
      <span className={classes['dot']} data-state={state ?? 'none'} aria-hidden />
      <Text size="sm" span>
        {state === undefined ? 'No compute' : words[state]}
      </Text>
    </Group>
  )
}
