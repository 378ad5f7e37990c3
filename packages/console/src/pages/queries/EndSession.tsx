import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'

import { ask, type QuietPlace } from '../../api/quiet-query.ts'
import { useAction } from '../../api/use-action.ts'
import { SqlText } from '../../ui/SqlText.tsx'
import type { Session } from './catalog-queries.ts'

/** What can be done to a session. */
export interface Ending {
  kind: 'cancel' | 'terminate'
  session: Session
}

/** Cancelling does nothing to who runs no query. */
export const canCancel = ({ state }: Session): boolean => state === 'active'

const words = {
  cancel: {
    verb: 'Cancel query',
    says: 'The query ends with an error. The session goes on; a transaction that it was in is over.',
    done: 'was told to stop its query',
    call: 'pg_cancel_backend',
  },
  terminate: {
    verb: 'End session',
    says: 'The connection is cut off, and what its transaction has not committed is undone.',
    done: 'was told to end',
    call: 'pg_terminate_backend',
  },
} as const

interface EndSessionProps {
  place: QuietPlace
  ending: Ending | undefined
  onClose: () => void
}

/** Asks before a query is cancelled or a session is ended, and does it as the owner of the database. */
export function EndSession({ place, ending, onClose }: EndSessionProps): ReactNode {
  const end = useAction<Ending, boolean>({
    run: async ({ kind, session }) => {
      const sql = `select ${words[kind].call}(${session.pid}) as is_told`
      const [result] = await ask(place, sql, { mayWake: true })
      return result?.rows[0]?.['is_told'] === 't'
    },
    done: (isTold, { kind, session }) =>
      isTold
        ? `Process ${session.pid} ${words[kind].done}`
        : `Process ${session.pid} is not there any more`,
    onDone: onClose,
  })
  const { verb, says } = words[ending?.kind ?? 'cancel']
  return (
    <Modal
      opened={ending !== undefined}
      onClose={onClose}
      title={`${verb} of process ${ending?.session.pid}?`}
    >
      {ending && (
        <Stack gap="md">
          <Text size="sm">{says}</Text>
          {ending.session.query !== '' && <SqlText sql={ending.session.query} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Let it go on
            </Button>
            <Button color="red" loading={end.isPending} onClick={() => end.mutate(ending)}>
              {verb}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  )
}
