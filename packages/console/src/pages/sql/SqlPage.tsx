import type { SavedQuery } from '@coppice/api'
import { Button, Group } from '@mantine/core'
import { IconBookmark, IconDeviceFloppy, IconHistory, IconTerminal2 } from '@tabler/icons-react'
import { type ReactNode, useRef, useState } from 'react'

import { api } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { BranchChooser } from '../../branch-choice/BranchChooser.tsx'
import { MomentPicker } from '../../branch-choice/MomentPicker.tsx'
import { type BranchChoice, useBranchChoice } from '../../branch-choice/use-branch-choice.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorState } from '../../ui/ErrorState.tsx'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { useProjectId } from '../use-project-id.ts'
import { AskBeforeRunning } from './AskBeforeRunning.tsx'
import { tableName } from './completion.ts'
import { HistoryDrawer } from './HistoryDrawer.tsx'
import { NameQuery } from './NameQuery.tsx'
import { PastBand } from './PastBand.tsx'
import { changeTab, openInTab, openTabOf, type QueryTab, type QueryTabs } from './query-tabs.ts'
import { QueryTabStrip } from './QueryTabStrip.tsx'
import { Results } from './Results.tsx'
import { RunBar } from './RunBar.tsx'
import { SavedQueriesDrawer } from './SavedQueriesDrawer.tsx'
import { SqlEditor, type SqlEditorHandle } from './SqlEditor.tsx'
import { useQueryTabs } from './use-query-tabs.ts'
import { useRunner } from './use-runner.ts'
import { useSqlPlace } from './use-sql-place.ts'

import classes from './sql.module.css'

