import { Divider, NavLink, ScrollArea } from '@mantine/core'
import type { ReactNode } from 'react'
import { NavLink as RouterLink, useMatch } from 'react-router'

import { AccountMenu } from './AccountMenu.tsx'
import { navigation, type NavigationItem, platformPages } from './navigation.ts'
import { ProjectSwitcher } from './ProjectSwitcher.tsx'

import classes from './layout.module.css'

/** The navigation: which project, its pages, and the person. */
export function Sidebar({ projectId }: { projectId: string | undefined }): ReactNode {
  return (
    <nav aria-label="Pages" className={classes['sidebar']}>
      <ProjectSwitcher projectId={projectId} />
      <ScrollArea className={classes['sidebarPages'] ?? ''}>
        {projectId === undefined
          ? platformPages.map(({ to, ...page }) => (
              <PageLink key={to} item={{ ...page, to: () => to }} projectId="" />
            ))
          : navigation.map((item) => (
              <PageLink key={item.label} item={item} projectId={projectId} />
            ))}
      </ScrollArea>
      <Divider />
      <AccountMenu />
    </nav>
  )
}

function PageLink({ item, projectId }: { item: NavigationItem; projectId: string }): ReactNode {
  const { icon: Glyph, label, to, end = false } = item
  const address = to(projectId)
  const isActive = useMatch({ path: address, end }) !== null
  return (
    <NavLink
      component={RouterLink}
      to={address}
      end={end}
      label={label}
      active={isActive}
      leftSection={<Glyph size={18} stroke={1.7} aria-hidden />}
      className={classes['pageLink'] ?? ''}
    />
  )
}
