import type { Branch } from '@coppice/api'
import { Alert, Select, TextInput } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { api } from '../api/client.ts'
import { queries } from '../api/queries.ts'
import { useAction } from '../api/use-action.ts'
import { formText } from '../ui/form-text.ts'
import { formatMoment } from '../ui/format.ts'
import { FormModal } from '../ui/FormModal.tsx'

interface RestoreBranchProps {
  branch: Branch
  onClose: () => void
}

interface Restore {
  sourceId: string
  moment: string
  keepAs: string
}

/** The data of a moment in the place of what a branch has, under the same address. */
export function RestoreBranch({ branch, onClose }: RestoreBranchProps): ReactNode {
  const { id: branch_id, project_id, name } = branch
  const branches = useQuery(queries.branches(project_id)).data ?? []
  const [sourceId, setSourceId] = useState(branch_id)
  const history = useQuery({ ...queries.branchHistory(project_id, sourceId), retry: false }).data
  const restore = useAction({
    run: async (input: Restore) =>
      api.restoreProjectBranch({
        path: { project_id, branch_id },
        body: {
          source_branch_id: input.sourceId,
          ...(input.moment !== '' && { source_timestamp: new Date(input.moment).toISOString() }),
          ...(input.keepAs !== '' && { preserve_under_name: input.keepAs }),
        },
      }),
    done: (_, { keepAs }) =>
      `${name} has been restored${keepAs === '' ? '' : `; what it was is ${keepAs}`}`,
    onDone: onClose,
    quiet: true,
  })
  const isSelf = sourceId === branch_id
  return (
    <FormModal
      title={`Restore ${name}`}
      verb="Restore"
      onClose={onClose}
      onSubmit={(form) =>
        restore.mutate({
          sourceId,
          moment: formText(form, 'moment'),
          keepAs: formText(form, 'keep_as'),
        })
      }
      isRunning={restore.isPending}
      error={restore.error}
    >
      <Select
        label="From"
        data={branches.map(({ id, name: label }) => ({ value: id, label }))}
        value={sourceId}
        onChange={(value) => setSourceId(value ?? branch_id)}
        searchable
        limit={50}
        allowDeselect={false}
      />
      <TextInput
        name="moment"
        label="Moment"
        type="datetime-local"
        step={1}
        required={isSelf}
        withAsterisk={false}
        description={
          history?.earliest
            ? `Any since ${formatMoment(history.earliest.timestamp)}${isSelf ? '.' : '; now where you leave it out.'}`
            : 'In your own time zone.'
        }
      />
      <TextInput
        name="keep_as"
        label="Keep what it is now as"
        defaultValue={`${name}-before-restore`}
        required={isSelf}
        withAsterisk={false}
        maxLength={256}
      />
      <Alert color="leaf" icon={<IconHistory size={18} />} title="What can be brought back">
        Everything: the branch as it is now stays under that name, its children with it. Hosts,
        roles and passwords stay; direct connections are cut off and connect again.
      </Alert>
    </FormModal>
  )
}
