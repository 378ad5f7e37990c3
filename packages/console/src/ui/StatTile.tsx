import { Box, Skeleton, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'

import classes from './panel.module.css'

interface StatTileProps {
  label: string
  /** Undefined while it loads. */
  value: ReactNode | undefined
  /** What the figure is made of, or compared with. */
  note?: ReactNode
  /** Where it leads. */
  to?: string
}

/** One figure with its name. */
export function StatTile({ label, value, note, to }: StatTileProps): ReactNode {
  const content = (
    <>
      <Text size="sm" c="var(--faint)">
        {label}
      </Text>
      {value === undefined ? (
        <Skeleton height={28} width={90} mt={4} />
      ) : (
        <Text fz={26} fw={650} lh={1.3} className="figures" component="div">
          {value}
        </Text>
      )}
      {note !== undefined && (
        <Text size="xs" c="var(--faint)" component="div">
          {note}
        </Text>
      )}
    </>
  )
  if (to === undefined) {
    return (
      <Box className={classes['panel'] ?? ''} p="md">
        {content}
      </Box>
    )
  }
  return (
    <Box component={Link} to={to} className={`${classes['panel']} ${classes['leading']}`} p="md">
      {content}
    </Box>
  )
}
