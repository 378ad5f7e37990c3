import type { Branch, MergePlan, Remaining } from '@coppice/api'
import { ActionIcon, Alert, Badge, Checkbox, Group, SimpleGrid, Stack, Text } from '@mantine/core'
import { IconArrowsSplit2, IconCheck, IconHandStop, IconX } from '@tabler/icons-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'

import { Failure, RehearseAndApply } from '../../migrations/RehearseAndApply.tsx'
import { SqlLine } from '../../migrations/SqlLine.tsx'
import { WorkProgress } from '../../migrations/WorkProgress.tsx'
import { CopyIcon } from '../../ui/CopyField.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { RenameQuestions } from './RenameQuestions.tsx'
import type { MergePlanning } from './use-merge-plan.ts'

import migrations from '../../migrations/migrations.module.css'
import classes from './schema.module.css'

interface MergePanelProps {
  branch: Branch
  /** What is to become as the branch is. */
  into: Branch
  database: string
  planning: MergePlanning
}

/** The way of a branch's schema into another: planned, asked about, and into the parent rehearsed and applied. */
export function MergePanel({ branch, into, database, planning }: MergePanelProps): ReactNode {
  const { work, answer } = planning
  const isParent = branch.parent_id === into.id
  const plan = work.result?.plan
  const top = useRef<HTMLDivElement>(null)
  // It comes below what was being looked at.
  useEffect(() => {
    top.current?.scrollIntoView({ block: 'start' })
  }, [])
  const title = isParent ? `Merge into ${into.name}` : `SQL from ${into.name} to ${branch.name}`
  return (
    <Stack gap="md" ref={top} className={classes['merge'] ?? ''}>
      <Panel
        title={title}
        description={
          isParent
            ? `What ${branch.name} changed since it was made, and ${into.name} did not`
            : 'What would make the one what the other is'
        }
        actions={
          <ActionIcon aria-label="Close the merge" onClick={work.cancel}>
            <IconX size={18} />
          </ActionIcon>
        }
      >
        <Stack gap="md">
          {work.state === 'running' && (
            <WorkProgress title="Working out the statements" {...work} onCancel={work.cancel} />
          )}
          <Failure title="This cannot be merged" error={work.error} />
          {plan && <Plan plan={plan} branch={branch} into={into} />}
          {plan && plan.questions.length > 0 && (
            <RenameQuestions questions={plan.questions} onAnswer={answer} />
          )}
        </Stack>
      </Panel>
      {plan?.three_way && plan.files.length > 0 && (
        <Applying plan={plan} into={into} database={database} />
      )}
    </Stack>
  )
}

interface ApplyingProps {
  plan: MergePlan
  into: Branch
  database: string
}

function Applying({ plan, into, database }: ApplyingProps): ReactNode {
  const [isAccepted, setIsAccepted] = useState(false)
  const isOpen = plan.remaining.length > 0
  return (
    <>
      {isOpen && (
        <Checkbox
          label="Merge without what is not derived: I make that by hand"
          checked={isAccepted}
          onChange={(event) => setIsAccepted(event.currentTarget.checked)}
        />
      )}
      <RehearseAndApply
        branch={into}
        database={database}
        files={plan.files}
        checksum={plan.schema_checksum ?? undefined}
        outOfOrder
        held={isOpen && !isAccepted ? 'Some of what the branch changed is not derived.' : undefined}
      />
    </>
  )
}

interface PlanProps {
  plan: MergePlan
  branch: Branch
  into: Branch
}

function Plan({ plan, branch, into }: PlanProps): ReactNode {
  const { questions, conflicts, alike, statements, remaining } = plan
  const isDone = questions.length + conflicts.length + statements.length + remaining.length === 0
  return (
    <>
      {isDone && (
        <Alert color="leaf" icon={<IconCheck size={18} />} title="There is nothing to merge">
          {into.name} has everything that {branch.name} changed.
        </Alert>
      )}
      {conflicts.length > 0 && <Conflicts {...{ conflicts, branch, into }} />}
      {statements.length > 0 && <Statements statements={statements} />}
      {remaining.length > 0 && <RemainingList remaining={remaining} />}
      {alike.length > 0 && (
        <Text size="sm" c="var(--faint)">
          Changed in the same way on both: {alike.join(', ')}.
        </Text>
      )}
    </>
  )
}

function Statements({ statements }: Pick<MergePlan, 'statements'>): ReactNode {
  const dropping = statements.filter(({ drops }) => drops).length
  const text = statements.map(({ sql }) => `${sql};\n`).join('\n')
  return (
    <div>
      <Group justify="space-between" mb={6}>
        <Text size="sm" fw={600}>
          {statements.length} statement{statements.length === 1 ? '' : 's'}
          {dropping > 0 && `, ${dropping} of which drop${dropping === 1 ? 's' : ''} something`}
        </Text>
        <CopyIcon value={text} label="Copy the SQL" />
      </Group>
      <div className={classes['statements']}>
        {statements.map(({ sql, drops }, at) => (
          <div key={at} className={`${classes['statement']} ${drops ? classes['drops'] : ''}`}>
            <code>
              {sql.split('\n').map((line, number) => (
                <span key={number}>
                  {number > 0 && '\n'}
                  <SqlLine text={line} />
                </span>
              ))}
              ;
            </code>
            {drops && (
              <Badge size="sm" color="red" variant="light" tt="none" style={{ flex: 'none' }}>
                drops
              </Badge>
            )}
          </div>
        ))}
      </div>
    </div>
  )
}

interface ConflictsProps extends Pick<MergePlan, 'conflicts'> {
  branch: Branch
  into: Branch
}

function Conflicts({ conflicts, branch, into }: ConflictsProps): ReactNode {
  return (
    <Alert
      color="yellow"
      icon={<IconArrowsSplit2 size={18} />}
      title="Both have changed the same things differently"
    >
      <Stack gap="md">
        <Text size="sm">
          Give them one definition, on {branch.name} or on {into.name}, and merge again.
        </Text>
        {conflicts.map(({ object, ...definitions }) => (
          <div key={object}>
            <Text size="sm" fw={600} mb={6} ff="monospace">
              {object}
            </Text>
            <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="sm">
              <Definition label="Before" text={definitions.base} />
              <Definition label={branch.name} text={definitions.branch} />
              <Definition label={into.name} text={definitions.parent} />
            </SimpleGrid>
          </div>
        ))}
      </Stack>
    </Alert>
  )
}

function RemainingList({ remaining }: { remaining: readonly Remaining[] }): ReactNode {
  return (
    <Alert
      color="yellow"
      icon={<IconHandStop size={18} />}
      title="Not derived, and to be made by hand"
    >
      <Stack gap="md">
        {remaining.map(({ object, is, should_be }) => (
          <div key={object}>
            <Text size="sm" fw={600} mb={6} ff="monospace">
              {object}
            </Text>
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
              <Definition label="Is" text={is} />
              <Definition label="Should be" text={should_be} />
            </SimpleGrid>
          </div>
        ))}
      </Stack>
    </Alert>
  )
}

function Definition({ label, text }: { label: string; text: string | null }): ReactNode {
  return (
    <div>
      <Text size="xs" c="var(--faint)" mb={3} truncate>
        {label}
      </Text>
      <pre className={migrations['definition']} data-absent={text === null || undefined}>
        {text === null ? 'not there' : <SqlLine text={text} />}
      </pre>
    </div>
  )
}
