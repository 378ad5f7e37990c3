import type { Branch } from '@coppice/api'
import { Text, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'

import { api } from '../api/client.ts'
import { useAction } from '../api/use-action.ts'
import { formText } from '../ui/form-text.ts'
import { FormModal } from '../ui/FormModal.tsx'

interface RenameBranchProps {
  branch: Branch
  onClose: () => void
}

/** Another name; ids, hosts and connection strings stay. */
export function RenameBranch({ branch, onClose }: RenameBranchProps): ReactNode {
  const { id: branch_id, project_id } = branch
  const rename = useAction({
    run: async (name: string) =>
      api.updateProjectBranch({ path: { project_id, branch_id }, body: { branch: { name } } }),
    done: (answer) => `${branch.name} is called ${answer.branch.name} now`,
    onDone: onClose,
    quiet: true,
  })
  return (
    <FormModal
      title={`Rename ${branch.name}`}
      verb="Rename"
      onClose={onClose}
      onSubmit={(form) => rename.mutate(formText(form, 'name'))}
      isRunning={rename.isPending}
      error={rename.error}
    >
      <TextInput
        name="name"
        label="Name"
        defaultValue={branch.name}
        required
        withAsterisk={false}
        maxLength={256}
        autoComplete="off"
        data-autofocus
      />
      <Text size="sm" c="var(--faint)">
        Hosts and connection strings stay as they are.
      </Text>
    </FormModal>
  )
}
