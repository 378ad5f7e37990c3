import { type Diagnostic, diagnosticMark, diagnostics, findExtension } from '@coppice/api/client'
import { NavLink, Text } from '@mantine/core'
import { IconReportAnalytics } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'

import { type StatementResult, useQuietQuery } from '../../api/quiet-query.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Panel } from '../../ui/Panel.tsx'
import type { Looked } from './looked.ts'
import { QuietView } from './QuietView.tsx'
import { WithExtension } from './WithExtension.tsx'

import classes from './queries.module.css'

const everyMs = 30_000

/** What `coppice inspect db` tells, one report at a time. */
export function Reports({ place, endpoint }: Looked): ReactNode {
  const [chosen, setChosen] = useState<Diagnostic | undefined>(diagnostics[0])
  return (
    <div className={classes['reports']}>
      <Panel flush>
        <nav aria-label="Reports" className={classes['reportList']}>
          {diagnostics.map((one) => (
            <NavLink
              key={one.name}
              component="button"
              label={titleOf(one)}
              active={one === chosen}
              aria-current={one === chosen ? 'true' : undefined}
              onClick={() => setChosen(one)}
            />
          ))}
        </nav>
      </Panel>
      {chosen && <Report key={chosen.name} diagnostic={chosen} place={place} endpoint={endpoint} />}
    </div>
  )
}

/** `long-running-queries` → `Long running queries`. */
function titleOf({ name }: Diagnostic): string {
  const words = name.replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function Report(props: ReportProps): ReactNode {
  const { diagnostic, ...looked } = props
  if (diagnostic.extension === undefined) return <ReportPanel {...props} />
  return (
    <WithExtension {...looked} title={titleOf(diagnostic)} name={diagnostic.extension}>
      <ReportPanel {...props} />
    </WithExtension>
  )
}

type ReportProps = Looked & { diagnostic: Diagnostic }

function ReportPanel({ diagnostic, place, endpoint }: ReportProps): ReactNode {
  const { name, description, sql, extension, none } = diagnostic
  const before = extension === undefined ? '' : `${findExtension(extension)};`
  const query = useQuietQuery({
    place,
    endpoint,
    name: `report ${name}`,
    sql: `${before}${sql} ${diagnosticMark}`,
    read: (results) => results.at(-1),
    everyMs,
  })
  return (
    <Panel flush title={titleOf(diagnostic)} description={description}>
      <QuietView query={query} endpoint={endpoint} keepsLast>
        {(result) =>
          result === undefined || result.rows.length === 0 ? (
            <EmptyState icon={IconReportAnalytics} title="Nothing to report">
              {none}
            </EmptyState>
          ) : (
            <ReportTable label={titleOf(diagnostic)} result={result} />
          )
        }
      </QuietView>
    </Panel>
  )
}

type ReportRow = StatementResult['rows'][number] & { at: string }

function ReportTable({ label, result }: { label: string; result: StatementResult }): ReactNode {
  const columns = result.columns.map((title): Column<ReportRow> => ({
    title: title.replaceAll('_', ' '),
    width: title === 'query' ? 'minmax(240px, 4fr)' : 'minmax(96px, 1fr)',
    cell: (row) => (
      <Text
        size="sm"
        truncate
        title={row[title] ?? ''}
        {...(title === 'query' && { ff: 'monospace' })}
      >
        {row[title] ?? '–'}
      </Text>
    ),
  }))
  const rows = result.rows.map((row, at): ReportRow => ({ ...row, at: String(at) }))
  return (
    <div className={classes['wide']}>
      <DataTable
        label={label}
        rows={rows}
        rowKey={({ at }) => at}
        columns={columns}
        rowHeight={40}
      />
    </div>
  )
}
