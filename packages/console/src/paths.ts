/** Every address within the console, so that nobody writes one by hand. */
const project = (projectId: string): string => `/projects/${encodeURIComponent(projectId)}`
const branches = (projectId: string): string => `${project(projectId)}/branches`

export const paths = {
  signIn: '/sign-in',
  projects: '/projects',
  host: '/host',
  project,
  branches,
  branch: (projectId: string, branchId: string): string =>
    `${branches(projectId)}/${encodeURIComponent(branchId)}`,
  sql: (projectId: string): string => `${project(projectId)}/sql`,
  timeMachine: (projectId: string): string => `${project(projectId)}/time-machine`,
  awake: (projectId: string): string => `${project(projectId)}/awake`,
  tables: (projectId: string): string => `${project(projectId)}/tables`,
  operations: (projectId: string): string => `${project(projectId)}/operations`,
  cost: (projectId: string): string => `${project(projectId)}/cost`,
  settings: (projectId: string, section?: string): string =>
    `${project(projectId)}/settings${section === undefined ? '' : `?section=${section}`}`,
  monitoring: (projectId: string): string => `${project(projectId)}/monitoring`,
  queries: (projectId: string): string => `${project(projectId)}/queries`,
}
