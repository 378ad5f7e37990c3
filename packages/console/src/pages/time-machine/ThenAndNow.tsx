import type { Branch } from '@coppice/api'
import { Alert, Button, Group, Loader, Stack, Switch, Text, Textarea } from '@mantine/core'
import { IconEye, IconPlayerPlay } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef, useState } from 'react'

import { SqlError, type SqlPlace } from '../../api/run-sql.ts'
import { describeFailure } from '../../api/use-action.ts'
import type { BranchChoice } from '../../branch-choice/use-branch-choice.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { type Moment, momentParam, momentText } from '../../ui/moment.ts'
import { Panel } from '../../ui/Panel.tsx'
import { type Comparison, compareRows } from './compare-rows.ts'
import type { Migration } from './markers.ts'
import { type ReadResult, readRows } from './read-rows.ts'
import { readMigrations, readTables } from './read-tables.ts'
import { ResultTable } from './ResultTable.tsx'
import { TablePairs } from './TablePairs.tsx'
import { differs, keysOf, pairTables, previewSql, type Table } from './tables.ts'

import classes from './then-and-now.module.css'

interface ThenAndNowProps {
  branch: Branch
  choice: BranchChoice
  moment: Moment
  /** Where the moment is out of reach. */
  disabled: boolean
  onMigrations: (migrations: readonly Migration[]) => void
}

interface Look {
  moment: Moment
  past: Table[]
  present: Table[]
}

interface Compared {
  sql: string
  moment: Moment
  past: ReadResult
  present: ReadResult
  comparison: Comparison
}

/** What was there and what is there: rows of each table, and of a query. It runs when it is asked to. */
export function ThenAndNow(props: ThenAndNowProps): ReactNode {
  const { branch, choice, moment, disabled, onMigrations } = props
  const database = choice.database?.name
  const [sql, setSql] = useState('')
  const newSignal = useLatestOnly()
  const placeAt = (at: Moment | undefined): SqlPlace => ({
    projectId: branch.project_id,
    branchId: branch.id,
    database: database ?? '',
    role: choice.role,
    ...(at?.kind === 'lsn' ? { lsn: at.lsn } : { at: at?.iso }),
  })
  const compare = useMutation({
    mutationFn: async ({ text, at, known }: { text: string; at: Moment; known: Look }) => {
      const signal = newSignal()
      const [past, present] = await Promise.all([
        readRows(placeAt(at), text, signal),
        readRows(placeAt(undefined), text, signal),
      ])
      const keys = keysOf([...known.past, ...known.present])
      return { sql: text, moment: at, past, present, comparison: compareRows(past, present, keys) }
    },
  })
  const look = useMutation({
    mutationFn: async ({ at }: { at: Moment; text: string }): Promise<Look> => {
      const signal = newSignal()
      const [past, present, migrations] = await Promise.all([
        readTables(placeAt(at), signal),
        readTables(placeAt(undefined), signal),
        readMigrations(placeAt(undefined), signal),
      ])
      onMigrations(migrations)
      return { moment: at, past, present }
    },
    onSuccess: (read, { text }) => {
      const query = text.trim() === '' ? firstPreview(read) : text
      setSql(query)
      if (query !== '') compare.mutate({ text: query, at: read.moment, known: read })
    },
  })
  const found = look.data
  const isOther = found !== undefined && momentParam(found.moment) !== momentParam(moment)
  const run = (text: string): void => {
    setSql(text)
    if (found === undefined || isOther) look.mutate({ at: moment, text })
    else compare.mutate({ text, at: found.moment, known: found })
  }
  const isRunning = look.isPending || compare.isPending
  const error = look.error ?? compare.error
  const lookButton = (
    <Button
      leftSection={<IconEye size={16} />}
      loading={look.isPending}
      disabled={disabled || database === undefined}
      onClick={() => look.mutate({ at: moment, text: sql })}
    >
      Look at this moment
    </Button>
  )
  return (
    <Panel
      title="Then and now"
      description={
        found && `${momentText(found.moment)}, beside what is there now, in ${database ?? ''}`
      }
      actions={found && (isOther || look.isPending) && lookButton}
    >
      {found === undefined && !look.isError ? (
        <EmptyState
          icon={IconEye}
          title={look.isPending ? 'The moment is being made present' : 'See what was there'}
          action={look.isPending ? <Loader size="sm" mt="xs" /> : lookButton}
        >
          The rows of each table then and now, and any query on both. It only reads, and wakes the
          branch’s compute.
        </EmptyState>
      ) : (
        <Stack gap="md">
          {error && <Failure error={error} />}
          {found === undefined && <Group>{lookButton}</Group>}
          {found && (
            <>
              <TablePairs
                pairs={pairTables(found.past, found.present)}
                onPreview={(table) => run(previewSql(table))}
              />
              <QueryField value={sql} onChange={setSql} onRun={run} isRunning={isRunning} />
              {compare.data && <Results compared={compare.data} />}
            </>
          )}
        </Stack>
      )}
    </Panel>
  )
}

