import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useNavigate } from 'react-router'

import { api } from '../../api/client.ts'
import { queries } from '../../api/queries.ts'
import { useAction } from '../../api/use-action.ts'
import { recoverableUntil } from '../../branch-actions/recovery.ts'
import { paths } from '../../paths.ts'
import { ConfirmByName } from '../../ui/ConfirmByName.tsx'
import { formText } from '../../ui/form-text.ts'
import { Panel } from '../../ui/Panel.tsx'
import { SettingsForm } from './SettingsForm.tsx'
import type { SettingsSectionProps } from './SettingsPage.tsx'
import { useSaveProject } from './use-save-project.ts'

/** The name of a project, and its end. */
export function GeneralSettings({ project }: SettingsSectionProps): ReactNode {
  const save = useSaveProject(project.id)
  return (
    <Stack gap="md">
      <SettingsForm
        title="Project"
        onSubmit={(form) => save.mutate({ name: formText(form, 'name') })}
        isRunning={save.isPending}
        error={save.error}
      >
        <TextInput
          name="name"
          label="Name"
          defaultValue={project.name}
          required
          withAsterisk={false}
          maxLength={256}
        />
        <TextInput label="Id" value={project.id} readOnly ff="monospace" />
      </SettingsForm>
      <DeleteProject project={project} />
    </Stack>
  )
}

function DeleteProject({ project }: SettingsSectionProps): ReactNode {
  const { id: project_id, name } = project
  const branches = useQuery(queries.branches(project_id)).data?.length
  const [isOpen, setIsOpen] = useState(false)
  const navigate = useNavigate()
  const remove = useAction({
    run: async () => api.deleteProject({ path: { project_id }, query: {} }),
    done: () => `${name} is deleted, until it is brought back`,
    onDone: () => void navigate(paths.projects),
  })
  return (
    <Panel title="Delete the project">
      <Group justify="space-between">
        <Text size="sm" c="var(--faint)" maw={420}>
          With all its branches. It can be brought back until {recoverableUntil()}.
        </Text>
        <Button
          variant="outline"
          color="red"
          leftSection={<IconTrash size={16} />}
          onClick={() => setIsOpen(true)}
        >
          Delete project
        </Button>
      </Group>
      <ConfirmByName
        opened={isOpen}
        onClose={() => setIsOpen(false)}
        verb="Delete project"
        name={name}
        isRunning={remove.isPending}
        onConfirm={() => remove.mutate()}
        recovery={
          <>
            All of it, on the page of projects, until {recoverableUntil()}, unless the pool runs out
            of space before.
          </>
        }
      >
        Its {branches === 1 ? 'branch' : `${branches ?? ''} branches`} and computes end; all
        connections are cut off.
      </ConfirmByName>
    </Panel>
  )
}
