import type { Branch } from '@coppice/api'
import { Select, Text, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'

import { api } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { expiryChoices, expiryOf } from '../../branch-actions/expiry.ts'
import { formText } from '../../ui/form-text.ts'
import { FormModal } from '../../ui/FormModal.tsx'
import { type Moment, momentFields, momentText } from '../../ui/moment.ts'

interface KeepSnapshotProps {
  branch: Branch
  /** The present without one. */
  moment?: Moment
  onClose: () => void
}

/** A point of a branch that stays, whatever the history window. */
export function KeepSnapshot({ branch, moment, onClose }: KeepSnapshotProps): ReactNode {
  const { id: branch_id, project_id } = branch
  const keep = useAction({
    run: async (form: FormData) => {
      const name = formText(form, 'name')
      const expires_at = expiryOf(formText(form, 'expires'))
      return api.createSnapshot({
        path: { project_id, branch_id },
        query: {
          ...(name !== '' && { name }),
          ...(expires_at !== null && { expires_at }),
          ...(moment && momentFields(moment)),
        },
      })
    },
    done: ({ snapshot }) => `${snapshot.name} is kept`,
    onDone: onClose,
    quiet: true,
  })
  return (
    <FormModal
      title="Keep a snapshot"
      verb="Keep"
      onClose={onClose}
      onSubmit={(form) => keep.mutate(form)}
      isRunning={keep.isPending}
      error={keep.error}
    >
      <Text size="sm">
        {branch.name} as it {moment === undefined ? 'is now' : `was at ${momentText(moment)}`}. It
        outlives the history window, and costs what the branch changes from there on.
      </Text>
      <TextInput
        name="name"
        label="Name"
        placeholder="before the release"
        description="Made up for you where you leave it out."
        maxLength={256}
        autoComplete="off"
        data-autofocus
      />
      <Select
        name="expires"
        label="Expires"
        data={expiryChoices}
        defaultValue="never"
        allowDeselect={false}
      />
    </FormModal>
  )
}
