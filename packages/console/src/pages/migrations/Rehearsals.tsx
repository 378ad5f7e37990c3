import type { RehearsalSummary } from '@coppice/api'
import { Badge, Text } from '@mantine/core'
import { IconFlask } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { queries } from '../../api/queries.ts'
import { paths } from '../../paths.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatMilliseconds } from '../../ui/format.ts'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { TextLink } from '../../ui/TextLink.tsx'

/** The last rehearsals of a project, wherever they were made. */
export function Rehearsals({ projectId }: { projectId: string }): ReactNode {
  const rehearsals = useQuery(queries.rehearsals(projectId))
  return (
    <Panel
      title="Rehearsals"
      description="Here and on the command line; the last 200, for 90 days"
      flush
    >
      <QueryView query={rehearsals}>
        {(found) =>
          found.length === 0 ? (
            <EmptyState icon={IconFlask} title="Nothing has been rehearsed">
              A rehearsal runs SQL on a branch with all the data and throws the branch away. It
              tells the locks, what is written anew, the time and the WAL.
            </EmptyState>
          ) : (
            <DataTable
              label="Rehearsals"
              rows={found}
              rowKey={({ id }) => id}
              columns={columnsOf(projectId)}
              maxHeight={480}
            />
          )
        }
      </QueryView>
    </Panel>
  )
}

/** `0001_users.sql and 3 more`. */
export function nameOf({ files }: Pick<RehearsalSummary, 'files'>): string {
  const [first, ...more] = files
  if (first === undefined) return 'Nothing was pending'
  return more.length === 0 ? first : `${first} and ${more.length} more`
}

/** How it ended, in a word. */
export function RehearsalBadge({
  rehearsal,
}: {
  rehearsal: Pick<RehearsalSummary, 'failed' | 'findings'>
}): ReactNode {
  const { failed, findings } = rehearsal
  const [color, text] = failed
    ? ['red', 'Fails']
    : findings > 0
      ? ['yellow', `${findings} hazard${findings === 1 ? '' : 's'}`]
      : ['leaf', 'Fine']
  return (
    <Badge size="sm" color={color} variant="light" tt="none">
      {text}
    </Badge>
  )
}

const columnsOf = (projectId: string): Column<RehearsalSummary>[] => [
  {
    title: 'Files',
    width: 'minmax(120px, 3fr)',
    cell: (row) => <TextLink to={paths.rehearsal(projectId, row.id)}>{nameOf(row)}</TextLink>,
  },
  {
    title: 'For',
    width: 'minmax(90px, 1.5fr)',
    wideOnly: true,
    cell: ({ branch_name, db_name }) => (
      <Text size="sm" truncate>
        {db_name} on {branch_name}
      </Text>
    ),
  },
  {
    title: 'Result',
    width: '100px',
    cell: (row) => <RehearsalBadge rehearsal={row} />,
  },
  {
    title: 'Took',
    width: '90px',
    align: 'right',
    wideOnly: true,
    cell: ({ duration_ms }) => formatMilliseconds(duration_ms),
  },
  {
    title: 'Made',
    width: '120px',
    align: 'right',
    wideOnly: true,
    cell: ({ created_at }) => <RelativeTime at={created_at} />,
  },
]
