import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import { type Location, useBlocker } from 'react-router'

import { countChanges } from './ReviewChanges.tsx'

/** What changes are of: another of these is another database, where they mean nothing. */
const places = ['branch', 'database', 'role', 'at']

/** Asks before changes that are not written are lost: to another page, database or moment. */
export function LeaveWarning({ count }: { count: number }): ReactNode {
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => count > 0 && isElsewhere(currentLocation, nextLocation),
  )
  useEffect(() => {
    if (count === 0) return undefined
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault()
    window.addEventListener('beforeunload', warn)
    return () => window.removeEventListener('beforeunload', warn)
  }, [count])
  if (blocker.state !== 'blocked') return null
  return (
    <Modal opened onClose={blocker.reset} title="Leave without writing?">
      <Stack gap="md">
        <Text size="sm">{countChanges(count)} would be lost.</Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={blocker.reset}>
            Stay
          </Button>
          <Button color="red" onClick={blocker.proceed}>
            Leave
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

function isElsewhere(from: Location, to: Location): boolean {
  const [before, after] = [new URLSearchParams(from.search), new URLSearchParams(to.search)]
  return (
    from.pathname !== to.pathname || places.some((name) => before.get(name) !== after.get(name))
  )
}
