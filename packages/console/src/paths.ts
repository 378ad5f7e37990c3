/** Every address within the console, so that nobody writes one by hand. */
const project = (projectId: string): string => `/projects/${encodeURIComponent(projectId)}`
const branches = (projectId: string): string => `${project(projectId)}/branches`
const migrations = (projectId: string, branchId?: string, database?: string): string =>
  `${project(projectId)}/migrations${search({ branch: branchId, database })}`

/** `?branch=…`, of what is there. */
function search(parameters: Readonly<Record<string, string | undefined>>): string {
  const text = new URLSearchParams(
    Object.entries(parameters).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value]],
    ),
  ).toString()
  return text === '' ? '' : `?${text}`
}

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
  /** Compares a branch with its parent, or with another; without a branch, one can be chosen. */
  schema: (projectId: string, branchId?: string): string =>
    `${project(projectId)}/schema${search({ branch: branchId })}`,
  migrations,
  rehearsal: (projectId: string, rehearsalId: string): string =>
    `${migrations(projectId)}/rehearsals/${encodeURIComponent(rehearsalId)}`,
  /** A rehearsal of SQL that is pasted or dropped there. */
  newRehearsal: (projectId: string, branchId?: string, database?: string): string =>
    `${migrations(projectId)}/new${search({ branch: branchId, database })}`,
  cost: (projectId: string): string => `${project(projectId)}/cost`,
  settings: (projectId: string, section?: string): string =>
    `${project(projectId)}/settings${search({ section })}`,
  monitoring: (projectId: string): string => `${project(projectId)}/monitoring`,
  queries: (projectId: string): string => `${project(projectId)}/queries`,
}