/** Of the first table that differs. */
function firstPreview({ past, present }: Look): string {
  const pairs = pairTables(past, present)
  const pair =
    pairs.find((one) => one.past && one.present && differs(one)) ?? pairs.find((one) => one.present)
  return pair?.present === undefined ? '' : previewSql(pair.present)
}

function Failure({ error }: { error: Error }): ReactNode {
  const isStatement = error instanceof SqlError
  const hint = isStatement && error.line.hint !== undefined ? `. ${error.line.hint}` : ''
  return (
    <Alert color="red" role="alert" title={isStatement ? 'PostgreSQL says' : 'That did not work'}>
      {isStatement ? error.message + hint : describeFailure(error)}
    </Alert>
  )
}

/** A signal for each run, which ends the one before; all end with the page. */
function useLatestOnly(): () => AbortSignal {
  const running = useRef<AbortController>(undefined)
  useEffect(() => () => running.current?.abort(), [])
  return () => {
    running.current?.abort()
    running.current = new AbortController()
    return running.current.signal
  }
}

interface QueryFieldProps {
  value: string
  onChange: (sql: string) => void
  onRun: (sql: string) => void
  isRunning: boolean
}

function QueryField({ value, onChange, onRun, isRunning }: QueryFieldProps): ReactNode {
  return (
    <Group align="flex-end" gap="xs" wrap="nowrap">
      <Textarea
        className={classes['query'] ?? ''}
        label="Query"
        autosize
        minRows={1}
        maxRows={8}
        value={value}
        spellCheck={false}
        onChange={(event) => onChange(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onRun(value)
        }}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12.5 } }}
      />
      <Button
        variant="default"
        leftSection={<IconPlayerPlay size={15} />}
        loading={isRunning}
        disabled={value.trim() === ''}
        onClick={() => onRun(value)}
      >
        Run
      </Button>
    </Group>
  )
}

function Results({ compared }: { compared: Compared }): ReactNode {
  const { moment, past, present, comparison } = compared
  const { counts, key } = comparison
  const [onlyDiffering, setOnlyDiffering] = useState(false)
  const told = [
    counts.changed > 0 && `${counts.changed} changed`,
    counts.gone > 0 && `${counts.gone} only then`,
    counts.new > 0 && `${counts.new} only now`,
  ].filter(Boolean)
  return (
    <div>
      <Group justify="space-between" mb={8}>
        <Text size="sm" role="status">
          <b>{told.length === 0 ? 'The same then and now' : told.join(', ')}</b>
          <Text span size="sm" c="var(--faint)">
            {' · '}
            {key.length > 0
              ? `rows known by ${key.join(', ')}`
              : 'no key in common, so whole rows are compared'}
          </Text>
        </Text>
        <Switch
          size="xs"
          label="Only what differs"
          checked={onlyDiffering}
          onChange={(event) => setOnlyDiffering(event.currentTarget.checked)}
        />
      </Group>
      <div className={classes['sides']}>
        <ResultTable
          title={`Then, ${momentText(moment)}`}
          columns={past.columns}
          rows={comparison.past}
          isCut={past.isCut}
          onlyDiffering={onlyDiffering}
        />
        <ResultTable
          title="Now"
          columns={present.columns}
          rows={comparison.present}
          isCut={present.isCut}
          onlyDiffering={onlyDiffering}
        />
      </div>
    </div>
  )
}
