import { Alert, Button, Group, Loader, Select, Tabs, Text } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconPlayerStop } from '@tabler/icons-react'
import { type ReactNode, useEffect, useMemo, useState, useSyncExternalStore } from 'react'

import { describeFailure } from '../../api/use-action.ts'
import { CellViewer } from '../../grid/CellViewer.tsx'
import { ResultGrid } from '../../grid/ResultGrid.tsx'
import type { RowStore } from '../../grid/row-store.ts'
import type { CellPlace } from '../../grid/selection.ts'
import { formatBytes, formatMilliseconds } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { ErrorReport } from './ErrorReport.tsx'
import { ExportMenu } from './ExportMenu.tsx'
import { PlanView } from './plan/PlanView.tsx'
import { type Plan, readPlan } from './plan/read-plan.ts'
import type { RunState, StatementResult } from './sql-run.ts'
import type { TabRun } from './use-sql-runs.ts'

import classes from './sql.module.css'

interface ResultsProps {
  tabRun: TabRun
  /** The name of a table, by the number that results have. */
  nameTable: (id: number | undefined) => string
}

/** What has come of the statements that were run, one at a time. Give it the run as its key. */
export function Results({ tabRun, nameTable }: ResultsProps): ReactNode {
  const { run } = tabRun
  const state = useSyncExternalStore(run.subscribe, run.state)
  const [picked, setPicked] = useState<number>()
  const index = picked ?? mostTelling(state, tabRun.isPlan)
  const result = state.statements[index]
  return (
    <Panel flush>
      <div className={classes['results']}>
        {!tabRun.isPlan && state.statements.length > 1 && (
          <StatementPicker statements={state.statements} index={index} onPick={setPicked} />
        )}
        <div className={classes['resultBody']}>
          {state.failure !== undefined && (
            <Alert m="md" color="red" icon={<IconAlertTriangle size={18} />} role="alert">
              {describeFailure(state.failure)}
            </Alert>
          )}
          {result ? (
            <ResultBody key={index} result={result} sent={run.sql} limitBytes={run.limitBytes} />
          ) : (
            run.isRunning && <Waiting>{tabRun.waitingFor}</Waiting>
          )}
        </div>
        <StatusLine tabRun={tabRun} state={state} result={result} nameTable={nameTable} />
      </div>
    </Panel>
  )
}

/** An error if there is one, else the last rows, else the last statement. Of EXPLAIN, the plan. */
function mostTelling({ statements }: RunState, isPlan: boolean): number {
  const last = statements.length - 1
  if (statements[last]?.state === 'failed') return last
  if (isPlan)
    return Math.max(
      0,
      statements.findIndex(({ store }) => store !== undefined),
    )
  if (statements[last]?.state === 'running') return last
  const withRows = statements.findLastIndex(({ store }) => store !== undefined)
  return withRows === -1 ? last : withRows
}

function Waiting({ children }: { children: ReactNode }): ReactNode {
  return (
    <Group p="md" gap="sm" role="status">
      <Loader size={18} />
      <Text size="sm">{children}</Text>
    </Group>
  )
}

/** With more of them a list is easier to look through than tabs. */
const pickerTabsMax = 12

interface StatementPickerProps {
  statements: readonly StatementResult[]
  index: number
  onPick: (index: number) => void
}

