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
    timeMachine: paths.timeMachine(project),
    awake: paths.awake(project),
    tables: paths.tables(project),
    operations: paths.operations(project),
    schema: paths.schema(project, branch),
    migrations: paths.migrations(project),
    rehearsal: paths.rehearsal(project, 'r'),
    newRehearsal: paths.newRehearsal(project, branch, 'shop'),
    cost: paths.cost(project),
    host: paths.host,
    settings: paths.settings(project),
    prices: paths.settings(project, 'prices'),
  }).toMatchInlineSnapshot(`
    {
      "awake": "/projects/wild-rain-1/awake",
      "branch": "/projects/wild-rain-1/branches/br-1%2Fx",
      "branches": "/projects/wild-rain-1/branches",
      "cost": "/projects/wild-rain-1/cost",
      "host": "/host",
      "migrations": "/projects/wild-rain-1/migrations",
      "newRehearsal": "/projects/wild-rain-1/migrations/new?branch=br-1%2Fx&database=shop",
      "operations": "/projects/wild-rain-1/operations",
      "prices": "/projects/wild-rain-1/settings?section=prices",
      "project": "/projects/wild-rain-1",
      "projects": "/projects",
      "rehearsal": "/projects/wild-rain-1/migrations/rehearsals/r",
      "schema": "/projects/wild-rain-1/schema?branch=br-1%2Fx",
      "settings": "/projects/wild-rain-1/settings",
      "signIn": "/sign-in",
      "sql": "/projects/wild-rain-1/sql",
      "tables": "/projects/wild-rain-1/tables",
      "timeMachine": "/projects/wild-rain-1/time-machine",
    }
  `)
})
