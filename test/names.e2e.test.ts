import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { psql, startTestPlatform, type TestPlatform } from './platform.ts'

/** Names with everything that SQL, shells, paths and URLs find special, through every part of the platform. */
let platform: TestPlatform
let branchId: string

beforeAll(async () => {
  platform = await startTestPlatform()
  const { branches } = await platform.client.listProjectBranches({
    path: { project_id: platform.projectId },
    query: {},
  })
  branchId = branches[0]?.id ?? ''
})
afterAll(async () => platform?.remove())

const names = [
  `q"u'o\\t;e -- /*`,
  `$$ $1 $(id) \`id\``,
  `per%cent %41 %zz`,
  `/../../up?a=b&c#d`,
  `user:pass@host[0]{1}<2>`,
  `Ünïcödé 🐘 日本語`,
  `-dash --flag=x`,
  `  spaces  within, star* | amp &`,
  `select`,
]

describe.each(names)('%j', (name) => {
  test('names a branch', async () => {
    const path = { project_id: platform.projectId }
    const { branch } = await platform.client.createProjectBranch({
      path,
      body: { branch: { name }, endpoints: [{ type: 'read_write' }] },
    })
    const byName = await platform.client.getProjectBranch({ path: { ...path, branch_id: name } })
    expect(byName.branch).toMatchObject({ id: branch.id, name })
    const uri = (await platform.neon('connection-string', '--branch', name)).trim()
    expect(await psql(uri, 'select 1')).toBe('1')
    await platform.neon('branches', 'delete', '--hard-delete', '--', name)
    const { branches } = await platform.client.listProjectBranches({ path, query: {} })
    expect(branches.map(({ id }) => id)).toEqual([branchId])
  })

  test('names a role and a database', async () => {
    const path = { project_id: platform.projectId, branch_id: branchId }
    await platform.client.createProjectBranchRole({ path, body: { role: { name } } })
    await platform.client.createProjectBranchDatabase({
      path,
      body: { database: { name, owner_name: name } },
    })
    for (const pooled of [[], ['--pooled']]) {
      const options = [`--role-name=${name}`, `--database-name=${name}`, ...pooled]
      const uri = (await platform.neon('connection-string', ...options)).trim()
      const shown = await psql(uri, `select json_build_array(current_user, current_database())`)
      expect(JSON.parse(shown)).toEqual([name, name])
    }
    const rows = []
    const lines = await platform.client.queryProjectBranch({
      path,
      body: { sql: 'select current_user, current_database()', db_name: name, role_name: name },
    })
    for await (const line of lines) if (line.type === 'rows') rows.push(...line.rows)
    expect(rows).toEqual([[name, name]])
    await platform.client.deleteProjectBranchDatabase({ path: { ...path, database_name: name } })
    await platform.client.deleteProjectBranchRole({ path: { ...path, role_name: name } })
    const { roles } = await platform.client.listProjectBranchRoles({ path })
    expect(roles.map((one) => one.name)).not.toContain(name)
  })
})
