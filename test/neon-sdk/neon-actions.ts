import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'

import { type Branch, EndpointType } from '@neondatabase/api-client'
import { expect, test } from 'vitest'

import { clientEnvironment } from '../neon-cli/suite.ts'
import { repository, run } from '../platform.ts'
import { assertFound, type SdkSuite } from './api-client.ts'

/**
 * The calls that Neon's own GitHub actions make, in their order: create-branch-action v6 and
 * schema-diff-action by the client, delete- and reset-branch-action by the CLI under its older name.
 */
export function neonActionTests(suite: () => SdkSuite): void {
  const environment = async (): Promise<NodeJS.ProcessEnv> =>
    clientEnvironment(suite().platform, await mkdtemp(join(suite().platform.home, 'runner-')))
  const neonctl = async (...args: string[]): Promise<string> =>
    run(
      join(repository, 'test/clients/node_modules/.bin/neonctl'),
      ['--no-analytics', ...args, '--project-id', suite().platform.projectId],
      { env: await environment() },
    )

  const findBranch = async (nameOrId: string): Promise<Branch | undefined> => {
    const { client, platform } = suite()
    const { projectId } = platform
    const { data } = await client.listProjectBranches({
      projectId,
      search: nameOrId,
      limit: 10_000,
    })
    return data.branches.find(({ id, name }) => id === nameOrId || name === nameOrId)
  }

  const createOnce = async (name: string): Promise<{ branch: Branch; created: boolean }> => {
    const existing = await findBranch(name)
    if (existing) return { branch: existing, created: false }
    const { client, platform } = suite()
    const parent = await findBranch('main')
    const { data } = await client.createProjectBranch(platform.projectId, {
      branch: {
        name,
        ...(parent !== undefined && { parent_id: parent.id }),
        expires_at: new Date(Date.now() + 86_400_000).toISOString(),
      },
      endpoints: [{ type: EndpointType.ReadWrite, suspend_timeout_seconds: 0 }],
      annotation_value: { 'github-commit-sha': '0'.repeat(40), 'github-pr': '1' },
    })
    return { branch: data.branch, created: true }
  }

  /** A string made by hand of the endpoint's host, without channel binding. */
  const connectionStrings = async (branch: Branch): Promise<{ direct: string; pooled: string }> => {
    const { client, platform } = suite()
    const ids = [platform.projectId, branch.id] as const
    const { data } = await client.listProjectBranchEndpoints(...ids)
    await client.getProjectBranchDatabase(...ids, 'neondb')
    await client.getProjectBranchRole(...ids, 'neondb_owner')
    const { data: secret } = await client.getProjectBranchRolePassword(...ids, 'neondb_owner')
    const { host, id } = assertFound(data.endpoints[0])
    const build = (address: string): string =>
      `postgresql://neondb_owner:${secret.password}@${address}/neondb?sslmode=require`
    return { direct: build(host), pooled: build(host.replace(id, `${id}-pooler`)) }
  }

  test('create-branch-action: makes a branch, or finds it, and connects', async () => {
    const first = await createOnce('preview/pr-1')
    expect(first.created).toBe(true)
    const again = await createOnce('preview/pr-1')
    expect(again).toMatchObject({ created: false, branch: { id: first.branch.id } })
    const { direct, pooled } = await connectionStrings(first.branch)
    const query = async (uri: string): Promise<string> =>
      run('psql', ['-XAtc', 'SHOW pool_mode', uri], { env: await environment() })
    expect(await query(direct)).toBe('session\n')
    expect(await query(pooled)).toBe('transaction\n')
  })

  test('reset-branch-action: resets, then asks for both strings', async () => {
    const reset = await neonctl('branches', 'reset', 'preview/pr-1', '--parent', '-o', 'json')
    expect(JSON.parse(reset)).toMatchObject({ name: 'preview/pr-1' })
    const who = ['--role-name', 'neondb_owner', '--database-name', 'neondb', '--extended']
    const direct = await neonctl('cs', 'preview/pr-1', ...who, '-o', 'json')
    const pooled = await neonctl('cs', 'preview/pr-1', ...who, '--pooled', '-o', 'json')
    expect(JSON.parse(direct)).toHaveProperty('connection_string')
    expect(JSON.parse(pooled).host).toContain('-pooler')
  })

  test('schema-diff-action: the schemas of a branch and its parent', async () => {
    const { client, platform } = suite()
    const { projectId } = platform
    const branch = assertFound(await findBranch('preview/pr-1'))
    const { direct } = await connectionStrings(branch)
    await run('psql', ['-XAtc', 'CREATE TABLE added (id int)', direct], {
      env: await environment(),
    })
    const schemaOf = async (branchId: string): Promise<string> => {
      const { data } = await client.getProjectBranchSchema({
        projectId,
        branchId,
        db_name: 'neondb',
      })
      return data.sql ?? ''
    }
    expect(await schemaOf(branch.id)).toContain('CREATE TABLE public.added')
    expect(await schemaOf(branch.parent_id ?? '')).not.toContain('CREATE TABLE public.added')
  })

  test('delete-branch-action: deletes by name', async () => {
    await neonctl('branches', 'delete', 'preview/pr-1')
    expect(await findBranch('preview/pr-1')).toBeUndefined()
  })
}