/** SQL on a branch, as it is or as it was: an editor, its results, plans, and what was run before. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const choice = useBranchChoice(projectId)
  if (choice.error) return <ErrorState error={choice.error} />
  return <SqlPage key={projectId} projectId={projectId} choice={choice} />
}

interface SqlPageProps {
  projectId: string
  choice: BranchChoice
}

function SqlPage({ projectId, choice }: SqlPageProps): ReactNode {
  const { branch } = choice
  const editor = useRef<SqlEditorHandle>(null)
  const { all, setAll } = useQueryTabs(projectId)
  const tab = openTabOf(all)
  const where = useSqlPlace(projectId, choice)
  const { place, moment, goTo } = where
  const runner = useRunner({ choice, where, tab, editor })
  const changeTabs = (next: QueryTabs): void => {
    for (const { id } of all.tabs) {
      if (!next.tabs.some((one) => one.id === id)) runner.forget(id)
    }
    setAll(next)
  }
  const changeText = (sql: string): void => {
    runner.noteWork()
    setAll((before) => changeTab(before, before.openId, { sql }))
  }
  const nameTable = (id: number | undefined): string => {
    const table = runner.catalog?.tables.find(({ oid }) => oid === id)
    return table ? tableName(table) : 'table_name'
  }
  return (
    <div className={classes['page']}>
      <PageHeader title="SQL editor" actions={<BranchChooser choice={choice} withRole />} />
      <Panel flush>
        {branch && moment !== undefined && (
          <PastBand
            branch={branch}
            moment={moment}
            onNow={() => goTo(undefined)}
            onBranch={(made) => goTo(undefined, made.id)}
          />
        )}
        <div className={classes['head']}>
          <QueryTabStrip all={all} onChange={changeTabs} />
          <KeptQueries projectId={projectId} tab={tab} all={all} onChange={changeTabs} />
        </div>
        <div className={classes['editor']}>
          <SqlEditor
            ref={editor}
            tabId={tab.id}
            initialText={tab.sql}
            catalog={runner.catalog}
            onChange={changeText}
            onRun={() => runner.runSpan()}
            onRunAll={runner.runAll}
          />
        </div>
        <div className={classes['actions']}>
          <RunBar
            run={runner.current?.run}
            canRun={place !== undefined}
            onRun={() => runner.runSpan()}
            onRunAll={runner.runAll}
            onExplain={(analyze) => runner.runSpan({ analyze })}
            isReadOnly={where.isReadOnly}
            isPast={moment !== undefined}
            onReadOnly={where.setIsReadOnly}
          >
            <MomentPicker
              size="xs"
              projectId={projectId}
              branchId={branch?.id}
              moment={moment}
              onChange={(to) => goTo(to)}
            />
          </RunBar>
        </div>
      </Panel>
      <div className={classes['below']}>
        {runner.current ? (
          <Results
            key={runner.current.run.startedAt}
            tabRun={runner.current}
            nameTable={nameTable}
          />
        ) : (
          <Panel>
            <EmptyState icon={IconTerminal2} title="Nothing has been run in this tab">
              {branch && choice.database === undefined
                ? `${branch.name} has no database to run SQL on.`
                : 'Ctrl+Enter runs the statement at the cursor, or what is selected. A branch that sleeps wakes by itself.'}
            </EmptyState>
          </Panel>
        )}
      </div>
      <AskBeforeRunning statement={runner.asked} onAnswer={runner.answer} />
    </div>
  )
}

interface KeptQueriesProps {
  projectId: string
  tab: QueryTab
  all: QueryTabs
  onChange: (all: QueryTabs) => void
}

/** To keep what is in the editor, and to find what was kept or run before. */
function KeptQueries({ projectId, tab, all, onChange }: KeptQueriesProps): ReactNode {
  const [dialog, setDialog] = useState<'history' | 'saved' | 'name'>()
  const close = (): void => setDialog(undefined)
  const update = useAction({
    run: async ({ savedId = '', sql }: QueryTab) =>
      api.updateSavedQuery({
        path: { project_id: projectId, saved_query_id: savedId },
        body: { saved_query: { sql } },
      }),
    done: ({ saved_query }) => `Saved ${saved_query.name}`,
  })
  const open = (sql: string, saved?: SavedQuery): void => {
    close()
    onChange(openInTab(all, sql, saved && { name: saved.name, savedId: saved.id }))
  }
  return (
    <Group gap={2} wrap="nowrap">
      <HeadButton
        icon={<IconDeviceFloppy size={16} />}
        isDisabled={tab.sql.trim() === '' || update.isPending}
        onClick={() => (tab.savedId === undefined ? setDialog('name') : update.mutate(tab))}
      >
        Save
      </HeadButton>
      <HeadButton icon={<IconBookmark size={16} />} onClick={() => setDialog('saved')}>
        Saved queries
      </HeadButton>
      <HeadButton icon={<IconHistory size={16} />} onClick={() => setDialog('history')}>
        History
      </HeadButton>
      {dialog === 'history' && (
        <HistoryDrawer projectId={projectId} onClose={close} onOpen={(sql) => open(sql)} />
      )}
      {dialog === 'saved' && (
        <SavedQueriesDrawer
          projectId={projectId}
          onClose={close}
          onOpen={(query) => open(query.sql, query)}
        />
      )}
      {dialog === 'name' && (
        <NameQuery
          projectId={projectId}
          query={{ name: /^Query \d+$/.test(tab.name) ? '' : tab.name, sql: tab.sql }}
          onClose={close}
          onSaved={({ id, name }) => onChange(changeTab(all, tab.id, { name, savedId: id }))}
        />
      )}
    </Group>
  )
}

interface HeadButtonProps {
  icon: ReactNode
  isDisabled?: boolean
  onClick: () => void
  children: string
}

function HeadButton({ icon, isDisabled = false, onClick, children }: HeadButtonProps): ReactNode {
  return (
    <Button
      variant="subtle"
      color="gray"
      size="compact-sm"
      leftSection={icon}
      disabled={isDisabled}
      onClick={onClick}
    >
      {children}
    </Button>
  )
}
