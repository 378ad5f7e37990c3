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
  operations: (projectId: string): string => `${project(projectId)}/operations`,
  monitoring: (projectId: string): string => `${project(projectId)}/monitoring`,
  queries: (projectId: string): string => `${project(projectId)}/queries`,
  settings: (projectId: string): string => `${project(projectId)}/settings`,
}
