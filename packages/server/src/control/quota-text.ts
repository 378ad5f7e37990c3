/** What is told of computes that may not run; empty where no quota is exceeded. */
export function blockedBecause(projectId: string, exceeded: string | null): string {
  if (exceeded === null) return ''
  return (
    `quota ${exceeded} of project ${projectId} is used up for this month; raise it with ` +
    `PATCH /projects/${projectId} {"project":{"settings":{"quota":{"${exceeded}":0}}}} (0 is no limit)`
  )
}
