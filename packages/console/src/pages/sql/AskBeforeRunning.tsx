import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'

import classes from './sql.module.css'

interface AskBeforeRunningProps {
  /** Closed without one. */
  statement: string | undefined
  onAnswer: (consents: boolean) => void
}

/** Before a statement that may write is run to be explained. */
export function AskBeforeRunning({ statement, onAnswer }: AskBeforeRunningProps): ReactNode {
  return (
    <Modal
      opened={statement !== undefined}
      onClose={() => onAnswer(false)}
      title="Run it, and take it back?"
    >
      <Stack gap="md">
        <Text size="sm">
          To measure it, this statement is run in a transaction that is rolled back. Its rows are
          locked meanwhile, and what a rollback does not reach stays: sequences, and what functions
          do outside.
        </Text>
        <pre className={classes['snippet']}>{statement?.slice(0, 2000)}</pre>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={() => onAnswer(false)}>
            Cancel
          </Button>
          <Button onClick={() => onAnswer(true)} data-autofocus>
            Run and roll back
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
