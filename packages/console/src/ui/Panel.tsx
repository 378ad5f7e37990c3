import { Box, Group, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

import classes from './panel.module.css'

interface PanelProps {
  title?: string
  description?: string | undefined
  /** At the right of the title. */
  actions?: ReactNode
  /** Without a margin inside, for tables and lists that have their own. */
  flush?: boolean
  children: ReactNode
}

/** A surface with a title: what a page is made of. */
export function Panel({ title, description, actions, flush, children }: PanelProps): ReactNode {
  return (
    <section className={classes['panel']} aria-label={title}>
      {title !== undefined && (
        <Group justify="space-between" px="md" pt="sm" pb={flush ? 'sm' : 0} mih={44}>
          <Box>
            <Title order={2} size="h5">
              {title}
            </Title>
            {description !== undefined && (
              <Text size="sm" c="var(--faint)">
                {description}
              </Text>
            )}
          </Box>
          {actions}
        </Group>
      )}
      {flush ? (
        children
      ) : (
        <Box px="md" pb="md" pt={title === undefined ? 'md' : 'xs'}>
          {children}
        </Box>
      )}
    </section>
  )
}
