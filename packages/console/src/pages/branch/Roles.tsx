import type { Branch, Role } from '@coppice/api'
import { ActionIcon, Alert, Menu, Modal, Stack, Text, TextInput } from '@mantine/core'
import { IconDots, IconKey, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { api } from '../../api/client.ts'
import { queries } from '../../api/queries.ts'
import { useAction } from '../../api/use-action.ts'
import { AddButton } from '../../ui/AddButton.tsx'
import { ConfirmByName } from '../../ui/ConfirmByName.tsx'
import { CopyField } from '../../ui/CopyField.tsx'
import { formText } from '../../ui/form-text.ts'
import { FormModal } from '../../ui/FormModal.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'

import classes from './branch.module.css'

/** The roles of a branch, and their passwords when they are made. */
export function Roles({ branch }: { branch: Branch }): ReactNode {
  const roles = useQuery(queries.roles(branch.project_id, branch.id))
  const [isAdding, setIsAdding] = useState(false)
  const [made, setMade] = useState<Role>()
  return (
    <Panel title="Roles" actions={<AddButton onClick={() => setIsAdding(true)}>Role</AddButton>}>
      <QueryView query={roles} skeletonLines={2}>
        {(found) =>
          found.map((role) => (
            <Line key={role.name} branch={branch} role={role} onPassword={setMade} />
          ))
        }
      </QueryView>
      {isAdding && (
        <AddRole branch={branch} onClose={() => setIsAdding(false)} onCreated={setMade} />
      )}
      <NewPassword role={made} onClose={() => setMade(undefined)} />
    </Panel>
  )
}

interface LineProps {
  branch: Branch
  role: Role
  onPassword: (role: Role) => void
}

function Line({ branch, role: { name }, onPassword }: LineProps): ReactNode {
  const [dialog, setDialog] = useState<'delete' | 'reset'>()
  const close = (): void => setDialog(undefined)
  const path = { project_id: branch.project_id, branch_id: branch.id, role_name: name }
  const drop = useAction({
    run: async () => api.deleteProjectBranchRole({ path }),
    done: () => `${name} is gone`,
    onDone: close,
  })
  const reset = useAction({
    run: async () => api.resetProjectBranchRolePassword({ path }),
    onDone: ({ role }) => {
      close()
      onPassword(role)
    },
  })
  return (
    <div className={classes['line']}>
      <Text size="sm" fw={550} truncate>
        {name}
      </Text>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon aria-label={`Actions for role ${name}`}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconKey size={16} />} onClick={() => setDialog('reset')}>
            New password
          </Menu.Item>
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={16} />}
            onClick={() => setDialog('delete')}
          >
            Drop role
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ConfirmByName
        opened={dialog === 'reset'}
        onClose={close}
        verb="Set a new password for"
        name={name}
        isRunning={reset.isPending}
        onConfirm={() => reset.mutate()}
        recovery={undefined}
      >
        Programs that use the password of now cannot log in any more on {branch.name}. Sessions that
        are open stay.
      </ConfirmByName>
      <ConfirmByName
        opened={dialog === 'delete'}
        onClose={close}
        verb="Drop"
        name={name}
        isRunning={drop.isPending}
        onConfirm={() => drop.mutate()}
        recovery="What the role owns: it goes to the owner of the database. The role can be made again, with another password."
      >
        Nobody can log in as {name} on {branch.name} any more.
      </ConfirmByName>
    </div>
  )
}

interface AddRoleProps {
  branch: Branch
  onClose: () => void
  onCreated: (role: Role) => void
}

function AddRole({ branch, onClose, onCreated }: AddRoleProps): ReactNode {
  const add = useAction({
    run: async (name: string) =>
      api.createProjectBranchRole({
        path: { project_id: branch.project_id, branch_id: branch.id },
        body: { role: { name } },
      }),
    onDone: ({ role }) => {
      onClose()
      onCreated(role)
    },
    quiet: true,
  })
  return (
    <FormModal
      title="New role"
      verb="Create role"
      onClose={onClose}
      onSubmit={(form) => add.mutate(formText(form, 'name'))}
      isRunning={add.isPending}
      error={add.error}
    >
      <TextInput name="name" label="Name" required withAsterisk={false} data-autofocus />
    </FormModal>
  )
}

function NewPassword({
  role,
  onClose,
}: {
  role: Role | undefined
  onClose: () => void
}): ReactNode {
  return (
    <Modal opened={role !== undefined} onClose={onClose} title={`Password of ${role?.name ?? ''}`}>
      <Stack gap="md">
        {role?.password === undefined ? (
          <Alert color="yellow">The role cannot log in, so it has no password.</Alert>
        ) : (
          <CopyField value={role.password} label="Copy password" />
        )}
        <Text size="sm" c="var(--faint)">
          “Connect” has it in ready strings, where the project stores passwords.
        </Text>
      </Stack>
    </Modal>
  )
}
