import type { Branch } from '@coppice/api'
import { Modal } from '@mantine/core'
import type { ReactNode } from 'react'

import { ConnectPanel } from '../connect/ConnectPanel.tsx'

interface ConnectBranchProps {
  branch: Branch
  onClose: () => void
}

/** How to connect to a branch. */
export function ConnectBranch({ branch, onClose }: ConnectBranchProps): ReactNode {
  return (
    <Modal opened onClose={onClose} title={`Connect to ${branch.name}`} size="lg">
      <ConnectPanel projectId={branch.project_id} branch={branch} />
    </Modal>
  )
}
