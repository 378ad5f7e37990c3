import { Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'

/** The mark and the name. */
export function Logo(): ReactNode {
  return (
    <Group gap={10} wrap="nowrap">
      <img src="/assets/coppice.svg" width={28} height={28} alt="" />
      <Text fw={700} fz={17} style={{ letterSpacing: '-0.01em' }}>
        Coppice
      </Text>
    </Group>
  )
}
