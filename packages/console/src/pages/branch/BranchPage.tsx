import type { Branch, Endpoint } from '@coppice/api'
import { Button, Group, SimpleGrid, Stack, Text } from '@mantine/core'
import { IconChevronDown, IconGitBranch, IconPlug } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useNavigate } from 'react-router'

import { queries } from '../../api/queries.ts'
import { BranchBadges } from '../../branch-actions/BranchBadges.tsx'
import { type BranchDialog, BranchDialogs } from '../../branch-actions/BranchDialogs.tsx'
import { BranchMenu } from '../../branch-actions/BranchMenu.tsx'
import { paths } from '../../paths.ts'
import { CopyIcon } from '../../ui/CopyField.tsx'
import { ErrorState } from '../../ui/ErrorState.tsx'
import { formatBytes, formatDuration, formatMoment } from '../../ui/format.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { useNow } from '../../ui/RelativeTime.tsx'
import { StatTile } from '../../ui/StatTile.tsx'
import { TextLink } from '../../ui/TextLink.tsx'
import { ownBytes } from '../branches/tree-layout.ts'
import { useBranchId, useProjectId } from '../use-project-id.ts'
import { Computes } from './Computes.tsx'
import { Databases } from './Databases.tsx'
import { Roles } from './Roles.tsx'

/** One branch: what it is, its computes, roles and databases, and how to connect. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const branchId = useBranchId()
  const query = useQuery(queries.branch(projectId, branchId))
  const endpoints = useQuery(queries.endpoints(projectId))
  const [dialog, setDialog] = useState<BranchDialog>()
  const navigate = useNavigate()
  const branch = query.data
  if (branch === undefined) {
    return query.error ? (
      <ErrorState error={query.error} onRetry={() => void query.refetch()} />
    ) : (
      <PageHeader title="Branch" />
    )
  }
  const own = endpoints.data?.filter(({ branch_id }) => branch_id === branch.id) ?? []
  return (
    <>
      <PageHeader
        title={branch.name}
        badges={<BranchBadges branch={branch} />}
        description={
          <Group gap={4}>
            <Text span size="sm" ff="monospace">
              {branch.id}
            </Text>
            <CopyIcon value={branch.id} label="Copy branch id" />
          </Group>
        }
        actions={
          <>
            <Actions branch={branch} endpoints={own} onOpen={setDialog} />
            <Button
              leftSection={<IconPlug size={16} />}
              onClick={() => setDialog({ kind: 'connect', branch })}
            >
              Connect
            </Button>
          </>
        }
      />
      <Stack gap="md">
        <Figures branch={branch} />
        <Computes branch={branch} endpoints={endpoints} own={own} />
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
          <Databases branch={branch} />
          <Roles branch={branch} />
        </SimpleGrid>
        <Origin branch={branch} />
      </Stack>
      <BranchDialogs
        projectId={projectId}
        dialog={dialog}
        onClose={() => setDialog(undefined)}
        onCreated={({ id }) => void navigate(paths.branch(projectId, id))}
        onDeleted={() => void navigate(paths.branches(projectId))}
      />
    </>
  )
}

interface ActionsProps {
  branch: Branch
  endpoints: readonly Endpoint[]
  onOpen: (dialog: BranchDialog) => void
}

function Actions({ branch, endpoints, onOpen }: ActionsProps): ReactNode {
  return (
    <>
      <BranchMenu
        branch={branch}
        endpoint={endpoints.find(({ type }) => type === 'read_write') ?? endpoints[0]}
        onOpen={onOpen}
        target={
          <Button variant="default" rightSection={<IconChevronDown size={16} />}>
            Actions
          </Button>
        }
      />
      <Button
        variant="default"
        leftSection={<IconGitBranch size={16} />}
        onClick={() => onOpen({ kind: 'create', branch })}
      >
        Branch
      </Button>
    </>
  )
}

function Figures({ branch }: { branch: Branch }): ReactNode {
  const { project_id, id, parent_id, logical_size } = branch
  const now = useNow()
  const history = useQuery({ ...queries.branchHistory(project_id, id), retry: false })
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md">
      <StatTile label="Data" value={formatBytes(logical_size)} note="as PostgreSQL counts it" />
      <StatTile
        label="Of its own"
        value={formatBytes(ownBytes(branch))}
        note={parent_id === undefined ? 'it shares nothing' : 'the rest is shared with its parent'}
      />
      <StatTile
        label="Written this month"
        value={formatBytes(branch.written_data_bytes)}
        note={`${formatBytes(branch.data_transfer_bytes)} sent to clients`}
      />
      <StatTile
        label="History reaches back"
        value={
          history.data?.earliest
            ? formatDuration((now - Date.parse(history.data.earliest.timestamp)) / 1000)
            : history.isPending
              ? undefined
              : '–'
        }
        note={history.data ? `${formatBytes(history.data.wal_bytes)} of WAL kept` : ' '}
      />
    </SimpleGrid>
  )
}

/** Where the branch comes from, and what has happened to it. */
function Origin({ branch }: { branch: Branch }): ReactNode {
  const { project_id, parent_id, parent_timestamp, parent_lsn } = branch
  const branches = useQuery(queries.branches(project_id)).data ?? []
  const parent = branches.find(({ id }) => id === parent_id)
  const children = branches.filter((one) => one.parent_id === branch.id)
  return (
    <Panel title="Where it comes from">
      <Stack gap={6}>
        <Text size="sm">
          Created {formatMoment(branch.created_at)}
          {parent && (
            <>
              {' '}
              from <TextLink to={paths.branch(project_id, parent.id)}>{parent.name}</TextLink>
            </>
          )}
          {parent_timestamp && <>, with its data of {formatMoment(parent_timestamp)}</>}
          {parent_lsn && <> (LSN {parent_lsn})</>}.
        </Text>
        {branch.last_reset_at && (
          <Text size="sm">Reset to its parent {formatMoment(branch.last_reset_at)}.</Text>
        )}
        <Text size="sm" c="var(--faint)">
          {children.length === 0 ? 'No branch has been made of it.' : 'Branches made of it: '}
          {children.slice(0, 12).map(({ id, name }, at) => (
            <span key={id}>
              {at > 0 && ', '}
              <TextLink to={paths.branch(project_id, id)}>{name}</TextLink>
            </span>
          ))}
          {children.length > 12 && ` and ${children.length - 12} more`}
        </Text>
      </Stack>
    </Panel>
  )
}
