import { Anchor, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Fragment, type ReactNode } from 'react'
import { Link, useLocation, useParams } from 'react-router'

import { queries } from '../api/queries.ts'
import { paths } from '../paths.ts'
import { navigation, platformPages } from './navigation.ts'

import classes from './layout.module.css'

/** Where the page is, with the names of things rather than their ids. */
export function Crumbs(): ReactNode {
  const { projectId, branchId } = useParams()
  const { pathname } = useLocation()
  const project = useQuery({
    ...queries.project(projectId ?? ''),
    enabled: projectId !== undefined,
  })
  const branches = useQuery({
    ...queries.branches(projectId ?? ''),
    enabled: projectId !== undefined && branchId !== undefined,
  })
  const top = platformPages.find(({ to }) => pathname.startsWith(to))
  const crumbs: { label: string; to: string }[] = [top ?? { label: 'Projects', to: paths.projects }]
  if (projectId !== undefined) {
    crumbs.push({ label: project.data?.name ?? projectId, to: paths.project(projectId) })
    const page = navigation.find(({ to, end }) => !end && pathname.startsWith(to(projectId)))
    if (page) crumbs.push({ label: page.label, to: page.to(projectId) })
    if (branchId !== undefined) {
      const branch = branches.data?.find(({ id, name }) => id === branchId || name === branchId)
      crumbs.push({ label: branch?.name ?? branchId, to: paths.branch(projectId, branchId) })
    }
  }
  return (
    <nav aria-label="Where you are" className={classes['crumbs']}>
      {crumbs.map(({ label, to }, at) => (
        <Fragment key={to}>
          {at > 0 && (
            <Text span c="var(--faint)" size="sm" className={classes['crumbGap'] ?? ''} aria-hidden>
              /
            </Text>
          )}
          {at === crumbs.length - 1 ? (
            <Text span size="sm" fw={550} truncate aria-current="page">
              {label}
            </Text>
          ) : (
            <Anchor
              component={Link}
              to={to}
              size="sm"
              c="var(--faint)"
              truncate
              className={classes['crumbParent'] ?? ''}
            >
              {label}
            </Anchor>
          )}
        </Fragment>
      ))}
    </nav>
  )
}
