import type { Branch, Database } from '@coppice/api'
import { ActionIcon, Menu, Select, Text, TextInput } from '@mantine/core'
import { IconDots, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { api } from '../../api/client.ts'
import { queries } from '../../api/queries.ts'
import { useAction } from '../../api/use-action.ts'
import { AddButton } from '../../ui/AddButton.tsx'
import { ConfirmByName } from '../../ui/ConfirmByName.tsx'
import { formText } from '../../ui/form-text.ts'
import { formatBytes } from '../../ui/format.ts'
import { FormModal } from '../../ui/FormModal.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'

import classes from './branch.module.css'

/** The databases of a branch. */
export function Databases({ branch }: { branch: Branch }): ReactNode {
  const databases = useQuery(queries.databases(branch.project_id, branch.id))
  const [isAdding, setIsAdding] = useState(false)
  return (
    <Panel
      title="Databases"
      actions={<AddButton onClick={() => setIsAdding(true)}>Database</AddButton>}
    >
      <QueryView query={databases} skeletonLines={2}>
        {(found) =>
          found.length === 0 ? (
            <Text size="sm" c="var(--faint)">
              There is none.
            </Text>
          ) : (
            found.map((database) => <Line key={database.id} branch={branch} database={database} />)
          )
        }
      </QueryView>
      {isAdding && <AddDatabase branch={branch} onClose={() => setIsAdding(false)} />}
    </Panel>
  )
}

function Line({ branch, database }: { branch: Branch; database: Database }): ReactNode {
  const { name, owner_name, size_bytes } = database
  const [isDeleting, setIsDeleting] = useState(false)
  const drop = useAction({
    run: async () =>
      api.deleteProjectBranchDatabase({
        path: { project_id: branch.project_id, branch_id: branch.id, database_name: name },
      }),
    done: () => `${name} is gone`,
    onDone: () => setIsDeleting(false),
  })
  return (
    <div className={classes['line']}>
      <div style={{ minWidth: 0 }}>
        <Text size="sm" fw={550} truncate>
          {name}
        </Text>
        <Text size="xs" c="var(--faint)">
          owned by {owner_name}
          {size_bytes !== undefined && size_bytes > 0 && ` · ${formatBytes(size_bytes)}`}
        </Text>
      </div>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon aria-label={`Actions for database ${name}`}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={16} />}
            onClick={() => setIsDeleting(true)}
          >
            Drop database
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ConfirmByName
        opened={isDeleting}
        onClose={() => setIsDeleting(false)}
        verb="Drop"
        name={name}
        isRunning={drop.isPending}
        onConfirm={() => drop.mutate()}
        recovery={
          <>
            All of it, for as long as the project keeps history: a branch of {branch.name} from a
            moment before this one has it.
          </>
        }
      >
        The database is dropped on {branch.name}, with everything in it; sessions in it are ended.
        Other branches keep theirs.
      </ConfirmByName>
    </div>
  )
}

function AddDatabase({ branch, onClose }: { branch: Branch; onClose: () => void }): ReactNode {
  const path = { project_id: branch.project_id, branch_id: branch.id }
  const roles = useQuery(queries.roles(path.project_id, path.branch_id)).data ?? []
  const add = useAction({
    run: async (database: { name: string; owner_name: string }) =>
      api.createProjectBranchDatabase({ path, body: { database } }),
    done: ({ database }) => `${database.name} is ready`,
    onDone: onClose,
    quiet: true,
  })
  return (
    <FormModal
      title="New database"
      verb="Create database"
      onClose={onClose}
      onSubmit={(form) =>
        add.mutate({ name: formText(form, 'name'), owner_name: formText(form, 'owner_name') })
      }
      isRunning={add.isPending}
      error={add.error}
    >
      <TextInput name="name" label="Name" required withAsterisk={false} data-autofocus />
      <Select
        name="owner_name"
        label="Owner"
        data={roles.map(({ name }) => name)}
        defaultValue={roles[0]?.name ?? null}
        allowDeselect={false}
      />
    </FormModal>
  )
}
