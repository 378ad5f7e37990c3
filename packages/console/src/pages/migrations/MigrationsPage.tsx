import { Button, Stack } from '@mantine/core'
import { IconFlask } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Link } from 'react-router'

import { BranchChooser } from '../../branch-choice/BranchChooser.tsx'
import { useBranchChoice } from '../../branch-choice/use-branch-choice.ts'
import { paths } from '../../paths.ts'
import { ErrorState } from '../../ui/ErrorState.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { useProjectId } from '../use-project-id.ts'
import { AppliedMigrations } from './AppliedMigrations.tsx'
import { Rehearsals } from './Rehearsals.tsx'

/** What has been applied to a database, the way back, and what rehearsals have seen. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const choice = useBranchChoice(projectId)
  const { branch, database, error } = choice
  return (
    <>
      <PageHeader
        title="Migrations"
        description="Changes of the schema: rehearsed on a branch with all the data, applied with a way back."
        actions={
          <Button
            component={Link}
            to={paths.newRehearsal(projectId, branch?.id, database?.name)}
            leftSection={<IconFlask size={16} />}
          >
            Rehearse SQL
          </Button>
        }
      />
      {error ? (
        <ErrorState error={error} />
      ) : (
        <Stack gap="md">
          <BranchChooser choice={choice} />
          {branch && database && (
            <AppliedMigrations
              key={`${branch.id} ${database.name}`}
              branch={branch}
              database={database.name}
            />
          )}
          <Rehearsals projectId={projectId} />
        </Stack>
      )}
    </>
  )
}
