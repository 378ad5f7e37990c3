import { Button, Center, Code, Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useRouteError } from 'react-router'

/**
 * What a page is replaced by where it fails while it is drawn or loaded. After an upgrade of the platform
 * the files that an open tab knows of are gone; loading the page anew brings the new ones.
 */
export function RouteError(): ReactNode {
  const error = useRouteError()
  const isGone = error instanceof TypeError && /module|import/i.test(error.message)
  return (
    <Center mih="60vh" p="md" role="alert">
      <Stack maw={520} gap="sm">
        <Title order={1} size="h3">
          {isGone ? 'The console has been renewed' : 'This page has failed'}
        </Title>
        <Text>
          {isGone
            ? 'This tab is of an earlier version, or the platform is away. Load it again.'
            : 'That is a mistake of the console, not of your data. Loading the page again may help.'}
        </Text>
        {!isGone && <Code block>{error instanceof Error ? error.message : String(error)}</Code>}
        <Group>
          <Button onClick={() => location.reload()}>Load again</Button>
        </Group>
      </Stack>
    </Center>
  )
}
