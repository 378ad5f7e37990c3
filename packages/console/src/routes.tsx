import type { RouteObject } from 'react-router'

import { AppLayout, FullPageLoader } from './layout/AppLayout.tsx'
import { NotFound } from './layout/NotFound.tsx'
import { RouteError } from './layout/RouteError.tsx'
import { SignIn } from './layout/SignIn.tsx'

/**
 * The map of the console. Each page is a module of its own that is loaded when somebody goes there, and
 * exports `Component`. A page of a project also gets a line in `layout/navigation.ts`.
 */
export const routes: RouteObject[] = [
  { path: '/sign-in', Component: SignIn, ErrorBoundary: RouteError },
  {
    path: '/',
    Component: AppLayout,
    HydrateFallback: FullPageLoader,
    ErrorBoundary: RouteError,
    children: [
      {
        ErrorBoundary: RouteError,
        children: [
          { index: true, lazy: async () => import('./pages/ProjectsPage.tsx') },
          { path: 'projects', lazy: async () => import('./pages/ProjectsPage.tsx') },
          {
            path: 'projects/:projectId',
            children: [
              { index: true, lazy: async () => import('./pages/DashboardPage.tsx') },
              { path: 'branches', lazy: async () => import('./pages/branches/BranchesPage.tsx') },
              {
                path: 'branches/:branchId',
                lazy: async () => import('./pages/branch/BranchPage.tsx'),
              },
              { path: 'schema', lazy: async () => import('./pages/schema/SchemaPage.tsx') },
              {
                path: 'migrations',
                lazy: async () => import('./pages/migrations/MigrationsPage.tsx'),
              },
              {
                path: 'migrations/new',
                lazy: async () => import('./pages/migrations/RehearsePage.tsx'),
              },
              {
                path: 'migrations/rehearsals/:rehearsalId',
                lazy: async () => import('./pages/migrations/RehearsalPage.tsx'),
              },
              { path: 'sql', lazy: async () => import('./pages/sql/SqlPage.tsx') },
              {
                path: 'time-machine',
                lazy: async () => import('./pages/time-machine/TimeMachinePage.tsx'),
              },
              { path: 'awake', lazy: async () => import('./pages/awake/AwakePage.tsx') },
              {
                path: 'monitoring',
                lazy: async () => import('./pages/monitoring/MonitoringPage.tsx'),
              },
              { path: 'queries', lazy: async () => import('./pages/queries/QueriesPage.tsx') },
              { path: 'tables', lazy: async () => import('./pages/tables/TablesPage.tsx') },
              { path: 'operations', lazy: async () => import('./pages/OperationsPage.tsx') },
              { path: 'cost', lazy: async () => import('./pages/cost/CostPage.tsx') },
              { path: 'settings', lazy: async () => import('./pages/settings/SettingsPage.tsx') },
            ],
          },
          { path: 'host', lazy: async () => import('./pages/host/HostPage.tsx') },
          { path: '*', Component: NotFound },
        ],
      },
    ],
  },
]
