import type { Branch } from '@coppice/api'
import { Button, Group, Select, Stack, Text } from '@mantine/core'
import {
  IconArrowLeft,
  IconGitBranch,
  IconGitMerge,
  IconMoonStars,
  IconRefresh,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useCallback, useEffect, useState } from 'react'
import { useSearchParams } from 'react-router'

import { queries } from '../../api/queries.ts'
import { BranchChooser } from '../../branch-choice/BranchChooser.tsx'
import { useBranchChoice } from '../../branch-choice/use-branch-choice.ts'
import { useIsAwake } from '../../branch-choice/use-is-awake.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorState } from '../../ui/ErrorState.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { useProjectId } from '../use-project-id.ts'
import { MergePanel } from './MergePanel.tsx'
import { SchemaDiff } from './SchemaDiff.tsx'
import { useMergePlan } from './use-merge-plan.ts'

import classes from './schema.module.css'

/** How the schemas of two branches differ, and the way of a branch's changes into its parent. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const choice = useBranchChoice(projectId)
  const { branches, database, error } = choice
  const [search, setSearch] = useSearchParams()
  const branch = search.has('branch') ? choice.branch : newestChild(branches)
  const base = chooseBase(branches, branch, search.get('base'))
  const change = useCallback(
    (changes: Readonly<Record<string, string | undefined>>) =>
      setSearch(
        (before) => {
          const after = new URLSearchParams(before)
          for (const [key, value] of Object.entries(changes)) {
            if (value === undefined) after.delete(key)
            else after.set(key, value)
          }
          return after
        },
        { replace: true },
      ),
    [setSearch],
  )
  const isPinned = search.has('branch') && search.has('base')
  // Branches come and go while one looks, those of one's own rehearsals too.
  useEffect(() => {
    if (!isPinned && branch && base) change({ branch: branch.id, base: base.id })
  }, [isPinned, branch, base, change])
  return (
    <>
      <PageHeader
        title="Schema"
        description="How two branches differ, and what would bring a branch's changes into its parent."
      />
      {error ? (
        <ErrorState error={error} />
      ) : branches.length === 1 ? (
        <Panel>
          <EmptyState icon={IconGitBranch} title="There is one branch">
            Make a branch, change its schema, and see here what it would change in its parent.
          </EmptyState>
        </Panel>
      ) : (
        <Stack gap="md">
          <div className={classes['choice']}>
            <BaseSelect
              branches={branches}
              branch={branch}
              base={base}
              onChange={(id) => change({ base: id })}
            />
            <IconArrowLeft size={18} aria-hidden className={classes['arrow']} />
            <BranchChooser
              choice={{
                ...choice,
                branch,
                // Another branch is compared with its own parent.
                choose: (chosen) =>
                  change({ ...chosen, ...(chosen.branch && { base: undefined }) }),
              }}
            />
          </div>
          {branch && base && database && (
            <Comparison
              key={`${base.id} ${branch.id} ${database.name}`}
              base={base}
              branch={branch}
              database={database.name}
            />
          )}
        </Stack>
      )}
    </>
  )
}

/** As rehearsals and merges call the branches that they throw away. */
const throwaway = /^(?:rehearsal|merge|base)-of-.*-\d{8}T\d{6}Z$/

function newestChild(branches: readonly Branch[]): Branch | undefined {
  const [newest] = branches
    .filter(({ parent_id, name }) => parent_id !== undefined && !throwaway.test(name))
    .toSorted((one, other) => Date.parse(other.created_at) - Date.parse(one.created_at))
  return newest ?? branches.find((one) => !one.default)
}

/** The one that is named, else the parent, else the default branch. */
function chooseBase(
  branches: readonly Branch[],
  branch: Branch | undefined,
  named: string | null,
): Branch | undefined {
  const others = branches.filter(({ id }) => id !== branch?.id)
  return (
    others.find(({ id, name }) => id === named || name === named) ??
    others.find(({ id }) => id === branch?.parent_id) ??
    others.find((one) => one.default) ??
    others[0]
  )
}

interface BaseSelectProps {
  branches: readonly Branch[]
  branch: Branch | undefined
  base: Branch | undefined
  onChange: (id: string) => void
}

function BaseSelect({ branches, branch, base, onChange }: BaseSelectProps): ReactNode {
  return (
    <Select
      aria-label="Compared with"
      w={200}
      leftSection={<IconGitBranch size={16} />}
      data={branches
        .filter(({ id }) => id !== branch?.id)
        .map(({ id, name }) => ({
          value: id,
          label: id === branch?.parent_id ? `${name} (parent)` : name,
        }))}
      value={base?.id ?? null}
      onChange={(value) => value !== null && onChange(value)}
      searchable
      limit={50}
      allowDeselect={false}
      nothingFoundMessage="No such branch"
    />
  )
}

interface ComparisonProps {
  base: Branch
  branch: Branch
  database: string
}

/** Reads by itself what is awake; what sleeps is woken by whoever asks for it. */
function Comparison({ base, branch, database }: ComparisonProps): ReactNode {
  const { project_id } = branch
  const awake = [useIsAwake(project_id, base.id), useIsAwake(project_id, branch.id)]
  const [isAsked, setIsAsked] = useState(false)
  const planning = useMergePlan({ branch, into: base, database })
  const isMerging = planning.work.state !== 'idle'
  const place = { base: base.id, branch: branch.id, database }
  const comparison = useQuery({
    ...queries.schemaComparison(project_id, place),
    enabled: isAsked || awake.every(Boolean),
  })
  if (!comparison.isFetched && !isAsked && awake.includes(false)) {
    const asleep = [base, branch].filter((_, at) => !awake[at]).map(({ name }) => name)
    return (
      <Panel>
        <EmptyState
          icon={IconMoonStars}
          title={`${asleep.join(' and ')} ${asleep.length === 1 ? 'sleeps' : 'sleep'}`}
          action={
            <Button mt="xs" onClick={() => setIsAsked(true)}>
              Wake and compare
            </Button>
          }
        >
          Schemas are read in the databases themselves, which wakes their computes.
        </EmptyState>
      </Panel>
    )
  }
  const isParent = branch.parent_id === base.id
  return (
    <>
      <Panel
        flush
        title="Differences"
        description={`From ${base.name} (−) to ${branch.name} (+)`}
        actions={
          <Group gap="xs">
            <Button
              variant="default"
              size="xs"
              leftSection={<IconRefresh size={14} />}
              loading={comparison.isFetching}
              onClick={() => void comparison.refetch()}
            >
              Read again
            </Button>
            <Button
              size="xs"
              leftSection={<IconGitMerge size={14} />}
              disabled={isMerging || comparison.data === undefined}
              onClick={planning.begin}
            >
              {isParent ? `Merge into ${base.name}` : 'Show the SQL'}
            </Button>
          </Group>
        }
      >
        <QueryView query={comparison} skeletonLines={8}>
          {({ base: left, branch: right }) => <SchemaDiff left={left} right={right} />}
        </QueryView>
      </Panel>
      {isMerging && (
        <MergePanel branch={branch} into={base} database={database} planning={planning} />
      )}
      {!isParent && (
        <Text size="sm" c="var(--faint)">
          {base.name} is not the parent of {branch.name}, so this is for a look: what changed since
          two branches parted is known for a branch and its parent only.
        </Text>
      )}
    </>
  )
}
