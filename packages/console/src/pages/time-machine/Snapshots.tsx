import type { Branch, Snapshot } from '@coppice/api'
import { ActionIcon, Badge, Group, Menu, Text, Tooltip } from '@mantine/core'
import {
  IconCamera,
  IconDots,
  IconGitBranch,
  IconRestore,
  IconShieldCheck,
  IconShieldX,
  IconTrash,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useNavigate } from 'react-router'

import { api } from '../../api/client.ts'
import { queries } from '../../api/queries.ts'
import { useAction } from '../../api/use-action.ts'
import { paths } from '../../paths.ts'
import { AddButton } from '../../ui/AddButton.tsx'
import { ConfirmByName } from '../../ui/ConfirmByName.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatBytes, formatMoment } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { KeepSnapshot } from './KeepSnapshot.tsx'

import classes from './snapshots.module.css'

interface Chosen {
  action: 'restore' | 'delete'
  snapshot: Snapshot
}

/** The points of a branch that are kept whatever the window: made, looked at, restored, deleted. */
export function Snapshots({ branch }: { branch: Branch }): ReactNode {
  const { project_id, id } = branch
  const snapshots = useQuery(queries.snapshots(project_id))
  const [isKeeping, setIsKeeping] = useState(false)
  const [chosen, setChosen] = useState<Chosen>()
  const close = (): void => setChosen(undefined)
  return (
    <Panel
      title="Snapshots"
      description={`Of ${branch.name}; kept whatever the history window`}
      flush
      actions={<AddButton onClick={() => setIsKeeping(true)}>Snapshot</AddButton>}
    >
      <QueryView query={snapshots} skeletonLines={2}>
        {(all) => {
          const own = all.filter(({ source_branch_id }) => source_branch_id === id)
          if (own.length === 0) {
            return (
              <EmptyState icon={IconCamera} title="No snapshots">
                A snapshot keeps a point of the branch for as long as you like, and is checked page
                by page.
              </EmptyState>
            )
          }
          return (
            <ul className={classes['list']}>
              {own.map((snapshot) => (
                <Item key={snapshot.id} snapshot={snapshot} branch={branch} onChoose={setChosen} />
              ))}
            </ul>
          )
        }}
      </QueryView>
      {isKeeping && <KeepSnapshot branch={branch} onClose={() => setIsKeeping(false)} />}
      {chosen?.action === 'delete' && (
        <DeleteSnapshot projectId={project_id} snapshot={chosen.snapshot} onClose={close} />
      )}
      {chosen?.action === 'restore' && (
        <RestoreSnapshot branch={branch} snapshot={chosen.snapshot} onClose={close} />
      )}
    </Panel>
  )
}

interface ItemProps {
  snapshot: Snapshot
  branch: Branch
  onChoose: (chosen: Chosen) => void
}

function Item({ snapshot, branch, onChoose }: ItemProps): ReactNode {
  const { id: snapshot_id, name, timestamp, created_at, expires_at, manual, full_size } = snapshot
  const navigate = useNavigate()
  const look = useAction({
    run: async () =>
      api.restoreSnapshot({
        path: { project_id: branch.project_id, snapshot_id },
        query: {},
        body: { finalize_restore: false },
      }),
    done: (answer) => `${answer.branch.name} has the data of the snapshot`,
    onDone: (answer) => void navigate(paths.branch(branch.project_id, answer.branch.id)),
  })
  return (
    <li className={classes['item']}>
      <div>
        <Group gap={8} wrap="nowrap">
          <Text size="sm" fw={550} truncate>
            {name}
          </Text>
          {!manual && (
            <Badge variant="light" color="gray" tt="none" flex="none">
              scheduled
            </Badge>
          )}
          <Verdict snapshot={snapshot} />
        </Group>
        <Text size="xs" c="var(--faint)" component="div">
          <Tooltip label={formatMoment(timestamp ?? created_at)}>
            <span>
              from <RelativeTime at={timestamp ?? created_at} />
            </span>
          </Tooltip>
          {full_size !== undefined && ` · ${formatBytes(full_size)}`}
          {expires_at === undefined ? (
            ' · stays'
          ) : (
            <>
              {' · goes '}
              <RelativeTime at={expires_at} />
            </>
          )}
        </Text>
      </div>
      <Menu position="bottom-end" width={230}>
        <Menu.Target>
          <ActionIcon aria-label={`Actions for snapshot ${name}`} loading={look.isPending}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconGitBranch size={16} />} onClick={() => look.mutate()}>
            Make a branch of it
          </Menu.Item>
          <Menu.Item
            leftSection={<IconRestore size={16} />}
            onClick={() => onChoose({ action: 'restore', snapshot })}
          >
            Restore {branch.name} to it
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={16} />}
            onClick={() => onChoose({ action: 'delete', snapshot })}
          >
            Delete
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </li>
  )
}

