import type { OrganizationApiKey } from '@coppice/api'
import { Alert, Badge, Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { IconKey } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { api } from '../../api/client.ts'
import { queries } from '../../api/queries.ts'
import { useAction } from '../../api/use-action.ts'
import { AddButton } from '../../ui/AddButton.tsx'
import { ConfirmByName } from '../../ui/ConfirmByName.tsx'
import { CopyField } from '../../ui/CopyField.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formText } from '../../ui/form-text.ts'
import { FormModal } from '../../ui/FormModal.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import type { SettingsSectionProps } from './SettingsPage.tsx'

import classes from '../branch/branch.module.css'

/** There is one organization. */
const org_id = 'org-coppice'

type Scope = 'owner' | 'organization' | 'project'

interface Key extends OrganizationApiKey {
  scope: Scope
}

/** Keys for programs. They are of the platform, so those for other projects are listed too. */
export function ApiKeys({ project }: SettingsSectionProps): ReactNode {
  const session = useQuery(queries.session()).data
  // Only the owner's own keys reach the keys.
  const isOwner = session?.kind === 'user'
  const keys = useQuery({
    queryKey: ['api-keys'],
    queryFn: readKeys,
    enabled: isOwner,
  })
  const [isAdding, setIsAdding] = useState(false)
  const [secret, setSecret] = useState<{ name: string; key: string }>()
  if (!isOwner) {
    return (
      <Panel title="API keys">
        <EmptyState icon={IconKey} title="Keys are the owner’s business">
          You are signed in with a key that does not reach other keys.
        </EmptyState>
      </Panel>
    )
  }
  return (
    <Panel
      title="API keys"
      description="For programs, the CLI and CI. Only a hash of each is kept."
      actions={<AddButton onClick={() => setIsAdding(true)}>API key</AddButton>}
    >
      <QueryView query={keys}>
        {(found) => found.map((key) => <Line key={`${key.scope} ${key.id}`} apiKey={key} />)}
      </QueryView>
      {isAdding && (
        <AddKey projectId={project.id} onClose={() => setIsAdding(false)} onCreated={setSecret} />
      )}
      <Modal
        opened={secret !== undefined}
        onClose={() => setSecret(undefined)}
        title={`The key ${secret?.name ?? ''}`}
      >
        <Stack gap="md">
          <CopyField value={secret?.key ?? ''} label="Copy API key" />
          <Alert color="yellow">
            It is shown this once. Whoever has it can do what it reaches.
          </Alert>
        </Stack>
      </Modal>
    </Panel>
  )
}

async function readKeys(): Promise<Key[]> {
  const [own, organization] = await Promise.all([
    api.listApiKeys({}),
    api.listOrgApiKeys({ path: { org_id } }),
  ])
  return [
    ...own.map((key) => ({ ...key, scope: 'owner' as const })),
    ...organization.map((key) => ({
      ...key,
      scope: key.project_id === undefined ? ('organization' as const) : ('project' as const),
    })),
  ]
}

function Line({ apiKey }: { apiKey: Key }): ReactNode {
  const { id: key_id, name, scope, created_at, last_used_at, project_id } = apiKey
  const [isRevoking, setIsRevoking] = useState(false)
  const revoke = useAction({
    run: async () =>
      scope === 'owner'
        ? api.revokeApiKey({ path: { key_id } })
        : api.revokeOrgApiKey({ path: { org_id, key_id } }),
    done: () => `${name} opens nothing any more`,
    onDone: () => setIsRevoking(false),
  })
  return (
    <div className={classes['line']}>
      <div style={{ minWidth: 0 }}>
        <Group gap={8}>
          <Text size="sm" fw={550} truncate>
            {name}
          </Text>
          <Badge size="sm" variant="light" color={scope === 'owner' ? 'leaf' : 'gray'} tt="none">
            {scope === 'project' ? `project ${project_id ?? ''}` : scope}
          </Badge>
        </Group>
        <Text size="xs" c="var(--faint)">
          made <RelativeTime at={created_at} />, used <RelativeTime at={last_used_at} />
        </Text>
      </div>
      <Button variant="default" size="xs" onClick={() => setIsRevoking(true)}>
        Revoke
      </Button>
      <ConfirmByName
        opened={isRevoking}
        onClose={() => setIsRevoking(false)}
        verb="Revoke"
        name={name}
        isRunning={revoke.isPending}
        onConfirm={() => revoke.mutate()}
        recovery={undefined}
      >
        Programs that use it are refused from now on, and consoles that were signed in with it are
        signed out.
      </ConfirmByName>
    </div>
  )
}

interface AddKeyProps {
  projectId: string
  onClose: () => void
  onCreated: (made: { name: string; key: string }) => void
}

function AddKey({ projectId, onClose, onCreated }: AddKeyProps): ReactNode {
  const add = useAction({
    run: async ({ name: key_name, scope }: { name: string; scope: Scope }) => {
      if (scope === 'owner') return api.createApiKey({ body: { key_name } })
      const project_id = scope === 'project' ? { project_id: projectId } : {}
      return api.createOrgApiKey({ path: { org_id }, body: { key_name, ...project_id } })
    },
    onDone: (made) => {
      onClose()
      onCreated(made)
    },
    quiet: true,
  })
  return (
    <FormModal
      title="New API key"
      verb="Create key"
      onClose={onClose}
      onSubmit={(form) =>
        add.mutate({ name: formText(form, 'name'), scope: formText(form, 'scope') as Scope })
      }
      isRunning={add.isPending}
      error={add.error}
    >
      <TextInput
        name="name"
        label="Name"
        placeholder="ci"
        required
        withAsterisk={false}
        maxLength={64}
        data-autofocus
      />
      <Select
        name="scope"
        label="Reaches"
        data={[
          { value: 'project', label: 'This project' },
          { value: 'organization', label: 'All projects' },
          { value: 'owner', label: 'Everything, other keys included' },
        ]}
        defaultValue="project"
        allowDeselect={false}
      />
    </FormModal>
  )
}
