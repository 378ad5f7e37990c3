import type { Branch } from '@coppice/api'
import { Button, Group } from '@mantine/core'
import { IconCamera, IconCode, IconGitBranch, IconRestore } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { Link, useNavigate } from 'react-router'

import { CreateBranch } from '../../branch-actions/CreateBranch.tsx'
import { paths } from '../../paths.ts'
import { type Moment, momentParam } from '../../ui/moment.ts'
import { KeepSnapshot } from './KeepSnapshot.tsx'
import { RestoreToMoment } from './RestoreToMoment.tsx'

interface MomentActionsProps {
  branch: Branch
  database: string | undefined
  moment: Moment
  /** Where the moment is out of reach. */
  disabled: boolean
}

type Dialog = 'branch' | 'restore' | 'snapshot'

/** What can be done with a moment. */
export function MomentActions(props: MomentActionsProps): ReactNode {
  const { branch, database, moment, disabled } = props
  const { project_id } = branch
  const [dialog, setDialog] = useState<Dialog>()
  const navigate = useNavigate()
  const close = (): void => setDialog(undefined)
  const sql = new URLSearchParams({
    branch: branch.id,
    ...(database !== undefined && { database }),
    at: momentParam(moment),
  })
  return (
    <Group gap="xs">
      <Button
        leftSection={<IconGitBranch size={16} />}
        disabled={disabled}
        onClick={() => setDialog('branch')}
      >
        Branch from here
      </Button>
      <Button
        variant="default"
        leftSection={<IconRestore size={16} />}
        disabled={disabled}
        onClick={() => setDialog('restore')}
      >
        Restore {branch.name} to here
      </Button>
      <Button
        variant="default"
        leftSection={<IconCamera size={16} />}
        disabled={disabled}
        onClick={() => setDialog('snapshot')}
      >
        Keep as a snapshot
      </Button>
      <Button
        variant="subtle"
        component={Link}
        to={`${paths.sql(project_id)}?${sql}`}
        leftSection={<IconCode size={16} />}
      >
        Open in SQL editor
      </Button>
      {dialog === 'branch' && (
        <CreateBranch
          projectId={project_id}
          parent={branch}
          moment={moment}
          onClose={close}
          onCreated={({ id }) => void navigate(paths.branch(project_id, id))}
        />
      )}
      {dialog === 'restore' && <RestoreToMoment branch={branch} moment={moment} onClose={close} />}
      {dialog === 'snapshot' && <KeepSnapshot branch={branch} moment={moment} onClose={close} />}
    </Group>
  )
}
