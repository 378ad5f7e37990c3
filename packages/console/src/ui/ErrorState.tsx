import { ApiError } from '@coppice/api/client'
import { Button, Center, Code, Stack, Text, ThemeIcon } from '@mantine/core'
import { IconAlertTriangle, IconPlugConnectedX, IconRefresh } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import { describeFailure } from '../api/use-action.ts'

interface ErrorStateProps {
  error: unknown
  /** Offered as a button. */
  onRetry?: () => void
}

/** In the place of what could not be read: what happened, what to do, and what to quote. */
export function ErrorState({ error, onRetry }: ErrorStateProps): ReactNode {
  const isAnswer = error instanceof ApiError
  const Glyph = isAnswer ? IconAlertTriangle : IconPlugConnectedX
  return (
    <Center py={56} px="md" role="alert">
      <Stack align="center" gap="xs" maw={480} ta="center">
        <ThemeIcon size={52} radius="xl" variant="light" color="red">
          <Glyph size={26} stroke={1.6} />
        </ThemeIcon>
        <Text fw={600} mt={4}>
          {isAnswer && error.status === 404 ? 'This is not here' : 'This could not be loaded'}
        </Text>
        <Text size="sm" c="var(--faint)">
          {describeFailure(error)}
        </Text>
        {isAnswer && error.requestId !== undefined && (
          <Text size="xs" c="var(--faint)">
            {error.code} · request <Code>{error.requestId}</Code>
          </Text>
        )}
        {onRetry && (
          <Button variant="default" leftSection={<IconRefresh size={16} />} onClick={onRetry}>
            Try again
          </Button>
        )}
      </Stack>
    </Center>
  )
}
