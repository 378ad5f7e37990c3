import {
  Group,
  SegmentedControl,
  Text,
  Tooltip,
  UnstyledButton,
  useMantineColorScheme,
} from '@mantine/core'
import { IconDeviceDesktop, IconLogout, IconMoon, IconSun } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { signOut } from '../api/client.ts'
import { queries, sessionKey } from '../api/queries.ts'
import { useAction } from '../api/use-action.ts'

import classes from './layout.module.css'

const schemes = [
  { value: 'light', label: 'Light', icon: IconSun },
  { value: 'auto', label: 'As the system', icon: IconDeviceDesktop },
  { value: 'dark', label: 'Dark', icon: IconMoon },
] as const

/** Colours, who is signed in, and out. */
export function AccountMenu(): ReactNode {
  const session = useQuery(queries.session()).data
  const client = useQueryClient()
  const leave = useAction({
    run: async () => signOut(),
    onDone: (found) => {
      client.setQueryData(sessionKey, found)
      // Nothing stays for whoever sits here next.
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionKey[0] })
    },
  })
  return (
    <Group className={classes['account'] ?? ''} justify="space-between" wrap="nowrap">
      <div>
        <Text size="sm" fw={550}>
          {whoIs(session?.kind, session?.project_id)}
        </Text>
        <Text size="xs" c="var(--faint)">
          v{session?.version}
        </Text>
      </div>
      <Group gap={4} wrap="nowrap">
        <SchemeSwitch />
        <Tooltip label="Sign out">
          <UnstyledButton
            aria-label="Sign out"
            className={classes['signOut'] ?? ''}
            onClick={() => leave.mutate()}
          >
            <IconLogout size={17} />
          </UnstyledButton>
        </Tooltip>
      </Group>
    </Group>
  )
}

function whoIs(kind: string | undefined, projectId: string | undefined): string {
  if (projectId !== undefined) return 'Key for this project'
  return kind === 'organization' ? 'Organization key' : 'Owner'
}

function SchemeSwitch(): ReactNode {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <SegmentedControl
      size="xs"
      aria-label="Colours"
      value={colorScheme}
      onChange={(value) => setColorScheme(value as (typeof schemes)[number]['value'])}
      data={schemes.map(({ value, label, icon: Glyph }) => ({
        value,
        label: <Glyph size={13} aria-label={label} role="img" style={{ display: 'block' }} />,
      }))}
    />
  )
}
