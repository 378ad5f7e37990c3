import type { Branch } from '@coppice/api'
import { Button, Group, Text, TextInput } from '@mantine/core'
import { IconGitBranch, IconHistory } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'

import { api } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { formText } from '../../ui/form-text.ts'
import { formatMoment } from '../../ui/format.ts'
import { FormModal } from '../../ui/FormModal.tsx'

import classes from './sql.module.css'

interface PastBandProps {
  branch: Branch
  moment: string
  onNow: () => void
  /** A branch has been made of the moment. */
  onBranch: (branch: Branch) => void
}

/** Above the editor while it looks at the past, so that nobody takes it for the present. */
export function PastBand({ branch, moment, onNow, onBranch }: PastBandProps): ReactNode {
  const [isNaming, setIsNaming] = useState(false)
  return (
    <div className={classes['past']} role="status">
      <Group gap={10} wrap="nowrap" miw={0}>
        <IconHistory size={18} aria-hidden className={classes['pastIcon'] ?? ''} />
        <Text size="sm" component="div">
          <b>{branch.name}</b> as it was at <b>{formatMoment(moment)}</b>. It can only be read.
        </Text>
      </Group>
      <Group gap="xs">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconGitBranch size={15} />}
          onClick={() => setIsNaming(true)}
        >
          Make a branch of this moment
        </Button>
        <Button size="xs" variant="default" onClick={onNow}>
          Back to now
        </Button>
      </Group>
      {isNaming && (
        <BranchOfMoment
          branch={branch}
          moment={moment}
          onClose={() => setIsNaming(false)}
          onBranch={onBranch}
        />
      )}
    </div>
  )
}

function BranchOfMoment(props: Omit<PastBandProps, 'onNow'> & { onClose: () => void }): ReactNode {
  const { branch, moment, onClose, onBranch } = props
  const create = useAction({
    run: async (name: string) =>
      api.createProjectBranch({
        path: { project_id: branch.project_id },
        body: {
          branch: {
            parent_id: branch.id,
            parent_timestamp: moment,
            ...(name !== '' && { name }),
          },
          endpoints: [{ type: 'read_write' }],
        },
      }),
    done: ({ branch: made }) => `${made.name} has the data of ${formatMoment(moment)}`,
    onDone: ({ branch: made }) => {
      onClose()
      onBranch(made)
    },
    quiet: true,
  })
  return (
    <FormModal
      title={`Branch of ${branch.name} at ${formatMoment(moment)}`}
      verb="Create branch"
      onClose={onClose}
      onSubmit={(form) => create.mutate(formText(form, 'name'))}
      isRunning={create.isPending}
      error={create.error}
    >
      <TextInput
        name="name"
        label="Name"
        description="Made up for you where you leave it out."
        maxLength={256}
        autoComplete="off"
        data-autofocus
      />
    </FormModal>
  )
}
