import { notifications } from '@mantine/notifications'
import { useQuery } from '@tanstack/react-query'
import { type RefObject, useEffect, useRef, useState } from 'react'

import type { BranchChoice } from '../../branch-choice/use-branch-choice.ts'
import { catalogQuery } from './catalog.ts'
import { explain, whyNotExplain } from './explain.ts'
import { recordRun } from './query-history.ts'
import type { QueryTab } from './query-tabs.ts'
import type { QueryPlace } from './run-on.ts'
import type { RunState } from './sql-run.ts'
import type { SqlEditorHandle } from './SqlEditor.tsx'
import { isReading, type Span } from './statements.ts'
import type { useSqlPlace } from './use-sql-place.ts'
import { useSqlRuns } from './use-sql-runs.ts'

/** A part of the open tab's text that is to be run. */
interface Wanted {
  span: Span
  explained?: { analyze: boolean }
}

interface RunnerOptions {
  choice: BranchChoice
  where: ReturnType<typeof useSqlPlace>
  tab: QueryTab
  editor: RefObject<SqlEditorHandle | null>
}

/** Runs what is in the open tab, underlines what is wrong with it, and remembers it. */
export function useRunner({ choice, where, tab, editor }: RunnerOptions) {
  const { place, moment, isAwake } = where
  const { runs, begin, forget } = useSqlRuns()
  const [hasWorked, setHasWorked] = useState(false)
  const [asked, setAsked] = useState<Wanted>()
  const catalog = useQuery({
    ...catalogQuery(place ?? noPlace),
    // Nobody wakes a branch by looking at the editor.
    enabled: place !== undefined && (hasWorked || (isAwake && moment === undefined)),
  })
  const openId = useRef(tab.id)
  useEffect(() => {
    openId.current = tab.id
  }, [tab.id])

  const run = ({ span, explained }: Wanted): void => {
    if (place === undefined) return tell('There is no database to run it on, or not yet.')
    setHasWorked(true)
    setAsked(undefined)
    editor.current?.showError()
    const text = tab.sql.slice(span.from, span.to)
    const sent = explained ? explain(text, explained.analyze) : { sql: text, prefix: 0 }
    begin({
      tabId: tab.id,
      place,
      sql: sent.sql,
      isPlan: explained !== undefined,
      waitingFor: waitingText(choice, where),
      onEnd: (state) => {
        const failure = state.statements.at(-1)?.error
        if (failure?.position !== undefined && openId.current === tab.id) {
          const at = span.from + Math.max(0, failure.position - sent.prefix)
          editor.current?.showError({ failure, place: at })
        }
        record(choice, moment, state, text)
        if (changesSchema(state)) void catalog.refetch()
      },
    })
  }
  /** What is selected, or the statement at the cursor. */
  const runSpan = (explained?: { analyze: boolean }): void => {
    const span = editor.current?.spanToRun()
    if (span === undefined) return tell('There is no statement to run.')
    const text = tab.sql.slice(span.from, span.to)
    const refusal = explained && whyNotExplain(text)
    if (refusal !== undefined) return tell(refusal)
    const wanted = { span, ...(explained && { explained }) }
    if (explained?.analyze && !isReading(text)) setAsked(wanted)
    else run(wanted)
  }
  const runAll = (): void => {
    if (tab.sql.trim() === '') tell('There is no statement to run.')
    else run({ span: { from: 0, to: tab.sql.length } })
  }
  return {
    /** What was last run from the open tab. */
    current: runs.get(tab.id),
    catalog: catalog.data,
    runSpan,
    runAll,
    forget,
    /** What completes needs the schema, which is read when somebody begins to work. */
    noteWork: () => setHasWorked(true),
    /** A statement that would write and waits for consent. */
    asked: asked && tab.sql.slice(asked.span.from, asked.span.to),
    answer: (consents: boolean): void => {
      if (consents && asked) run(asked)
      else setAsked(undefined)
    },
  }
}

const noPlace: QueryPlace = { projectId: '', branchId: '', request: { db_name: '' } }

const tell = (message: string): void => void notifications.show({ message, color: 'yellow' })

function waitingText(
  { branch }: BranchChoice,
  { moment, isAwake }: RunnerOptions['where'],
): string {
  if (moment !== undefined) return 'Bringing that moment back…'
  return isAwake ? 'Connecting…' : `Waking ${branch?.name ?? 'the branch'}…`
}

const changesSchema = ({ statements }: RunState): boolean =>
  statements.some(({ command }) => /^(CREATE|ALTER|DROP|SELECT INTO|DO)/.test(command ?? ''))

function record(
  { branch, database, role }: BranchChoice,
  moment: string | undefined,
  state: RunState,
  sql: string,
): void {
  if (branch === undefined) return
  const { statements, failure, durationMs = 0 } = state
  const error =
    statements.at(-1)?.error?.message ?? (failure instanceof Error ? failure.message : undefined)
  recordRun(branch.project_id, {
    at: Date.now() - durationMs,
    sql,
    branch: branch.name,
    database: database?.name ?? '',
    role: role ?? '',
    ...(moment !== undefined && { moment }),
    durationMs,
    rows: statements.reduce((sum, { rowCount }) => sum + (rowCount ?? 0), 0),
    ...(error !== undefined && { error }),
  })
}
