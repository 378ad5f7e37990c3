import type { Branch } from '@coppice/api'
import { Stack, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'

import { api } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { ConfirmByName } from '../../ui/ConfirmByName.tsx'
import { type Moment, momentText } from '../../ui/moment.ts'

interface RestoreToMomentProps {
  branch: Branch
  moment: Moment
  onClose: () => void
}

/** A branch gets the data that it had; what it has now is kept under another name. */
export function RestoreToMoment({ branch, moment, onClose }: RestoreToMomentProps): ReactNode {
  const { id: branch_id, project_id, name } = branch
  const [keepAs, setKeepAs] = useState(
    () => `${name}-before-${momentText(moment).slice(0, 16).replaceAll(/[ :/]/g, '-')}`,
  )
  const restore = useAction({
    run: async () =>
      api.restoreProjectBranch({
        path: { project_id, branch_id },
        body: {
          source_branch_id: branch_id,
          ...(moment.kind === 'lsn'
            ? { source_lsn: moment.lsn }
            : { source_timestamp: moment.iso }),
          preserve_under_name: keepAs,
        },
      }),
    done: () => `${name} is as it was; what it had been until now is ${keepAs}`,
    onDone: onClose,
  })
  return (
    <ConfirmByName
      opened
      onClose={onClose}
      verb="Restore"
      name={name}
      isRunning={restore.isPending}
      onConfirm={() => restore.mutate()}
      recovery={
        <>
          Everything. What {name} is now stays as <b>{keepAs}</b> until you delete it, with its
          history and its children.
        </>
      }
    >
      <Stack gap="md">
        <Text size="sm">
          {name} gets its data of <b>{momentText(moment)}</b>. Hosts, roles, passwords and settings
          stay; direct connections are cut off and connect again.
        </Text>
        <TextInput
          label="Keep what it is now as"
          value={keepAs}
          onChange={(event) => setKeepAs(event.currentTarget.value)}
          required
          withAsterisk={false}
          maxLength={256}
        />
      </Stack>
    </ConfirmByName>
  )
}
