import type { Branch, Endpoint } from '@coppice/api'
import { ActionIcon, Menu } from '@mantine/core'
import {
  IconClockX,
  IconDots,
  IconGitBranch,
  IconGitCompare,
  IconHistory,
  IconLock,
  IconLockOpen,
  IconMoon,
  IconPencil,
  IconPlug,
  IconRefresh,
  IconStar,
  IconSun,
  IconTrash,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Link } from 'react-router'

import { api } from '../api/client.ts'
import { useAction } from '../api/use-action.ts'
import { paths } from '../paths.ts'
import type { BranchDialog } from './BranchDialogs.tsx'

interface BranchMenuProps {
  branch: Branch
  endpoint: Endpoint | undefined
  onOpen: (dialog: BranchDialog) => void
  /** In the place of the three dots. */
  target?: ReactNode
}

/** Everything that can be done with a branch. What cannot be undone asks first. */
export function BranchMenu({ branch, endpoint, onOpen, target }: BranchMenuProps): ReactNode {
  const open = (kind: Exclude<BranchDialog['kind'], 'create'>) => (): void =>
    onOpen({ kind, branch })
  const isGuarded = branch.protected || branch.default
  return (
    <Menu position="bottom-end" width={230} withinPortal>
      <Menu.Target>
        {target ?? (
          <ActionIcon aria-label={`Actions for ${branch.name}`}>
            <IconDots size={18} />
          </ActionIcon>
        )}
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconPlug size={16} />} onClick={open('connect')}>
          Connect
        </Menu.Item>
        <Menu.Item
          leftSection={<IconGitBranch size={16} />}
          onClick={() => onOpen({ kind: 'create', branch })}
        >
          New branch from here
        </Menu.Item>
        <Menu.Item
          component={Link}
          to={paths.schema(branch.project_id, branch.id)}
          leftSection={<IconGitCompare size={16} />}
        >
          Compare
        </Menu.Item>
        {endpoint && <ComputeItem endpoint={endpoint} />}
        <Menu.Divider />
        <Menu.Item leftSection={<IconPencil size={16} />} onClick={open('rename')}>
          Rename
        </Menu.Item>
        <ProtectItem branch={branch} />
        {!branch.default && <DefaultItem branch={branch} />}
        {!isGuarded && (
          <Menu.Item leftSection={<IconClockX size={16} />} onClick={open('expire')}>
            Expiry
          </Menu.Item>
        )}
        <Menu.Divider />
        {branch.parent_id !== undefined && (
          <Menu.Item leftSection={<IconRefresh size={16} />} onClick={open('reset')}>
            Reset to parent
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconHistory size={16} />} onClick={open('restore')}>
          Restore to a moment
        </Menu.Item>
        <Menu.Item
          color="red"
          leftSection={<IconTrash size={16} />}
          disabled={isGuarded}
          onClick={open('delete')}
        >
          {branch.default ? 'Delete (it is the default)' : 'Delete'}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function ComputeItem({ endpoint }: { endpoint: Endpoint }): ReactNode {
  const { id: endpoint_id, project_id, current_state } = endpoint
  const isAwake = current_state === 'active'
  const change = useAction({
    run: async () => {
      const path = { project_id, endpoint_id }
      return isAwake ? api.suspendProjectEndpoint({ path }) : api.startProjectEndpoint({ path })
    },
    done: () => (isAwake ? 'The compute goes to sleep' : 'The compute wakes'),
  })
  return (
    <Menu.Item
      leftSection={isAwake ? <IconMoon size={16} /> : <IconSun size={16} />}
      onClick={() => change.mutate()}
    >
      {isAwake ? 'Suspend compute' : 'Wake compute'}
    </Menu.Item>
  )
}

function ProtectItem({ branch }: { branch: Branch }): ReactNode {
  const { id: branch_id, project_id, name, protected: isProtected } = branch
  const protect = useAction({
    run: async () =>
      api.updateProjectBranch({
        path: { project_id, branch_id },
        body: { branch: { protected: !isProtected } },
      }),
    done: () => (isProtected ? `${name} is not protected any more` : `${name} is protected`),
  })
  return (
    <Menu.Item
      leftSection={isProtected ? <IconLockOpen size={16} /> : <IconLock size={16} />}
      onClick={() => protect.mutate()}
    >
      {isProtected ? 'Unprotect' : 'Protect'}
    </Menu.Item>
  )
}

function DefaultItem({ branch }: { branch: Branch }): ReactNode {
  const { id: branch_id, project_id, name } = branch
  const set = useAction({
    run: async () => api.setDefaultProjectBranch({ path: { project_id, branch_id } }),
    done: () => `${name} is the default branch`,
  })
  return (
    <Menu.Item leftSection={<IconStar size={16} />} onClick={() => set.mutate()}>
      Make default
    </Menu.Item>
  )
}
