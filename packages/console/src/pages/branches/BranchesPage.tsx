import type { Branch, Endpoint, Operation } from '@coppice/api'
import { Button, Group, SegmentedControl, Text, TextInput } from '@mantine/core'
import { useDebouncedValue, useHotkeys } from '@mantine/hooks'
import { IconGitBranch, IconPlus, IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useRef, useState } from 'react'
import { useNavigate, useSearchParams } from 'react-router'

import { queries } from '../../api/queries.ts'
import { type BranchDialog, BranchDialogs } from '../../branch-actions/BranchDialogs.tsx'
import { paths } from '../../paths.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { useProjectId } from '../use-project-id.ts'
import { BranchTree } from './BranchTree.tsx'
import { DeletedBranches } from './DeletedBranches.tsx'
import { withAncestors } from './tree-layout.ts'

type Show = 'all' | 'awake' | 'expiring'

/** Letters are typed faster than a thousand branches are laid out. */
const searchDelayMs = 120

/** All branches of a project, as a tree over time. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const branches = useQuery(queries.branches(projectId))
  const endpoints = useQuery(queries.endpoints(projectId)).data
  const operations = useQuery(queries.operations(projectId)).data
  const [params, setParams] = useSearchParams()
  const [typed, setTyped] = useState('')
  const [search] = useDebouncedValue(typed, searchDelayMs)
  const [dialog, setDialog] = useState<BranchDialog>()
  const searchField = useRef<HTMLInputElement>(null)
  const navigate = useNavigate()
  const show = (params.get('show') ?? 'all') as Show
  useHotkeys([
    ['/', () => searchField.current?.focus()],
    ['c', () => setDialog({ kind: 'create', branch: undefined })],
  ])
  return (
    <>
      <PageHeader
        title="Branches"
        description={<Counts branches={branches.data} endpoints={endpoints} />}
        actions={
          <Button
            leftSection={<IconPlus size={16} />}
            onClick={() => setDialog({ kind: 'create', branch: undefined })}
          >
            New branch
          </Button>
        }
      />
      <Group mb="sm" gap="sm" justify="space-between">
        <TextInput
          ref={searchField}
          aria-label="Search branches"
          placeholder="Search (press /)"
          leftSection={<IconSearch size={16} />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          w={{ base: '100%', xs: 280 }}
        />
        <SegmentedControl
          aria-label="Which branches"
          value={show}
          onChange={(value) => setParams(value === 'all' ? {} : { show: value })}
          data={[
            { value: 'all', label: 'All' },
            { value: 'awake', label: 'Awake' },
            { value: 'expiring', label: 'Expiring' },
          ]}
        />
      </Group>
      <Panel flush>
        <QueryView query={branches} skeletonLines={10}>
          {(all) => (
            <Tree
              branches={filterBranches(all, endpoints ?? [], show, search)}
              endpoints={endpoints ?? []}
              operations={operations ?? []}
              onOpen={setDialog}
            />
          )}
        </QueryView>
      </Panel>
      <DeletedBranches projectId={projectId} />
      <BranchDialogs
        projectId={projectId}
        dialog={dialog}
        onClose={() => setDialog(undefined)}
        onCreated={(branch) => void navigate(paths.branch(projectId, branch.id))}
      />
    </>
  )
}

interface TreeProps {
  branches: readonly Branch[]
  endpoints: readonly Endpoint[]
  operations: readonly Operation[]
  onOpen: (dialog: BranchDialog) => void
}

function Tree(props: TreeProps): ReactNode {
  if (props.branches.length > 0) return <BranchTree {...props} />
  return (
    <EmptyState icon={IconGitBranch} title="No branch is like that">
      Search for another name, or show all.
    </EmptyState>
  )
}

interface CountsProps {
  branches: readonly Branch[] | undefined
  endpoints: readonly Endpoint[] | undefined
}

function Counts({ branches, endpoints }: CountsProps): ReactNode {
  if (branches === undefined) return <Text size="sm">…</Text>
  const awake = endpoints?.filter(({ current_state }) => current_state === 'active').length ?? 0
  const count = branches.length === 1 ? '1 branch' : `${branches.length} branches`
  return (
    <span>
      {count}, {awake === 0 ? 'all asleep' : `${awake} awake`}. A branch that sleeps costs only what
      it has written.
    </span>
  )
}

function filterBranches(
  all: readonly Branch[],
  endpoints: readonly Endpoint[],
  show: Show,
  search: string,
): readonly Branch[] {
  const wanted = search.trim().toLowerCase()
  if (wanted === '' && show === 'all') return all
  const awake = new Set(
    endpoints
      .filter(({ current_state }) => current_state !== 'idle')
      .map(({ branch_id }) => branch_id),
  )
  return withAncestors(all, ({ id, name, expires_at }) => {
    if (show === 'awake' && !awake.has(id)) return false
    if (show === 'expiring' && expires_at === undefined) return false
    return name.toLowerCase().includes(wanted) || id.includes(wanted)
  })
}
