import type { SqlFile } from '@coppice/api'
import { Checkbox, Stack } from '@mantine/core'
import { type ReactNode, useState } from 'react'

import { BranchChooser } from '../../branch-choice/BranchChooser.tsx'
import { useBranchChoice } from '../../branch-choice/use-branch-choice.ts'
import { RehearseAndApply } from '../../migrations/RehearseAndApply.tsx'
import { ErrorState } from '../../ui/ErrorState.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { useProjectId } from '../use-project-id.ts'
import { SqlFiles } from './SqlFiles.tsx'

/** SQL that is pasted or dropped, rehearsed and applied. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const choice = useBranchChoice(projectId)
  const { branch, database, error } = choice
  const [files, setFiles] = useState<readonly SqlFile[]>([])
  const [isOutOfOrder, setIsOutOfOrder] = useState(false)
  const filled = files.filter(({ sql }) => sql.trim() !== '')
  return (
    <>
      <PageHeader
        title="Rehearse SQL"
        description="On a branch with all the data, which is thrown away. Applied when you say so."
      />
      {error ? (
        <ErrorState error={error} />
      ) : (
        <Stack gap="md">
          <BranchChooser choice={choice} />
          <Panel
            title="SQL"
            description="Each file is one transaction, with a line of its own in coppice.migrations"
          >
            <Stack gap="md">
              <SqlFiles files={files} onChange={setFiles} />
              <Checkbox
                label="Also run files that come before one that has run"
                checked={isOutOfOrder}
                onChange={(event) => setIsOutOfOrder(event.currentTarget.checked)}
              />
            </Stack>
          </Panel>
          {branch && database && (
            <RehearseAndApply
              // What was rehearsed is what is applied.
              key={JSON.stringify([branch.id, database.name, isOutOfOrder, filled])}
              branch={branch}
              database={database.name}
              files={filled}
              outOfOrder={isOutOfOrder}
            />
          )}
        </Stack>
      )}
    </>
  )
}
