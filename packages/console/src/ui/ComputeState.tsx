import type { EndpointState } from '@coppice/api'
import { Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'

import classes from './compute-state.module.css'

const words: Readonly<Record<EndpointState, string>> = {
  active: 'Awake',
  idle: 'Asleep',
  init: 'Starting',
}

interface ComputeStateProps {
  state: EndpointState | undefined
  /** Its processes are stopped until somebody wants them. */
  isFrozen?: boolean | undefined
}

/** Whether a compute is awake: a dot, and a word for it. Without a compute there is none. */
export function ComputeState(props: ComputeStateProps): ReactNode {
  const { state, isFrozen = false } = props
  return (
    <Group gap={8} wrap="nowrap">
      <span
        className={classes['dot']}
        data-state={isFrozen ? 'frozen' : (state ?? 'none')}
        aria-hidden
      />
      <Text size="sm" span>
        {state === undefined ? 'No compute' : isFrozen ? 'Frozen' : words[state]}
      </Text>
    </Group>
  )
}
