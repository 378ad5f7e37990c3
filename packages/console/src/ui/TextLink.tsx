import { Anchor } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'

/** A link to another page, within text and tables. */
export function TextLink({ to, children }: { to: string; children: ReactNode }): ReactNode {
  return (
    <Anchor component={Link} to={to} size="sm" fw={550} c="inherit" underline="hover">
      {children}
    </Anchor>
  )
}
