import type { Branch } from '@coppice/api'
import { ApiError } from '@coppice/api/client'
import {
  ActionIcon,
  Alert,
  Button,
  Group,
  Select,
  SegmentedControl,
  Skeleton,
  Stack,
  Tabs,
  Text,
  Tooltip,
} from '@mantine/core'
import { IconEye, IconEyeOff, IconKey } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { api } from '../api/client.ts'
import { queries } from '../api/queries.ts'
import { describeFailure, useAction } from '../api/use-action.ts'
import { CopyField } from '../ui/CopyField.tsx'
import { hidePassword, type SnippetInput, snippets } from './snippets.ts'

interface ConnectPanelProps {
  projectId: string
  branch: Branch
}

/** Connection strings of a branch, direct and pooled, and what programs do with them. */
export function ConnectPanel({ projectId, branch }: ConnectPanelProps): ReactNode {
  const roles = useQuery(queries.roles(projectId, branch.id)).data ?? []
  const databases = useQuery(queries.databases(projectId, branch.id)).data ?? []
  const [chosenDatabase, setDatabase] = useState<string | null>(null)
  const [chosenRole, setRole] = useState<string | null>(null)
  const [pooled, setPooled] = useState(true)
  const database = chosenDatabase ?? databases[0]?.name
  const owner = databases.find(({ name }) => name === database)?.owner_name
  const role = chosenRole ?? owner ?? roles[0]?.name
  return (
    <Stack gap="md">
      <Group grow gap="sm">
        <Select
          label="Database"
          data={databases.map(({ name }) => name)}
          value={database ?? null}
          onChange={setDatabase}
          allowDeselect={false}
        />
        <Select
          label="Role"
          data={roles.map(({ name }) => name)}
          value={role ?? null}
          onChange={setRole}
          allowDeselect={false}
        />
      </Group>
      <SegmentedControl
        aria-label="Kind of connection"
        value={pooled ? 'pooled' : 'direct'}
        onChange={(value) => setPooled(value === 'pooled')}
        data={[
          { value: 'pooled', label: 'Pooled' },
          { value: 'direct', label: 'Direct' },
        ]}
      />
      <Text size="sm" c="var(--faint)">
        {pooled
          ? 'For applications: thousands of clients, transactions pooled, and they stay connected while the compute sleeps.'
          : 'For migrations, pg_dump, LISTEN and replication: a session of its own.'}
      </Text>
      {database !== undefined && role !== undefined ? (
        <Strings key={`${database} ${role}`} {...{ projectId, branch, database, role, pooled }} />
      ) : (
        <Skeleton height={140} />
      )}
    </Stack>
  )
}

interface StringsProps extends ConnectPanelProps {
  database: string
  role: string
  pooled: boolean
}

function Strings({ projectId, branch, database, role, pooled }: StringsProps): ReactNode {
  const uris = useQuery({
    queryKey: ['connection-uri', projectId, branch.id, database, role],
    queryFn: async () => {
      const query = { branch_id: branch.id, database_name: database, role_name: role }
      const [pooledUri, directUri] = await Promise.all(
        [true, false].map(async (isPooled) => {
          const input = { path: { project_id: projectId }, query: { ...query, pooled: isPooled } }
          return (await api.getConnectionURI(input)).uri
        }),
      )
      return { pooledUri: pooledUri ?? '', directUri: directUri ?? '' }
    },
    // They hold a password: not kept longer than they are looked at.
    gcTime: 0,
  })
  // A key for one project is not told; then the authority goes unsaid.
  const platform = useQuery({ ...queries.platform(), retry: false }).data
  const [isShown, setIsShown] = useState(false)
  if (uris.error) {
    return <NoString {...{ projectId, branch, role }} error={uris.error} />
  }
  if (uris.data === undefined) return <Skeleton height={140} />
  const uri = pooled ? uris.data.pooledUri : uris.data.directUri
  const input: SnippetInput = {
    uri,
    ...uris.data,
    caFile:
      platform?.certificate.kind === 'own'
        ? platform.certificate.file.replace(/[^/]+$/, 'ca.crt')
        : undefined,
    sqlPort: platform?.sql_port,
  }
  const shown = (text: string): string => (isShown ? text : hidePassword(text))
  return (
    <Stack gap="md">
      <Group gap="xs" wrap="nowrap">
        <div style={{ flex: 1, minWidth: 0 }}>
          <CopyField value={uri} shown={shown(uri)} label="Copy connection string" />
        </div>
        <Tooltip label={isShown ? 'Hide password' : 'Show password'}>
          <ActionIcon
            size="lg"
            aria-label={isShown ? 'Hide password' : 'Show password'}
            onClick={() => setIsShown(!isShown)}
          >
            {isShown ? <IconEyeOff size={18} /> : <IconEye size={18} />}
          </ActionIcon>
        </Tooltip>
      </Group>
      <Tabs defaultValue="psql" variant="pills" keepMounted={false}>
        <Tabs.List aria-label="Programs">
          {snippets.map(({ id, label }) => (
            <Tabs.Tab key={id} value={id} size="sm">
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {snippets.map(({ id, label, note, render }) => (
          <Tabs.Panel key={id} value={id} pt="sm">
            <Note>{note?.(input)}</Note>
            <CopyField
              value={render(input)}
              shown={shown(render(input))}
              label={`Copy for ${label}`}
            />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  )
}

function Note({ children }: { children: string | undefined }): ReactNode {
  if (children === undefined) return null
  return (
    <Text size="sm" c="var(--faint)" mb={6} style={{ overflowWrap: 'anywhere' }}>
      {children}
    </Text>
  )
}

interface NoStringProps extends ConnectPanelProps {
  role: string
  error: Error
}

/** Where there is no string: without a compute, or without a password that is kept. */
function NoString({ projectId, branch, role, error }: NoStringProps): ReactNode {
  const reset = useAction({
    run: async () =>
      api.resetProjectBranchRolePassword({
        path: { project_id: projectId, branch_id: branch.id, role_name: role },
      }),
    done: () => `${role} has a new password`,
  })
  const isPassword = error instanceof ApiError && error.code === 'password_not_stored'
  return (
    <Alert color="yellow" title="There is no connection string yet">
      <Stack gap="sm" align="flex-start">
        {describeFailure(error)}
        {isPassword && (
          <Button
            variant="default"
            size="xs"
            leftSection={<IconKey size={14} />}
            loading={reset.isPending}
            onClick={() => reset.mutate()}
          >
            Set a new password
          </Button>
        )}
      </Stack>
    </Alert>
  )
}
