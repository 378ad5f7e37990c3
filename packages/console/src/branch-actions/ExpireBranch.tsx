import type { Branch } from '@coppice/api'
import { Select, Text } from '@mantine/core'
import type { ReactNode } from 'react'

import { api } from '../api/client.ts'
import { useAction } from '../api/use-action.ts'
import { formText } from '../ui/form-text.ts'
import { formatMoment } from '../ui/format.ts'
import { FormModal } from '../ui/FormModal.tsx'
import { expiryChoices, expiryOf } from './expiry.ts'

interface ExpireBranchProps {
  branch: Branch
  onClose: () => void
}

/** When a branch ends by itself. */
export function ExpireBranch({ branch, onClose }: ExpireBranchProps): ReactNode {
  const { id: branch_id, project_id, name, expires_at } = branch
  const expire = useAction({
    run: async (at: string | null) =>
      api.updateProjectBranch({
        path: { project_id, branch_id },
        body: { branch: { expires_at: at } },
      }),
    done: (_, at) => (at === null ? `${name} stays` : `${name} expires ${formatMoment(at)}`),
    onDone: onClose,
    quiet: true,
  })
  return (
    <FormModal
      title={`When ${name} expires`}
      verb="Save"
      onClose={onClose}
      onSubmit={(form) => expire.mutate(expiryOf(formText(form, 'expires')))}
      isRunning={expire.isPending}
      error={expire.error}
    >
      <Text size="sm">
        {expires_at === undefined
          ? 'It does not expire now.'
          : `It expires ${formatMoment(expires_at)} now.`}
      </Text>
      <Select
        name="expires"
        label="From now on"
        data={expiryChoices}
        defaultValue="86400"
        allowDeselect={false}
        description="It is deleted then, and can be brought back for a week."
      />
    </FormModal>
  )
}