/** What the check of every page has found. */
function Verdict({ snapshot: { verification } }: { snapshot: Snapshot }): ReactNode {
  switch (verification?.status) {
    case 'passed':
      return (
        <Tooltip label="Every page of it was read and is sound">
          <IconShieldCheck
            size={16}
            color="var(--awake)"
            role="img"
            aria-label="verified"
            className={classes['verdict'] ?? ''}
          />
        </Tooltip>
      )
    case 'failed':
      return (
        <Tooltip label={verification.detail ?? 'It is damaged'}>
          <IconShieldX
            size={16}
            color="var(--mantine-color-error)"
            role="img"
            aria-label="damaged"
            className={classes['verdict'] ?? ''}
          />
        </Tooltip>
      )
    case 'pending':
    case 'running':
      return (
        <Text size="xs" c="var(--faint)" flex="none">
          being verified
        </Text>
      )
    case undefined:
      return null
  }
}

interface SnapshotDialogProps {
  snapshot: Snapshot
  onClose: () => void
}

function DeleteSnapshot(props: SnapshotDialogProps & { projectId: string }): ReactNode {
  const { projectId: project_id, snapshot, onClose } = props
  const remove = useAction({
    run: async () => api.deleteSnapshot({ path: { project_id, snapshot_id: snapshot.id } }),
    done: () => `${snapshot.name} is gone`,
    onDone: onClose,
  })
  return (
    <ConfirmByName
      opened
      onClose={onClose}
      verb="Delete"
      name={snapshot.name}
      isRunning={remove.isPending}
      onConfirm={() => remove.mutate()}
      recovery={undefined}
    >
      The snapshot goes, for good. Branches that were made of it stay.
    </ConfirmByName>
  )
}

function RestoreSnapshot(props: SnapshotDialogProps & { branch: Branch }): ReactNode {
  const { branch, snapshot, onClose } = props
  const navigate = useNavigate()
  const restore = useAction({
    run: async () =>
      api.restoreSnapshot({
        path: { project_id: branch.project_id, snapshot_id: snapshot.id },
        query: {},
        body: { finalize_restore: true, target_branch_id: branch.id },
      }),
    done: () => `${branch.name} is as the snapshot has it`,
    onDone: (answer) => {
      onClose()
      void navigate(`${paths.timeMachine(branch.project_id)}?branch=${answer.branch.id}`)
    },
  })
  return (
    <ConfirmByName
      opened
      onClose={onClose}
      verb="Restore"
      name={branch.name}
      isRunning={restore.isPending}
      onConfirm={() => restore.mutate()}
      recovery={`Everything. What ${branch.name} is now stays as a branch under another name until you delete it, with its history.`}
    >
      A branch with the data of <b>{snapshot.name}</b> takes the name, the computes and the rank of{' '}
      {branch.name}. Connection strings stay as they are; direct connections are cut off and connect
      again.
    </ConfirmByName>
  )
}
