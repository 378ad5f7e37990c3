import { expect, test } from 'vitest'

import { paths } from './paths.ts'

test('each address of the console', () => {
  const [project, branch] = ['wild-rain-1', 'br-1/x']
  expect({
    signIn: paths.signIn,
    projects: paths.projects,
    project: paths.project(project),
    branches: paths.branches(project),
    branch: paths.branch(project, branch),
    sql: paths.sql(project),
    operations: paths.operations(project),
    settings: paths.settings(project),
  }).toMatchInlineSnapshot(`
    {
      "branch": "/projects/wild-rain-1/branches/br-1%2Fx",
      "branches": "/projects/wild-rain-1/branches",
      "operations": "/projects/wild-rain-1/operations",
      "project": "/projects/wild-rain-1",
      "projects": "/projects",
      "settings": "/projects/wild-rain-1/settings",
      "signIn": "/sign-in",
      "sql": "/projects/wild-rain-1/sql",
    }
  `)
})
