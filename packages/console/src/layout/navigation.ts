import {
  type Icon,
  IconActivity,
  IconCoins,
  IconDatabaseEdit,
  IconFolders,
  IconChartLine,
  IconGitBranch,
  IconHistory,
  IconLayoutDashboard,
  IconSchema,
  IconServer2,
  IconListSearch,
  IconSettings,
  IconTerminal2,
  IconSunMoon,
  IconTable,
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
  { label: 'Tables', icon: IconTable, to: paths.tables },
  { label: 'Schema', icon: IconSchema, to: paths.schema },
  { label: 'Migrations', icon: IconDatabaseEdit, to: paths.migrations },
  { label: 'Time machine', icon: IconHistory, to: paths.timeMachine },
  { label: 'Monitoring', icon: IconChartLine, to: paths.monitoring },
  { label: 'Queries', icon: IconListSearch, to: paths.queries },
  { label: 'Awake', icon: IconSunMoon, to: paths.awake },
  { label: 'Usage and cost', icon: IconCoins, to: paths.cost },
  { label: 'Operations', icon: IconActivity, to: paths.operations },
  { label: 'Settings', icon: IconSettings, to: paths.settings },
]

export interface PlatformPage {
  label: string
  icon: Icon
  to: string
}

/** The pages of the platform as a whole. */
export const platformPages: readonly PlatformPage[] = [
  { label: 'Projects', icon: IconFolders, to: paths.projects },
  { label: 'Host', icon: IconServer2, to: paths.host },
]
