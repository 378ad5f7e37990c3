import type { Branch } from '@coppice/api'
import { Badge, Tooltip } from '@mantine/core'
import { IconArchive, IconClockX, IconLock } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import { formatMoment, formatRelative } from '../ui/format.ts'
import { useNow } from '../ui/RelativeTime.tsx'

interface BranchBadgesProps {
  branch: Branch
  /** Where that is said elsewhere. */
  withoutExpiry?: boolean
}

/** What is particular about a branch. */
export function BranchBadges({ branch, withoutExpiry }: BranchBadgesProps): ReactNode {
  const now = useNow()
  const { expires_at, current_state } = branch
  return (
    <>
      {branch.default && (
        <Badge size="sm" variant="light" tt="none">
          default
        </Badge>
      )}
      {branch.protected && (
        <Tooltip label="Protected: not deleted or reset">
          <IconLock size={14} aria-label="protected" style={{ flex: 'none' }} />
        </Tooltip>
      )}
      {expires_at !== undefined && !withoutExpiry && (
        <Tooltip label={`Expires ${formatMoment(expires_at)}`}>
          <Badge
            size="sm"
            variant="light"
            color="yellow"
            tt="none"
            leftSection={<IconClockX size={11} />}
          >
            {formatRelative(expires_at, now)}
          </Badge>
        </Tooltip>
      )}
      {current_state === 'archived' && (
        <Badge
          size="sm"
          variant="light"
          color="gray"
          tt="none"
          leftSection={<IconArchive size={11} />}
        >
          archived
        </Badge>
      )}
    </>
  )
}
