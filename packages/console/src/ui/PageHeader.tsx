import { Box, Group, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'

interface PageHeaderProps {
  title: string
  /** Beside the title: badges. */
  badges?: ReactNode
  /** One sentence below it. */
  description?: ReactNode
  /** Buttons; the most usual one last. */
  actions?: ReactNode
}

/** The head of a page. It also names the page in the browser's tab. */
export function PageHeader({ title, badges, description, actions }: PageHeaderProps): ReactNode {
  useEffect(() => {
    document.title = `${title} · Coppice`
  }, [title])
  return (
    <Group justify="space-between" align="flex-start" mb="lg" gap="sm">
      <Box miw={0}>
        <Group gap="sm">
          <Title order={1} size="h2" lineClamp={1}>
            {title}
          </Title>
          {badges}
        </Group>
        {description !== undefined && (
          <Text c="var(--faint)" size="sm" mt={4} component="div">
            {description}
          </Text>
        )}
      </Box>
      {actions !== undefined && <Group gap="xs">{actions}</Group>}
    </Group>
  )
}
