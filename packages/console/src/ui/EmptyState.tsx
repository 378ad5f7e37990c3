import { Center, Stack, Text, ThemeIcon } from '@mantine/core'
import type { Icon } from '@tabler/icons-react'
import type { ReactNode } from 'react'

interface EmptyStateProps {
  icon: Icon
  title: string
  /** What would be here, and how it gets here. */
  children: ReactNode
  /** The button that makes the first one. */
  action?: ReactNode
}

/** In the place of a list that has nothing. */
export function EmptyState({ icon: Glyph, title, children, action }: EmptyStateProps): ReactNode {
  return (
    <Center py={56} px="md">
      <Stack align="center" gap="xs" maw={420} ta="center">
        <ThemeIcon size={52} radius="xl" variant="light">
          <Glyph size={26} stroke={1.6} />
        </ThemeIcon>
        <Text fw={600} mt={4}>
          {title}
        </Text>
        <Text size="sm" c="var(--faint)" component="div">
          {children}
        </Text>
        {action}
      </Stack>
    </Center>
  )
}
