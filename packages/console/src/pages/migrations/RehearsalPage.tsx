import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { queries } from '../../api/queries.ts'
import { RehearsalReport } from '../../migrations/RehearsalReport.tsx'
import { paths } from '../../paths.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { QueryView } from '../../ui/QueryView.tsx'
import { RelativeTime } from '../../ui/RelativeTime.tsx'
import { TextLink } from '../../ui/TextLink.tsx'
import { useProjectId, useRehearsalId } from '../use-project-id.ts'
import { nameOf, RehearsalBadge } from './Rehearsals.tsx'

/** The report of one rehearsal. */
export function Component(): ReactNode {
  const projectId = useProjectId()
  const query = useQuery(queries.rehearsal(projectId, useRehearsalId()))
  const found = query.data
  return (
    <>
      <PageHeader
        title={found ? nameOf(found) : 'Rehearsal'}
        badges={found && <RehearsalBadge rehearsal={found} />}
        description={
          found && (
            <>
              Rehearsed <RelativeTime at={found.created_at} /> for {found.db_name} on{' '}
              <TextLink to={paths.branch(projectId, found.branch_id)}>{found.branch_name}</TextLink>
            </>
          )
        }
      />
      <QueryView query={query} skeletonLines={8}>
        {({ report }) => <RehearsalReport report={report} />}
      </QueryView>
    </>
  )
}
