import { Alert, Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { FormEvent, ReactNode } from 'react'
import { useNavigate } from 'react-router'

import { api } from '../api/client.ts'
import { queries } from '../api/queries.ts'
import { describeFailure, useAction } from '../api/use-action.ts'
import { paths } from '../paths.ts'
import { formText } from '../ui/form-text.ts'

interface CreateProjectProps {
  opened: boolean
  onClose: () => void
}

/** A new project; its page opens when it is ready. */
export function CreateProject({ opened, onClose }: CreateProjectProps): ReactNode {
  const navigate = useNavigate()
  const versions = useVersions()
  const create = useAction({
    run: async (input: { name: string; pg_version: number | undefined }) =>
      api.createProject({
        body: {
          project: {
            ...(input.name !== '' && { name: input.name }),
            ...(input.pg_version !== undefined && { pg_version: input.pg_version }),
          },
        },
      }),
    done: ({ project }) => `${project.name} is ready`,
    onDone: ({ project }) => {
      onClose()
      void navigate(paths.project(project.id))
    },
    quiet: true,
  })
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const version = Number(form.get('pg_version'))
    create.mutate({
      name: formText(form, 'name'),
      pg_version: version > 0 ? version : undefined,
    })
  }
  return (
    <Modal opened={opened} onClose={onClose} title="New project">
      <form onSubmit={submit}>
        <Stack gap="md">
          <TextInput name="name" label="Name" placeholder="shop" maxLength={256} data-autofocus />
          {versions.length > 0 && (
            <Select
              name="pg_version"
              label="PostgreSQL"
              data={versions}
              defaultValue={versions[0] ?? null}
              allowDeselect={false}
            />
          )}
          {create.error && (
            <Alert color="red" role="alert">
              {describeFailure(create.error)}
            </Alert>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending}>
              Create project
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** Major versions that the platform has, newest first. */
function useVersions(): string[] {
  const installations = useQuery({ ...queries.platform(), retry: false }).data?.postgres ?? []
  const majors = installations.map(({ version }) => Number.parseInt(version, 10))
  return [...new Set(majors)].toSorted((a, b) => b - a).map(String)
}
