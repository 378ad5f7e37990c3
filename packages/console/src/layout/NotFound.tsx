import { Button } from '@mantine/core'
import { IconMapOff } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Link } from 'react-router'

import { paths } from '../paths.ts'
import { EmptyState } from '../ui/EmptyState.tsx'

/** An address that nothing has. */
export function NotFound(): ReactNode {
  return (
    <EmptyState
      icon={IconMapOff}
      title="There is no page here"
      action={
        <Button component={Link} to={paths.projects} mt="xs">
          Go to your projects
        </Button>
      }
    >
      The address may be from another version of Coppice.
    </EmptyState>
  )
}
