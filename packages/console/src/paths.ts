/** Every address within the console, so that nobody writes one by hand. */
const project = (projectId: string): string => `/projects/${encodeURIComponent(projectId)}`
const branches = (projectId: string): string => `${project(projectId)}/branches`

export const paths = {
  signIn: '/sign-in',
  projects: '/projects',
  project,
  branches,
  branch: (projectId: string, branchId: string): string =>
    `${branches(projectId)}/${encodeURIComponent(branchId)}`,
  sql: (projectId: string): string => `${project(projectId)}/sql`,
  operations: (projectId: string): string => `${project(projectId)}/operations`,
  settings: (projectId: string): string => `${project(projectId)}/settings`,
}
