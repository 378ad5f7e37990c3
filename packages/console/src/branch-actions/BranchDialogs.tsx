import type { Branch } from '@coppice/api'
import type { ReactNode } from 'react'

import { ConnectBranch } from './ConnectBranch.tsx'
import { CreateBranch } from './CreateBranch.tsx'
import { DeleteBranch } from './DeleteBranch.tsx'
import { ExpireBranch } from './ExpireBranch.tsx'
import { RenameBranch } from './RenameBranch.tsx'
import { ResetBranch } from './ResetBranch.tsx'
import { RestoreBranch } from './RestoreBranch.tsx'

/** Which dialog is open, and about which branch; `create` is about the parent. */
export type BranchDialog =
  | { kind: 'create'; branch: Branch | undefined }
  | {
      kind: 'connect' | 'rename' | 'expire' | 'restore' | 'reset' | 'delete'
      branch: Branch
    }

interface BranchDialogsProps {
  projectId: string
  dialog: BranchDialog | undefined
  onClose: () => void
  onCreated?: (branch: Branch) => void
  onDeleted?: () => void
}

/** The dialog that is open, if one is. */
export function BranchDialogs(props: BranchDialogsProps): ReactNode {
  const { projectId, dialog, onClose, onCreated, onDeleted } = props
  switch (dialog?.kind) {
    case undefined:
      return null
    case 'create':
      return (
        <CreateBranch
          projectId={projectId}
          parent={dialog.branch}
          onClose={onClose}
          onCreated={(branch) => onCreated?.(branch)}
        />
      )
    case 'connect':
      return <ConnectBranch branch={dialog.branch} onClose={onClose} />
    case 'rename':
      return <RenameBranch branch={dialog.branch} onClose={onClose} />
    case 'expire':
      return <ExpireBranch branch={dialog.branch} onClose={onClose} />
    case 'restore':
      return <RestoreBranch branch={dialog.branch} onClose={onClose} />
    case 'reset':
      return <ResetBranch branch={dialog.branch} onClose={onClose} />
    case 'delete':
      return (
        <DeleteBranch branch={dialog.branch} onClose={onClose} onDeleted={() => onDeleted?.()} />
      )
  }
}