function StatementPicker({ statements, index, onPick }: StatementPickerProps): ReactNode {
  const labels = statements.map((result, n) => `${n + 1} · ${summarize(result)}`)
  if (statements.length > pickerTabsMax) {
    return (
      <Select
        aria-label="Statement"
        size="xs"
        m="xs"
        w={280}
        data={labels.map((label, n) => ({ value: String(n), label }))}
        value={String(index)}
        onChange={(value) => value !== null && onPick(Number(value))}
        searchable
        limit={200}
        allowDeselect={false}
      />
    )
  }
  return (
    <Tabs
      className={classes['resultTabs'] ?? ''}
      value={String(index)}
      onChange={(value) => onPick(Number(value ?? 0))}
      variant="default"
    >
      <Tabs.List aria-label="Statements" style={{ flexWrap: 'nowrap' }}>
        {labels.map((label, n) => (
          <Tabs.Tab
            key={label}
            value={String(n)}
            px="sm"
            {...(statements[n]?.state === 'failed' && {
              color: 'red',
              leftSection: <IconAlertTriangle size={14} />,
            })}
          >
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
    </Tabs>
  )
}

/** `SELECT 3`, `CREATE TABLE`, `error`. */
function summarize({ state, command, rowCount, error }: StatementResult): string {
  if (error !== undefined) return 'error'
  if (state === 'running') return 'running'
  if (state === 'stopped') return 'stopped'
  const count = typeof rowCount === 'number' ? ` ${rowCount.toLocaleString()}` : ''
  return `${command ?? ''}${count}`
}

interface ResultBodyProps {
  result: StatementResult
  sent: string
  limitBytes: number
}

function ResultBody({ result, sent, limitBytes }: ResultBodyProps): ReactNode {
  const { store, notices, error, state } = result
  return (
    <>
      {notices.length > 0 && (
        <ul className={classes['notices']} aria-label="Notices" tabIndex={0}>
          {notices.map((notice, n) => (
            <li key={n}>
              <b>{notice.severity}</b>: {notice.message}
              {notice.detail !== undefined && ` (${notice.detail})`}
            </li>
          ))}
        </ul>
      )}
      {result.isCut && store && (
        <Alert color="yellow" m="xs" p="xs" icon={<IconAlertTriangle size={16} />}>
          {`Shown are the first ${store.rowCount.toLocaleString()} rows: ${formatBytes(limitBytes)} of them is as much as is kept here. `}
          {state === 'stopped'
            ? 'The rest was not fetched; export it instead.'
            : 'The rest is left out.'}
        </Alert>
      )}
      {error && <ErrorReport error={error} sql={sent} />}
      {store && !error && <Rows store={store} isDone={state !== 'running'} />}
      {!store && !error && (
        <Group p="md" gap="sm">
          {state === 'running' ? <Loader size={18} /> : <IconCheck size={18} />}
          <Text size="sm">
            {state === 'done' ? `${summarize(result)}: done` : summarize(result)}
          </Text>
        </Group>
      )}
    </>
  )
}

function Rows({ store, isDone }: { store: RowStore; isDone: boolean }): ReactNode {
  const [opened, setOpened] = useState<CellPlace>()
  const plan = usePlan(store, isDone)
  if (plan) return <PlanView plan={plan} />
  return (
    <div className={classes['grid']}>
      <ResultGrid label="Rows" source={store} onOpenCell={setOpened} />
      <CellViewer source={store} place={opened} onClose={() => setOpened(undefined)} />
    </div>
  )
}

/** Of a result that is one of EXPLAIN (FORMAT JSON). */
function usePlan(store: RowStore, isDone: boolean): Plan | undefined {
  const [column] = store.columns
  const isPlan = isDone && column?.name === 'QUERY PLAN' && column.type === 'json'
  const text = isPlan ? store.cell(0, 0) : null
  return useMemo(() => (text === null ? undefined : readPlan(text)), [text])
}

interface StatusLineProps {
  tabRun: TabRun
  state: RunState
  result: StatementResult | undefined
  nameTable: (id: number | undefined) => string
}

function StatusLine({ tabRun, state, result, nameTable }: StatusLineProps): ReactNode {
  const { run, place, isPlan } = tabRun
  return (
    <div className={classes['statusLine']}>
      <Group gap="md" role="status" className="figures">
        <Text size="sm" fw={600}>
          {phaseNames[state.phase]}
        </Text>
        {result?.store && !isPlan && <RowCounter store={result.store} />}
        <Text size="sm" c="var(--faint)">
          {run.isRunning ? <Elapsed since={run.startedAt} /> : timesOf(state, result)}
        </Text>
      </Group>
      <Group gap="xs">
        {run.isRunning && (
          <Button
            size="xs"
            color="red"
            variant="light"
            leftSection={<IconPlayerStop size={15} />}
            onClick={() => run.stop()}
          >
            Stop
          </Button>
        )}
        {result?.store && !isPlan && (
          <ExportMenu
            result={result}
            store={result.store}
            table={nameTable(result.tableId)}
            place={place}
          />
        )}
      </Group>
    </div>
  )
}

const phaseNames: Readonly<Record<RunState['phase'], string>> = {
  waiting: 'Waiting',
  running: 'Running',
  finished: 'Done',
  stopped: 'Stopped',
  failed: 'Failed',
}

function RowCounter({ store }: { store: RowStore }): ReactNode {
  useSyncExternalStore(store.subscribe, store.version)
  const { rowCount, bytes } = store
  return (
    <Text size="sm" c="var(--faint)">
      {`${rowCount.toLocaleString()} ${rowCount === 1 ? 'row' : 'rows'} · ${formatBytes(bytes)}`}
    </Text>
  )
}

/** The server's time for the statement, and until all of it was here. */
function timesOf({ durationMs = 0 }: RunState, result: StatementResult | undefined): string {
  const whole = formatMilliseconds(durationMs)
  return result?.durationMs === undefined
    ? whole
    : `${formatMilliseconds(result.durationMs)} on the server, ${whole} in all`
}

const tickMs = 200

function Elapsed({ since }: { since: number }): ReactNode {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), tickMs)
    return () => clearInterval(timer)
  }, [])
  return `${Math.max(0, (now - since) / 1000).toFixed(1)} s`
}
