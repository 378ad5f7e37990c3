import type { ApplyLine, Branch, KeptRehearsal, RehearseLine, SqlFile } from '@coppice/api'
import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconFlask, IconPlayerPlay } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { api } from '../api/client.ts'
import { describeFailure } from '../api/use-action.ts'
import { paths } from '../paths.ts'
import { ConfirmByName } from '../ui/ConfirmByName.tsx'
import { formatMoment } from '../ui/format.ts'
import { Panel } from '../ui/Panel.tsx'
import { useNow } from '../ui/RelativeTime.tsx'
import { TextLink } from '../ui/TextLink.tsx'
import { RehearsalReport } from './RehearsalReport.tsx'
import { useWork } from './use-work.ts'
import { WorkProgress } from './WorkProgress.tsx'

import classes from './migrations.module.css'

type Result<Line> = Extract<Line, { type: 'result' }>

interface RehearseAndApplyProps {
  /** The branch that is to be changed. */
  branch: Branch
  database: string
  files: readonly SqlFile[]
  /** Of the schema that the files were derived for. */
  checksum?: string | undefined
  /** Also run files that come before one that has run. */
  outOfOrder: boolean
  /** Why it cannot be applied yet, though it can be rehearsed. */
  held?: string | undefined
}

/** How long a restore point lives, unless the API is told otherwise. */
const restorePointLivesMs = 7 * 86_400_000

/** From SQL to a change of a branch: rehearsed with all the data, then applied, with a way back. */
export function RehearseAndApply(props: RehearseAndApplyProps): ReactNode {
  const { branch, database, files, checksum, outOfOrder, held } = props
  const { id: branch_id, project_id, name } = branch
  const path = { project_id, branch_id }
  const body = { db_name: database, files: [...files], allow_out_of_order: outOfOrder }
  const client = useQueryClient()
  const now = useNow()
  const [isAsking, setIsAsking] = useState(false)
  const rehearsal = useWork<Result<RehearseLine>>()
  const apply = useWork<Result<ApplyLine>>(() => {
    void client.invalidateQueries({ queryKey: ['migrations', project_id] })
    void client.invalidateQueries({ queryKey: ['schema-comparison', project_id] })
  })
  const startApply = (): void => {
    setIsAsking(false)
    apply.start(async (signal) =>
      api.applyMigrations({
        path,
        body: { ...body, ...(checksum !== undefined && { schema_checksum: checksum }) },
        signal,
      }),
    )
  }
  const kept = rehearsal.result?.rehearsal
  const isBusy = rehearsal.state === 'running' || apply.state === 'running'
  return (
    <Stack gap="md">
      <Panel title="Rehearse and apply">
        <Stack gap="md">
          {apply.state !== 'done' && (
            <Group gap="sm">
              <Button
                variant={kept === undefined ? 'filled' : 'default'}
                leftSection={<IconFlask size={16} />}
                disabled={isBusy || files.length === 0}
                onClick={() =>
                  rehearsal.start(async (signal) => api.rehearseMigrations({ path, body, signal }))
                }
              >
                {kept === undefined ? 'Rehearse' : 'Rehearse again'}
              </Button>
              <Button
                variant={kept === undefined ? 'default' : 'filled'}
                leftSection={<IconPlayerPlay size={16} />}
                disabled={isBusy || kept === undefined || kept.failed || held !== undefined}
                onClick={() => setIsAsking(true)}
              >
                Apply to {name}
              </Button>
              <Text size="sm" c="var(--faint)">
                {hintOf(kept, held)}
              </Text>
            </Group>
          )}
          {rehearsal.state === 'running' && (
            <WorkProgress title="Rehearsing" {...rehearsal} onCancel={rehearsal.cancel} />
          )}
          {apply.state === 'running' && (
            <WorkProgress title={`Applying to ${name}`} {...apply} onCancel={apply.cancel} />
          )}
          <Failure title="The rehearsal could not be made" error={rehearsal.error} />
          <Failure title={`${name} was not changed as a whole`} error={apply.error} />
          {apply.result && (
            <Done {...{ branch, database }} startedAt={apply.startedAt} result={apply.result} />
          )}
        </Stack>
      </Panel>
      {kept && <RehearsalReport report={kept.report} />}
      <ConfirmByName
        opened={isAsking}
        onClose={() => setIsAsking(false)}
        title={`Apply to ${name}?`}
        verb="Apply"
        name={name}
        isRunning={false}
        onConfirm={startApply}
        recovery={
          <>
            The whole branch, as it was before: a restore point is made first, and kept until{' '}
            {keptUntil(now)}. Going back also undoes what others have written since; you are told
            what before.
          </>
        }
      >
        {files.length === 1 ? 'The SQL runs' : `${files.length} files run`} on database {database}{' '}
        of {name}, {files.length === 1 ? '' : 'each '}in one transaction where PostgreSQL lets it
        be. A statement that does not get its locks within 3 seconds lets others go first and tries
        again.
      </ConfirmByName>
    </Stack>
  )
}

const keptUntil = (fromMs: number): string =>
  formatMoment(new Date(fromMs + restorePointLivesMs).toISOString())

function hintOf(kept: KeptRehearsal | undefined, held: string | undefined): string {
  if (held !== undefined) return held
  if (kept === undefined)
    return 'It runs on a branch with all the data first, which is thrown away.'
  return kept.failed
    ? 'It fails: mend it and rehearse again.'
    : 'Rehearsed. Nothing is changed yet.'
}

/** What an error says, with the lines of advice that the platform gives. */
export function Failure({ title, error }: { title: string; error: Error | undefined }): ReactNode {
  if (error === undefined) return null
  return (
    <Alert color="red" role="alert" icon={<IconAlertTriangle size={18} />} title={title}>
      <pre className={classes['error']}>{describeFailure(error)}</pre>
    </Alert>
  )
}

interface DoneProps {
  branch: Branch
  database: string
  startedAt: number
  result: Result<ApplyLine>
}

function Done({ branch, database, startedAt, result }: DoneProps): ReactNode {
  const { applied, restore_point: point } = result
  return (
    <Alert
      color="leaf"
      icon={<IconCheck size={18} />}
      title={
        applied.length === 0 ? 'Everything had been applied already' : `Applied to ${branch.name}`
      }
    >
      {applied.map(({ name }) => name).join(', ')}
      {point !== null && (
        <>
          <br />
          It can be undone until {keptUntil(startedAt)}, on the page of{' '}
          <TextLink to={paths.migrations(branch.project_id, branch.id, database)}>
            migrations
          </TextLink>
          .
        </>
      )}
    </Alert>
  )
}
