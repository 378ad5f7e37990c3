import {
  type Branch,
  ConsumptionHistoryGranularity,
  createApiClient,
  type Endpoint,
  EndpointType,
  type Operation,
} from '@neondatabase/api-client'
import type { AxiosError } from 'axios'
import { expect, test } from 'vitest'

import { psql, type TestPlatform, until } from '../platform.ts'
import type { Recorder } from './recorder.ts'

export type NeonClient = ReturnType<typeof createApiClient>

/** What the tests of both SDKs share. */
export interface SdkSuite {
  readonly platform: TestPlatform
  readonly recorder: Recorder
  readonly client: NeonClient
}

/** Neon's generated client, with the calls that it is answered recorded. */
export function connectApiClient(platform: TestPlatform, recorder: Recorder): NeonClient {
  const client = createApiClient({ apiKey: platform.apiKey, baseURL: platform.apiUrl })
  client.instance.interceptors.response.use(
    (response) => {
      const { method = '', url = '' } = response.config
      recorder.observe(method, url, response.status)
      return response
    },
    (error: AxiosError) => {
      // Its own message has the status alone.
      error.message += ` ${error.config?.url}: ${JSON.stringify(error.response?.data)}`
      throw error
    },
  )
  return client
}

/** A walk over every call that Coppice answers, in the order in which somebody would come to them. */
export function apiClientTests(suite: () => SdkSuite): void {
  let branch: Branch
  let endpoint: Endpoint
  const ids = (): [string, string] => [suite().platform.projectId, branch.id]
  const finished = async (operations: readonly Operation[]): Promise<void> => {
    const { client } = suite()
    for (const { id, project_id } of operations) {
      await until(async () => {
        const { data } = await client.getProjectOperation(project_id, id)
        return data.operation.status === 'finished'
      }, `operation ${id} has finished`)
    }
  }

  test('api-client: the account, its keys and where it is', async () => {
    const { client } = suite()
    const { data: user } = await client.getCurrentUserInfo()
    const { data: auth } = await client.getAuthDetails()
    expect(auth).toMatchObject({ account_id: user.id, auth_method: 'api_key_user' })
    const { data: membership } = await client.getCurrentUserOrganizations()
    expect(membership.organizations).toHaveLength(1)
    const { data: regions } = await client.getActiveRegions({})
    expect(regions.regions).toHaveLength(1)
    const { data: key } = await client.createApiKey({ key_name: 'walk' })
    const { data: keys } = await client.listApiKeys()
    expect(keys.map(({ id }) => id)).toContain(key.id)
    const { data: revoked } = await client.revokeApiKey(key.id)
    expect(revoked).toMatchObject({ id: key.id, revoked: true })
  })

  test('api-client: projects', async () => {
    const { client } = suite()
    const { status, data } = await client.createProject({
      project: { name: 'walked', branch: { name: 'trunk', role_name: 'me', database_name: 'db' } },
    })
    expect(status).toBe(201)
    expect(data).toMatchObject({ branch: { name: 'trunk' }, roles: [{ name: 'me' }] })
    expect(await psql(data.connection_uris[0]?.connection_uri ?? '', 'SELECT current_user')).toBe(
      'me',
    )
    await finished(data.operations)
    const { id } = data.project
    await client.updateProject(id, { project: { name: 'walked on' } })
    const { data: found } = await client.getProject(id)
    expect(found.project.name).toBe('walked on')
    const { data: listed } = await client.listProjects({ limit: 1, search: 'walked' })
    expect(listed.projects.map((project) => project.id)).toEqual([id])
    await client.listSharedProjects({})
    const { data: operations } = await client.listProjectOperations({ projectId: id, limit: 1 })
    expect(operations.operations).toHaveLength(1)
    await client.deleteProject(id)
    await client.recoverProject(id)
    await client.deleteProject(id)
    await expect(client.getProject(id)).rejects.toMatchObject({
      response: { status: 404, data: { code: 'project_not_found' } },
    })
  })

  test('api-client: branches', async () => {
    const { client, platform } = suite()
    const { projectId } = platform
    const { status, data } = await client.createProjectBranch(projectId, {
      branch: { name: 'walk' },
      endpoints: [{ type: EndpointType.ReadWrite }],
      annotation_value: { purpose: 'test' },
    })
    expect(status).toBe(201)
    ;({ branch } = data)
    endpoint = assertFound(data.endpoints[0])
    await finished(data.operations)
    const { data: listed } = await client.listProjectBranches({
      projectId,
      search: 'walk',
      limit: 10_000,
    })
    expect(listed.branches.map(({ id }) => id)).toEqual([branch.id])
    const { data: count } = await client.countProjectBranches({ projectId })
    expect(count.count).toBe(2)
    await client.updateProjectBranch(...ids(), { branch: { name: 'walk/2', protected: false } })
    const { data: found } = await client.getProjectBranch(...ids())
    expect(found.branch).toMatchObject({ name: 'walk/2', parent_id: expect.any(String) })
    await client.deleteProjectBranch({ projectId, branchId: branch.id })
    await client.recoverProjectBranch(...ids())
    await client.setDefaultProjectBranch(...ids())
    await client.setDefaultProjectBranch(projectId, branch.parent_id ?? '')
  })

  test('api-client: roles and databases', async () => {
    const { client, platform } = suite()
    const { data: created } = await client.createProjectBranchRole(...ids(), {
      role: { name: 'bob' },
    })
    await finished(created.operations)
    const { data: roles } = await client.listProjectBranchRoles(...ids())
    expect(roles.roles.map(({ name }) => name)).toContain('bob')
    await client.getProjectBranchRole(...ids(), 'bob')
    const { data: reset } = await client.resetProjectBranchRolePassword(...ids(), 'bob')
    const { data: revealed } = await client.getProjectBranchRolePassword(...ids(), 'bob')
    expect(revealed.password).toBe(reset.role.password)

    await client.createProjectBranchDatabase(...ids(), {
      database: { name: 'one', owner_name: 'bob' },
    })
    await client.updateProjectBranchDatabase(...ids(), 'one', { database: { name: 'two' } })
    await client.getProjectBranchDatabase(...ids(), 'two')
    const { data: uri } = await client.getConnectionUri({
      projectId: platform.projectId,
      branch_id: branch.id,
      database_name: 'two',
      role_name: 'bob',
      pooled: true,
    })
    expect(await psql(uri.uri, 'SELECT current_database(), current_user')).toBe('two|bob')
    await client.deleteProjectBranchDatabase(...ids(), 'two')
    await client.deleteProjectBranchRole(...ids(), 'bob')
    const { data: databases } = await client.listProjectBranchDatabases(...ids())
    expect(databases.databases.map(({ name }) => name)).toEqual(['neondb'])
  })

  test('api-client: endpoints', async () => {
    const { client, platform } = suite()
    const { projectId } = platform
    const { data: listed } = await client.listProjectEndpoints(projectId)
    expect(listed.endpoints.map(({ id }) => id)).toContain(endpoint.id)
    const { data: ofBranch } = await client.listProjectBranchEndpoints(...ids())
    expect(ofBranch.endpoints).toHaveLength(1)
    const { data: suspended } = await client.suspendProjectEndpoint(projectId, endpoint.id)
    await finished(suspended.operations)
    const { data: started } = await client.startProjectEndpoint(projectId, endpoint.id)
    await finished(started.operations)
    await client.restartProjectEndpoint(projectId, endpoint.id)
    const change = { endpoint: { suspend_timeout_seconds: 120, autoscaling_limit_max_cu: 1 } }
    const { data: updated } = await client.updateProjectEndpoint(projectId, endpoint.id, change)
    await finished(updated.operations)
    const { data: found } = await client.getProjectEndpoint(projectId, endpoint.id)
    expect(found.endpoint).toMatchObject({ suspend_timeout_seconds: 120, current_state: 'active' })
    await client.deleteProjectEndpoint(projectId, endpoint.id)
    const { data: made } = await client.createProjectEndpoint(projectId, {
      endpoint: { branch_id: branch.id, type: EndpointType.ReadWrite },
    })
    expect(made.endpoint.id).not.toBe(endpoint.id)
  })

  test('api-client: restore', async () => {
    const { client, platform } = suite()
    const { data: restored } = await client.restoreProjectBranch(...ids(), {
      source_branch_id: branch.parent_id ?? '',
      preserve_under_name: 'walk-old',
    })
    expect(restored.branch.id).toBe(branch.id)
    await finished(restored.operations)
    const { data } = await client.listProjectBranches({ projectId: platform.projectId })
    expect(data.branches.map(({ name }) => name)).toContain('walk-old')
  })

  test('api-client: anonymized branches', async () => {
    const { client, platform } = suite()
    const { projectId } = platform
    await psql(
      platform.connectionUri,
      `CREATE TABLE secrets AS SELECT n, 'secret ' || n AS what FROM generate_series(1, 5000) n`,
    )
    const { data: made } = await client.createProjectBranchAnonymized(projectId, {
      branch_create: {
        branch: { name: 'masked' },
        endpoints: [{ type: EndpointType.ReadWrite }],
      },
    })
    const branchId = made.branch.id
    const rule = {
      database_name: 'neondb',
      schema_name: 'public',
      table_name: 'secrets',
      column_name: 'what',
      masking_function: 'anon.hash(what)',
    }
    await client.updateMaskingRules(projectId, branchId, { masking_rules: [rule] })
    const { data: rules } = await client.getMaskingRules(projectId, branchId)
    expect(rules.masking_rules).toEqual([rule])
    await client.startAnonymization(projectId, branchId)
    await until(async () => {
      const { data } = await client.getAnonymizedBranchStatus(projectId, branchId)
      return data.state === 'anonymized'
    }, 'the branch is anonymized')
    const { data: uri } = await client.getConnectionUri({
      projectId,
      branch_id: branchId,
      database_name: 'neondb',
      role_name: 'neondb_owner',
    })
    const found = `SELECT count(*), count(DISTINCT what), max(length(what)), min(n) FROM secrets`
    expect(await psql(uri.uri, found)).toBe('5000|5000|64|1')
    await psql(platform.connectionUri, 'DROP TABLE secrets')
    await client.deleteProjectBranch({ projectId, branchId })
  })

  test('api-client: snapshots', async () => {
    const { client, platform } = suite()
    const { projectId } = platform
    const branchId = branch.parent_id ?? ''
    const { data: made } = await client.createSnapshot({ projectId, branchId, name: 'kept' })
    await finished(made.operations)
    const { data: listed } = await client.listSnapshots(projectId)
    expect(listed.snapshots.map(({ name }) => name)).toContain('kept')
    await client.updateSnapshot(projectId, made.snapshot.id, { snapshot: { name: 'still kept' } })
    const { data: restored } = await client.restoreSnapshot(
      { projectId, snapshotId: made.snapshot.id },
      { name: 'of-snapshot', target_branch_id: branch.id },
    )
    await finished(restored.operations)
    await client.finalizeRestoreBranch(projectId, restored.branch.id)
    await client.deleteSnapshot(projectId, made.snapshot.id)
    const schedule = [{ frequency: 'daily', hour: 3, retention_seconds: 86_400 }]
    await client.setSnapshotSchedule(projectId, branchId, { schedule })
    const { data: set } = await client.getSnapshotSchedule(projectId, branchId)
    expect(set.schedule).toMatchObject(schedule)
  })

  test('api-client: schemas', async () => {
    const { client, platform } = suite()
    const { projectId } = platform
    const { data: schema } = await client.getProjectBranchSchema({
      projectId,
      branchId: branch.id,
      db_name: 'neondb',
    })
    expect(schema.sql).toContain('pg_stat_statements')
    const { data: comparison } = await client.getProjectBranchSchemaComparison({
      projectId,
      branchId: branch.id,
      base_branch_id: branch.parent_id ?? '',
      db_name: 'neondb',
    })
    expect(comparison).toHaveProperty('diff')
  })

  test('api-client: what was used', async () => {
    const { client, platform } = suite()
    const hour = 3_600_000
    const now = Math.ceil(Date.now() / hour) * hour
    const query = {
      from: new Date(now - 24 * hour).toISOString(),
      to: new Date(now).toISOString(),
      granularity: ConsumptionHistoryGranularity.Hourly,
      project_ids: [platform.projectId],
    }
    const { data: history } = await client.getConsumptionHistoryPerProject(query)
    expect(history.projects.map(({ project_id }) => project_id)).toEqual([platform.projectId])
    const { data: organizations } = await client.getCurrentUserOrganizations()
    const metrics = {
      ...query,
      org_id: organizations.organizations[0]?.id ?? '',
      metrics: ['compute_unit_seconds' as const],
    }
    await client.getConsumptionHistoryPerProjectV2(metrics)
    await client.getConsumptionHistoryPerBranchV2({ ...metrics, project_ids: [platform.projectId] })
  })

  test('api-client: the organization', async () => {
    const { client } = suite()
    const { data: found } = await client.getCurrentUserOrganizations()
    const orgId = found.organizations[0]?.id ?? ''
    const { data: organization } = await client.getOrganization(orgId)
    expect(organization.id).toBe(orgId)
    const { data: key } = await client.createOrgApiKey(orgId, { key_name: 'of all' })
    const { data: keys } = await client.listOrgApiKeys(orgId)
    expect(keys.map(({ id }) => id)).toContain(key.id)
    await client.revokeOrgApiKey(orgId, key.id)
    const { data: members } = await client.getOrganizationMembers({ orgId })
    await client.getOrganizationMember(orgId, members.members[0]?.member.id ?? '')
    await client.getOrganizationInvitations(orgId)
  })

  test('api-client: who may see a project, and how', async () => {
    const { client, platform } = suite()
    const { projectId } = platform
    await client.listProjectPermissions(projectId)
    await client.getAvailablePreloadLibraries(projectId)
    const { data: added } = await client.addProjectJwks(projectId, {
      jwks_url: 'https://tokens.example.com/jwks.json',
      provider_name: 'example',
    })
    const { data: sets } = await client.getProjectJwks(projectId)
    expect(sets.jwks.map(({ id }) => id)).toEqual([added.jwks.id])
    await client.deleteProjectJwks(projectId, added.jwks.id)
  })
}

/** Of what an answer holds if it is right; a list that is empty fails the test that goes on with it. */
export function assertFound<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not in the answer')
  return value
}
