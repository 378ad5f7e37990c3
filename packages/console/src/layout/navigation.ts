import {
  type Icon,
  IconActivity,
  IconGitBranch,
  IconLayoutDashboard,
  IconSettings,
  IconTerminal2,
} from '@tabler/icons-react'

import { paths } from '../paths.ts'

export interface NavigationItem {
  label: string
  icon: Icon
  /** Where it is in a project. */
  to: (projectId: string) => string
  /** Only the address itself is it, and not those below. */
  end?: boolean
}

/** The pages of a project, as the sidebar and the command palette list them. */
export const navigation: readonly NavigationItem[] = [
  { label: 'Dashboard', icon: IconLayoutDashboard, to: paths.project, end: true },
  { label: 'Branches', icon: IconGitBranch, to: paths.branches },
  { label: 'SQL editor', icon: IconTerminal2, to: paths.sql },
  { label: 'Operations', icon: IconActivity, to: paths.operations },
  { label: 'Settings', icon: IconSettings, to: paths.settings },
]
