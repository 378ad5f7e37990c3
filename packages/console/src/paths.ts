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
  operations: (projectId: string): string => `${project(projectId)}/operations`,
  cost: (projectId: string): string => `${project(projectId)}/cost`,
  settings: (projectId: string, section?: string): string =>
    `${project(projectId)}/settings${section === undefined ? '' : `?section=${section}`}`,
}
