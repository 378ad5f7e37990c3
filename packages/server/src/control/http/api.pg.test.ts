import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { AppError } from '../../lib/errors.ts'
import { notAsked, startTestControl, type TestControl } from '../../testing/control.ts'
import { syncCatalog } from '../catalog-sync.ts'
import { TimeTravel } from '../time-travel.ts'
import { createHandlers } from './handlers.ts'
import { createHttpServer } from './server.ts'

/** The API against a real store and real computes: what it makes, and what it refuses. */
let control: TestControl
let project_id: string
let mainId: string

beforeAll(async () => {
  control = await startTestControl()
  const made = await control.client.createProject({ body: { project: { name: 'shop' } } })
  project_id = made.project.id
  mainId = made.branch.id
})

afterAll(async () => {
  await control?.close()
})

interface Answer {
  status: number
  body: { code?: string; message?: string; request_id?: string } & Record<string, unknown>
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(control.apiUrl + path, {
    method,
    headers: {
      authorization: `Bearer ${control.apiKey}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) }
}

const branches = (): string => `/projects/${project_id}/branches`

describe('a project', () => {
  test('is made with branch main, database neondb and its owner, and a compute', async () => {
    const { branches: list } = await control.client.listProjectBranches({
      path: { project_id },
      query: {},
    })
    expect(list).toMatchObject([{ name: 'main', default: true, current_state: 'ready' }])
    const { endpoints } = await control.client.listProjectEndpoints({ path: { project_id } })
    expect(endpoints).toMatchObject([{ type: 'read_write', branch_id: mainId }])
    expect(endpoints[0]?.host).toBe(`${endpoints[0]?.id}.coppice.localhost`)
    const path = { project_id, branch_id: 'main' }
    const { roles } = await control.client.listProjectBranchRoles({ path })
    expect(roles.map((role) => role.name)).toEqual(['neondb_owner'])
    const { databases } = await control.client.listProjectBranchDatabases({ path })
    expect(databases).toMatchObject([{ name: 'neondb', owner_name: 'neondb_owner' }])
  })

  test('is listed with the sizes of its databases', async () => {
    await control.client.listProjectBranchDatabases({ path: { project_id, branch_id: 'main' } })
    const { projects } = await control.client.listProjects({ query: {} })
    expect(projects[0]?.databases).toMatchObject([{ name: 'neondb', branch_id: mainId }])
    expect(projects[0]?.databases?.[0]?.size_bytes).toBeGreaterThan(1_000_000)
  })

  test('is deleted, hidden, recovered, and pages', async () => {
    const made = await control.client.createProject({ body: { project: { name: 'passing' } } })
    const id = made.project.id
    const first = await control.client.listProjects({ query: { limit: 1 } })
    expect(first.projects).toHaveLength(1)
    const second = await control.client.listProjects({
      query: { limit: 1, cursor: first.pagination?.cursor ?? '' },
    })
    expect(second.projects.map((project) => project.id)).toEqual([id])
    const { project } = await control.client.deleteProject({
      path: { project_id: id },
      query: {},
    })
    expect(Date.parse(project.recoverable_until ?? '')).toBeGreaterThan(Date.now())
    expect((await call('GET', `/projects/${id}`)).body.message).toContain('recover')
    for (const [method, path] of [
      ['GET', 'branches/main'],
      ['DELETE', 'branches/main'],
      ['GET', `endpoints/${made.endpoints[0]?.id}`],
    ] as const) {
      const answer = await call(method, `/projects/${id}/${path}`)
      expect(answer).toMatchObject({ status: 404, body: { code: 'project_not_found' } })
    }
    const deleted = await control.client.listProjects({ query: { recoverable: true } })
    expect(deleted.projects.map((one) => one.id)).toEqual([id])
    await control.client.recoverProject({ path: { project_id: id } })
    const { endpoints } = await control.client.listProjectEndpoints({ path: { project_id: id } })
    const endpoint_id = endpoints[0]?.id ?? ''
    const started = await control.client.startProjectEndpoint({
      path: { project_id: id, endpoint_id },
    })
    expect(started.endpoint.current_state).toBe('active')
    await control.client.deleteProject({ path: { project_id: id }, query: { hard_delete: true } })
    expect((await call('POST', `/projects/${id}/recover`)).status).toBe(404)
  })

  test('that is given no name has its id for one', async () => {
    const { project } = await control.client.createProject({ body: { project: {} } })
    expect(project.name).toBe(project.id)
    await control.client.deleteProject({
      path: { project_id: project.id },
      query: { hard_delete: true },
    })
  })

  test('takes the autoscale_limit of the mission and hands it to new endpoints', async () => {
    const { project } = await control.client.updateProject({
      path: { project_id },
      body: { project: { autoscale_limit: 0.5 } },
    })
    expect(project.default_endpoint_settings).toMatchObject({ autoscaling_limit_max_cu: 0.5 })
    const made = await control.client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'small' }, endpoints: [{ type: 'read_write' }] },
    })
    expect(made.endpoints).toMatchObject([
      { autoscaling_limit_min_cu: 0.25, autoscaling_limit_max_cu: 0.5 },
    ])
  })
})

describe('a branch', () => {
  test('copies roles and databases, and carries a connection string', async () => {
    const made = await control.client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'feature/a b' }, endpoints: [{ type: 'read_write' }] },
    })
    expect(made.branch).toMatchObject({ parent_id: mainId, default: false })
    expect(made.branch.parent_lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/)
    expect(made.roles.map((role) => role.name)).toEqual(['neondb_owner'])
    expect(made.connection_uris?.[0]?.connection_uri).toContain(made.endpoints[0]?.id)
    expect(made.operations.map((operation) => operation.action)).toEqual([
      'create_branch',
      'start_compute',
    ])
    const byName = await control.client.getProjectBranch({
      path: { project_id, branch_id: 'feature/a b' },
    })
    expect(byName.branch.id).toBe(made.branch.id)
  })

  test('is of the default branch where its parent is the empty text', async () => {
    const answer = await call('POST', branches(), { branch: { name: 'orphan', parent_id: '' } })
    expect(answer).toMatchObject({ status: 201, body: { branch: { parent_id: mainId } } })
  })

  test('is named by us when it is given no body', async () => {
    const answer = await call('POST', branches())
    expect(answer.status).toBe(201)
    expect(answer.body['branch']).toMatchObject({ name: expect.stringMatching(/^\w+-\w+-\w{4}$/) })
  })

  test('is renamed, sorted, searched and paged', async () => {
    await call('POST', branches(), { branch: { name: 'zeta' } })
    const renamed = await call('PATCH', `${branches()}/zeta`, { branch: { name: 'alpha' } })
    expect(renamed.body['branch']).toMatchObject({ name: 'alpha' })
    const names: string[] = []
    let cursor: string | undefined
    do {
      const page = await control.client.listProjectBranches({
        path: { project_id },
        query: { sort_by: 'name', sort_order: 'asc', limit: 2, ...(cursor && { cursor }) },
      })
      names.push(...page.branches.map((branch) => branch.name))
      cursor = page.pagination.next
    } while (cursor !== undefined)
    expect(names.length).toBeGreaterThan(2)
    expect(new Set(names).size).toBe(names.length)
    const { count } = await control.client.countProjectBranches({
      path: { project_id },
      query: { search: 'alph' },
    })
    expect(count).toBe(1)
  })

  test.for(['asc', 'desc'] as const)(
    'is listed once, page by page, also where several changed in one transaction (%s)',
    async (sort_order) => {
      for (const branch of ['alpha', 'main'])
        await call('POST', `${branches()}/${branch}/set_as_default`)
      const listed = async (limit: number, cursor?: string): Promise<string[]> => {
        const query = { sort_order, limit, ...(cursor && { cursor }) }
        const page = await control.client.listProjectBranches({ path: { project_id }, query })
        const names = page.branches.map((branch) => branch.name)
        const { next } = page.pagination
        return next === undefined ? names : [...names, ...(await listed(limit, next))]
      }
      expect(await listed(1)).toEqual(await listed(1000))
    },
  )

  test('keeps what its creator noted on it', async () => {
    const annotation_value = { 'vercel-commit-ref': 'main', pull: '42' }
    const { branch } = await control.client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'noted' }, annotation_value },
    })
    const noted = { object: { type: 'console/branch', id: branch.id }, value: annotation_value }
    const path = { project_id, branch_id: branch.id }
    expect((await control.client.getProjectBranch({ path })).annotation).toMatchObject(noted)
    const { annotations } = await control.client.listProjectBranches({
      path: { project_id },
      query: {},
    })
    expect(annotations).toEqual({ [branch.id]: expect.objectContaining(noted) })
    const plain = await control.client.getProjectBranch({ path: { project_id, branch_id: 'main' } })
    expect(plain.annotation.value).toEqual({})
  })

  test('is deleted and recovered by name', async () => {
    await call('POST', branches(), {
      branch: { name: 'brief' },
      endpoints: [{ type: 'read_write' }],
    })
    const gone = await call('DELETE', `${branches()}/brief`)
    expect(gone.body['branch']).toMatchObject({ recovery: { deletion_method: 'user' } })
    expect((await call('GET', `${branches()}/brief`)).status).toBe(404)
    await call('POST', branches(), { branch: { name: 'brief' } })
    expect(
      (await call('POST', `${branches()}/${(gone.body['branch'] as { id: string }).id}/recover`))
        .body.code,
    ).toBe('branch_exists')
    expect((await call('DELETE', `${branches()}/brief?hard_delete=true`)).status).toBe(200)
    expect((await call('DELETE', `${branches()}/brief`)).status).toBe(204)
    expect((await call('POST', `${branches()}/brief/recover`)).status).toBe(200)
    expect((await call('GET', `${branches()}/brief`)).status).toBe(200)
  })

  test('of a moment that cannot be reached is refused with the reason', async () => {
    for (const branch of [{ parent_lsn: '0/1' }, { parent_timestamp: '2026-01-01T00:00:00Z' }]) {
      const answer = await call('POST', branches(), { branch })
      expect(answer).toMatchObject({ status: 422, body: { code: 'outside_history' } })
    }
  })
})

describe('bad input changes nothing and says what to do', () => {
  const long = 'x'.repeat(257)
  test.for<[string, string, unknown, number, string]>([
    ['POST', '', { branch: { name: '' } }, 400, 'invalid_request'],
    ['POST', '', { branch: { name: '   ' } }, 400, 'invalid_request'],
    ['POST', '', { branch: { name: long } }, 400, 'invalid_request'],
    ['POST', '', { branch: { name: 'nul\u0000' } }, 400, 'invalid_request'],
    ['POST', '', { branch: { name: 'br-looks-like-1d' } }, 400, 'invalid_request'],
    ['POST', '', { branch: { name: 'main' } }, 409, 'branch_exists'],
    ['POST', '', { branch: { parent_id: 'br-no-such-branch1' } }, 404, 'branch_not_found'],
    ['POST', '', { branch: { name: 7 } }, 400, 'invalid_request'],
    ['POST', '', '{"branch":', 400, 'invalid_request'],
    [
      'POST',
      '',
      { endpoints: [{ type: 'read_write' }, { type: 'read_write' }] },
      400,
      'invalid_request',
    ],
    [
      'POST',
      '',
      { endpoints: [{ type: 'read_write', autoscaling_limit_max_cu: 0.3 }] },
      400,
      'invalid_request',
    ],
    [
      'POST',
      '',
      {
        endpoints: [
          { type: 'read_write', autoscaling_limit_min_cu: 4, autoscaling_limit_max_cu: 1 },
        ],
      },
      400,
      'invalid_request',
    ],
    [
      'POST',
      '',
      { endpoints: [{ type: 'read_write', settings: { pg_settings: { archive_command: 'id' } } }] },
      400,
      'invalid_request',
    ],
    ['POST', '', { branch: { expires_at: '2020-01-01T00:00:00Z' } }, 400, 'invalid_request'],
    [
      'PATCH',
      '/main',
      { branch: { expires_at: new Date(Date.now() + 86_400_000).toISOString() } },
      422,
      'branch_is_default',
    ],
    ['PATCH', '/nowhere', { branch: { name: 'x' } }, 404, 'branch_not_found'],
    ['DELETE', '/main', undefined, 422, 'branch_is_default'],
    ['POST', '/nowhere/set_as_default', undefined, 404, 'branch_not_found'],
    ['GET', '?cursor=nonsense', undefined, 400, 'invalid_request'],
    ['GET', '?limit=0', undefined, 400, 'invalid_request'],
    ['POST', '/main/roles', { role: { name: 'cloud_admin' } }, 400, 'invalid_request'],
    ['POST', '/main/roles', { role: { name: 'pg_evil' } }, 400, 'invalid_request'],
    ['POST', '/main/roles', { role: { name: 'r'.repeat(64) } }, 400, 'invalid_request'],
    ['POST', '/main/roles', { role: { name: 'neondb_owner' } }, 409, 'role_exists'],
    ['DELETE', '/main/roles/neondb_owner', undefined, 422, 'role_owns_objects'],
    ['GET', '/main/roles/nobody/reveal_password', undefined, 404, 'role_not_found'],
    [
      'POST',
      '/main/databases',
      { database: { name: 'neondb', owner_name: 'neondb_owner' } },
      409,
      'database_exists',
    ],
    [
      'POST',
      '/main/databases',
      { database: { name: 'd', owner_name: 'nobody' } },
      404,
      'role_not_found',
    ],
    [
      'POST',
      '/main/databases',
      { database: { name: 'template0', owner_name: 'neondb_owner' } },
      400,
      'invalid_request',
    ],
  ])('%s branches%s %j → %i %s', async ([method, path, body, status, code]) => {
    const before = await snapshot()
    const answer = await call(method, branches() + path, body)
    expect(answer).toMatchObject({ status, body: { code, request_id: expect.any(String) } })
    expect(answer.body.message?.length).toBeGreaterThan(10)
    expect(await snapshot()).toEqual(before)
  })

  test('a parent with children cannot be deleted', async () => {
    await call('POST', branches(), { branch: { name: 'parent' } })
    const parent = await control.client.getProjectBranch({
      path: { project_id, branch_id: 'parent' },
    })
    await call('POST', branches(), { branch: { name: 'child', parent_id: parent.branch.id } })
    const refused = await call('DELETE', `${branches()}/parent`)
    expect(refused).toMatchObject({ status: 422, body: { code: 'branch_has_children' } })
    expect(refused.body.message).toContain('child')
    await call('DELETE', `${branches()}/child`)
    expect((await call('DELETE', `${branches()}/parent`)).status).toBe(200)
    const orphan = await call('POST', branches(), { branch: { parent_id: parent.branch.id } })
    expect(orphan).toMatchObject({ status: 404, body: { code: 'branch_not_found' } })
  })

  test('a protected branch cannot be deleted', async () => {
    await call('POST', branches(), { branch: { name: 'guarded', protected: true } })
    const refused = await call('DELETE', `${branches()}/guarded`)
    expect(refused.body.code).toBe('branch_is_protected')
  })

  async function snapshot(): Promise<unknown> {
    const { context } = control
    const [counts] = await context.store`
      select (select count(*) from branches) b, (select count(*) from endpoints) e,
        (select count(*) from roles) r, (select count(*) from databases) d,
        (select count(*) from operations where status in ('scheduling', 'running')) o`
    return { counts, volumes: await context.volumes.list() }
  }
})

describe('keys', () => {
  test.for([
    ['none', ''],
    ['a wrong one', 'Bearer coppice_wrongwrongwrong'],
    ['another scheme', 'Basic b3duZXI6cHc='],
  ])('%s is answered 401', async ([, authorization]) => {
    const answer = await call('GET', '/projects', undefined, { authorization: authorization ?? '' })
    expect(answer).toMatchObject({ status: 401, body: { code: 'not_authenticated' } })
  })

  test('of the owner are for every project, and no other is made of one that was asked for', async () => {
    const body = { key_name: 'one', project_id }
    const answer = await call('POST', '/api_keys', body)
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect((await control.client.listApiKeys({})).map(({ name }) => name)).not.toContain('one')
  })

  test('are made, used, listed without the key, and revoked at once', async () => {
    const made = await control.client.createApiKey({ body: { key_name: 'ci' } })
    const headers = { authorization: `Bearer ${made.key}` }
    expect((await call('GET', '/users/me', undefined, headers)).status).toBe(200)
    const listed = await control.client.listApiKeys({})
    expect(JSON.stringify(listed)).not.toContain(made.key)
    expect(listed.find((key) => key.id === made.id)?.last_used_from_addr).toBe('127.0.0.1')
    await control.client.revokeApiKey({ path: { key_id: made.id } })
    expect((await call('GET', '/users/me', undefined, headers)).status).toBe(401)
  })
})

describe('roles and databases', () => {
  const path = (): { project_id: string; branch_id: string } => ({ project_id, branch_id: 'main' })

  test('a role is made, revealed, reset and dropped', async () => {
    const made = await control.client.createProjectBranchRole({
      path: path(),
      body: { role: { name: 'app "user"' } },
    })
    const named = { ...path(), role_name: 'app "user"' }
    expect(await control.client.getProjectBranchRolePassword({ path: named })).toEqual({
      password: made.role.password,
    })
    const reset = await control.client.resetProjectBranchRolePassword({ path: named })
    expect(reset.role.password).not.toBe(made.role.password)
    await control.client.deleteProjectBranchRole({ path: named })
    expect((await call('GET', `${branches()}/main/roles/app%20%22user%22`)).status).toBe(404)
  })

  test('roles and databases made by SQL are listed; a password set by SQL is not revealed', async () => {
    const { endpoints } = await control.client.listProjectBranchEndpoints({ path: path() })
    const compute = control.context.host.get(endpoints[0]?.id ?? '')
    await compute?.withSuperuser('postgres', async (sql) => {
      await sql`create role by_sql login in role neon_superuser`
      await sql`create database sql_made owner by_sql`
      await sql.unsafe(`alter role neondb_owner password 'changed by sql, long enough'`)
    })
    const { roles } = await control.client.listProjectBranchRoles({ path: path() })
    expect(roles.map((role) => role.name)).toContain('by_sql')
    const { databases } = await control.client.listProjectBranchDatabases({ path: path() })
    expect(databases).toContainEqual(
      expect.objectContaining({ name: 'sql_made', owner_name: 'by_sql' }),
    )
    const hidden = await call('GET', `${branches()}/main/roles/neondb_owner/reveal_password`)
    expect(hidden).toMatchObject({ status: 412, body: { code: 'password_not_stored' } })
    await control.client.resetProjectBranchRolePassword({
      path: { ...path(), role_name: 'neondb_owner' },
    })
    const shown = await call('GET', `${branches()}/main/roles/neondb_owner/reveal_password`)
    expect(shown.status).toBe(200)
  })

  test('a database is made, renamed, given another owner and dropped', async () => {
    await control.client.createProjectBranchDatabase({
      path: path(),
      body: { database: { name: 'stock', owner_name: 'neondb_owner' } },
    })
    const renamed = await control.client.updateProjectBranchDatabase({
      path: { ...path(), database_name: 'stock' },
      body: { database: { name: 'stock "2"' } },
    })
    expect(renamed.database.name).toBe('stock "2"')
    await control.client.deleteProjectBranchDatabase({
      path: { ...path(), database_name: 'stock "2"' },
    })
    const { databases } = await control.client.listProjectBranchDatabases({ path: path() })
    expect(databases.map((database) => database.name)).not.toContain('stock "2"')
  })
})

describe('JWKS', () => {
  const url = 'https://example.com/.well-known/jwks.json'
  const add = async (body: Record<string, unknown>) =>
    call('POST', `/projects/${project_id}/jwks`, { provider_name: 'Example', ...body })

  test('are added for a project or a branch, listed, and removed', async () => {
    const all = await add({ jwks_url: url, jwt_audience: 'shop', role_names: ['a', 'a', 'b'] })
    expect(all).toMatchObject({
      status: 201,
      body: {
        jwks: { jwks_url: url, jwt_audience: 'shop', role_names: ['a', 'b'] },
        operations: [],
      },
    })
    const { branch } = await control.client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'issued' } },
    })
    const one = await add({ jwks_url: url, branch_id: 'issued' })
    expect(one.body['jwks']).toMatchObject({ branch_id: branch.id })
    const path = { project_id }
    expect((await control.client.getProjectJWKS({ path })).jwks).toHaveLength(2)
    await control.client.deleteProjectBranch({
      path: { project_id, branch_id: branch.id },
      query: { hard_delete: true },
    })
    const { jwks } = await control.client.getProjectJWKS({ path })
    expect(jwks).toHaveLength(1)
    const named = { project_id, jwks_id: jwks[0]?.id ?? '' }
    expect(await control.client.deleteProjectJWKS({ path: named })).toEqual(jwks[0])
    await expect(control.client.deleteProjectJWKS({ path: named })).rejects.toMatchObject({
      code: 'jwks_not_found',
    })
  })

  test.for<[Record<string, unknown>, number, string]>([
    [{ jwks_url: 'http://example.com/jwks' }, 400, 'invalid_request'],
    [{ jwks_url: 'not a url' }, 400, 'invalid_request'],
    [{ jwks_url: 'https://user:secret@example.com/jwks' }, 400, 'invalid_request'],
    [{ jwks_url: url, role_names: ['pg_read_all_data'] }, 400, 'invalid_request'],
    [{ jwks_url: url, branch_id: 'nowhere' }, 404, 'branch_not_found'],
    [{}, 400, 'invalid_request'],
  ])('%j is refused', async ([body, status, code]) => {
    expect(await add(body)).toMatchObject({ status, body: { code } })
  })

  test('are refused twice for the same branch and audience', async () => {
    expect((await add({ jwks_url: url })).status).toBe(201)
    expect(await add({ jwks_url: url })).toMatchObject({
      status: 409,
      body: { code: 'jwks_exists' },
    })
    expect((await add({ jwks_url: url, jwt_audience: 'other' })).status).toBe(201)
  })
})

describe('endpoints and operations', () => {
  test('suspend, start, restart, resize and delete', async () => {
    const made = await control.client.createProjectBranch({
      path: { project_id },
      body: { branch: { name: 'worked' }, endpoints: [{ type: 'read_write' }] },
    })
    const path = { project_id, endpoint_id: made.endpoints[0]?.id ?? '' }
    expect((await control.client.startProjectEndpoint({ path })).endpoint.current_state).toBe(
      'active',
    )
    expect((await control.client.restartProjectEndpoint({ path })).operations).toHaveLength(2)
    expect((await control.client.suspendProjectEndpoint({ path })).endpoint.current_state).toBe(
      'idle',
    )
    const restart = await call(
      'POST',
      `/projects/${project_id}/endpoints/${path.endpoint_id}/restart`,
    )
    expect(restart.status).toBe(400)
    const changed = await control.client.updateProjectEndpoint({
      path,
      body: {
        endpoint: {
          autoscaling_limit_max_cu: 4,
          suspend_timeout_seconds: -1,
          settings: { pg_settings: { work_mem: '8MB' } },
        },
      },
    })
    expect(changed.endpoint).toMatchObject({
      autoscaling_limit_max_cu: 4,
      suspend_timeout_seconds: -1,
    })
    const second = await call('POST', `/projects/${project_id}/endpoints`, {
      endpoint: { branch_id: made.branch.id, type: 'read_write' },
    })
    expect(second.body.code).toBe('endpoint_exists')
    await control.client.deleteProjectEndpoint({ path })
    expect(control.context.host.get(path.endpoint_id)).toBeUndefined()
  })

  test('operations are listed newest first and found by id', async () => {
    const { operations } = await control.client.listProjectOperations({
      path: { project_id },
      query: { limit: 3 },
    })
    expect(operations).toHaveLength(3)
    const times = operations.map((operation) => operation.created_at)
    expect(times).toEqual(times.toSorted().toReversed())
    const [first] = operations
    const found = await control.client.getProjectOperation({
      path: { project_id, operation_id: first?.id ?? '' },
    })
    expect(found.operation.id).toBe(first?.id)
    expect(['finished', 'running', 'failed']).toContain(first?.status)
  })
})

test('a compute that has not started yet does not empty the lists of its branch', async () => {
  const { client, context } = control
  const { branch } = await client.createProjectBranch({ path: { project_id }, body: null })
  const disabled = { branch_id: branch.id, type: 'read_write', disabled: true } as const
  await client.createProjectEndpoint({ path: { project_id }, body: { endpoint: disabled } })
  await syncCatalog(context, branch.id)
  const path = { project_id, branch_id: branch.id }
  const { databases } = await client.listProjectBranchDatabases({ path })
  expect(databases.map(({ name }) => name)).toContain('neondb')
})

describe('the platform', () => {
  test('tells what takes the pool: branches, deleted ones, and volumes that nobody knows', async () => {
    const { client, context } = control
    const path = { project_id }
    const { branch } = await client.createProjectBranch({
      path,
      body: { branch: { name: 'large' } },
    })
    await context.store`
      update branches set logical_size_bytes = 5e9, exclusive_bytes = 3e9 where id = ${branch.id}`
    await context.volumes.create('left-over')
    const { pool } = await client.getPlatformPool({})
    expect(pool.free_bytes).toBeLessThanOrEqual(pool.total_bytes)
    expect(pool.branches[0]).toMatchObject({
      project_name: (await client.getProject({ path })).project.name,
      branch_name: 'large',
      kind: 'branch',
      logical_size_bytes: 5e9,
      exclusive_bytes: 3e9,
    })
    expect(pool.projects[0]).toMatchObject({ project_id, exclusive_bytes: 3e9 })
    expect([pool.exclusive_bytes, pool.unknown_volumes]).toEqual([3e9, ['left-over']])
    await context.volumes.destroy('left-over')
    await client.deleteProjectBranch({ path: { ...path, branch_id: branch.id }, query: {} })
    const after = (await client.getPlatformPool({})).pool
    expect([after.branches[0]?.kind, after.unknown_volumes]).toEqual(['deleted', []])
  })

  test('looks at its machine as `coppice doctor` does', async () => {
    const { checks } = await control.client.getPlatformChecks({})
    expect(checks.find(({ name }) => name === 'PostgreSQL')).toMatchObject({ status: 'ok' })
    expect(checks.map(({ name }) => name)).toContain('Storage pool')
  })
})

describe('requests', () => {
  test('carry their own id into the answer, where it is a plain one', async () => {
    const own = { 'x-request-id': 'my-request_1' }
    expect((await call('GET', '/projects/none', undefined, own)).body.request_id).toBe(
      'my-request_1',
    )
    const odd = { 'x-request-id': 'a b' }
    expect((await call('GET', '/projects/none', undefined, odd)).body.request_id).toMatch(
      /^[\w-]{36}$/,
    )
  })

  test('of type JSON may have no body, where none is required', async () => {
    const headers = { 'content-type': 'application/json' }
    expect((await call('POST', branches(), undefined, headers)).status).toBe(201)
    expect((await call('POST', '/projects', undefined, headers)).body.code).toBe('invalid_request')
  })

  test('of no body are so whatever they call it; a form is refused', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const path = `${branches()}/${mainId}/set_as_default`
    expect(await call('POST', path, undefined, form)).toMatchObject({ status: 200 })
    expect(await call('POST', branches(), 'name=x', form)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', message: expect.stringContaining('send JSON') },
    })
  })

  test('whose URL cannot be read are refused in the same shape', async () => {
    expect(await call('GET', '/projects/%zz')).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', request_id: expect.any(String) },
    })
  })

  test('that are nested without end are refused, also where nothing reads them', async () => {
    const deep = `{"project":{"settings":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_002)}`
    expect(await call('PATCH', `/projects/${project_id}`, deep)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', message: expect.stringContaining('nested') },
    })
  })

  test.for(['project_locked', 'too_many_requests', 'store_unavailable'] as const)(
    'that are refused for now (%s) are told when to come again',
    async (code) => {
      const { context, apiKey } = control
      const handlers = {
        ...createHandlers(context, new TimeTravel(context), notAsked),
        getActiveRegions: async () => Promise.reject(new AppError(code, 'not now')),
      }
      const { store, log } = context
      const { consoleParts } = control
      const app = await createHttpServer({
        store,
        handlers,
        log,
        version: 'test',
        console: consoleParts,
      })
      const headers = { authorization: `Bearer ${apiKey}` }
      const answer = await app.inject({ url: '/api/v2/regions', headers })
      expect([answer.json().code, Number(answer.headers['retry-after'])]).toEqual([
        code,
        expect.toSatisfy((seconds: number) => seconds >= 1 && seconds <= 10),
      ])
      await app.close()
    },
  )
})

test('a route that is not there is answered as Neon does', async () => {
  const answer = await call('GET', `/projects/${project_id}/buckets`)
  expect(answer).toMatchObject({
    status: 404,
    body: { code: '', message: 'this route does not exist' },
  })
})

test('the OpenAPI document names every operation and needs no key', async () => {
  const answer = await call('GET', '/openapi.json', undefined, { authorization: '' })
  expect(answer.status).toBe(200)
  expect(JSON.stringify(answer.body)).toContain('createProjectBranch')
})
