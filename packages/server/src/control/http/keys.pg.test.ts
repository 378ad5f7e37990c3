import { createClient } from '@coppice/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createControlPlane } from '../../program/control-plane.ts'
import { startTestControl, type TestControl } from '../../testing/control.ts'
import { TimeTravel } from '../time-travel.ts'

/** The three kinds of API keys, over HTTP. What each reaches, route by route, is in auth.test.ts. */
let control: TestControl
let mine: string
let other: string
const org_id = 'org-coppice'

beforeAll(async () => {
  control = await startTestControl()
  const make = async (name: string) =>
    (await control.client.createProject({ body: { project: { name } } })).project.id
  mine = await make('mine')
  other = await make('other')
})
afterAll(async () => control?.close())

async function makeKey(project_id?: string) {
  const body = { key_name: 'ci', ...(project_id && { project_id }) }
  const made = await control.client.createOrgApiKey({ path: { org_id }, body })
  return { made, client: createClient({ baseUrl: control.apiUrl, apiKey: made.key }) }
}

const outside = (message: string) => ({
  status: 404,
  code: 'outside_key_scope',
  message: expect.stringContaining(message),
})

describe('a key of the organization', () => {
  test('makes and lists projects, and is nobody', async () => {
    const { made, client } = await makeKey()
    expect(made).not.toHaveProperty('project_id')
    expect((await client.listProjects({ query: { org_id } })).projects).toHaveLength(2)
    await expect(client.getCurrentUserInfo({})).rejects.toMatchObject(
      outside('not allowed for organization API keys'),
    )
    expect(await client.getAuthDetails({})).toEqual({
      account_id: org_id,
      auth_method: 'api_key_org',
      auth_data: String(made.id),
    })
    const { organizations } = await client.getCurrentUserOrganizations({})
    expect(organizations.map(({ id }) => id)).toEqual([org_id])
  })

  test('is listed apart from those of the owner, without the key, and revoked at once', async () => {
    const { made, client } = await makeKey()
    const listed = await control.client.listOrgApiKeys({ path: { org_id } })
    expect(listed.map(({ id }) => id)).toContain(made.id)
    expect(JSON.stringify(listed)).not.toContain(made.key)
    expect((await control.client.listApiKeys({})).map(({ id }) => id)).not.toContain(made.id)
    const asOwners = control.client.revokeApiKey({ path: { key_id: made.id } })
    await expect(asOwners).rejects.toMatchObject({ code: 'api_key_not_found' })
    const path = { org_id, key_id: made.id }
    expect(await control.client.revokeOrgApiKey({ path })).toMatchObject({ revoked: true })
    await expect(client.getAuthDetails({})).rejects.toMatchObject({ status: 401 })
  })
})

describe('a key for one project', () => {
  test('lists that project alone and works in it', async () => {
    const { made, client } = await makeKey(mine)
    expect(made.project_id).toBe(mine)
    const { projects } = await client.listProjects({ query: {} })
    expect(projects.map(({ id }) => id)).toEqual([mine])
    for (const cursor of [other, 'no-such-project']) {
      await expect(client.listProjects({ query: { cursor } })).rejects.toMatchObject({
        status: 400,
      })
    }
    const path = { project_id: mine }
    const branch = { name: 'by-key' }
    await client.createProjectBranch({ path, body: { branch } })
    await client.deleteProjectBranch({ path: { ...path, branch_id: 'by-key' }, query: {} })
    const listed = await control.client.listOrgApiKeys({ path: { org_id } })
    expect(listed.find(({ id }) => id === made.id)).toMatchObject({ project_id: mine })
  })

  test('is kept out of others, of keys, and from deleting its own', async () => {
    const { client } = await makeKey(mine)
    const said = outside(
      `not allowed to perform actions outside the project this key is scoped to; subject_project_id:"${mine}"`,
    )
    const refused = [
      async () => client.getProject({ path: { project_id: other } }),
      async () => client.getProject({ path: { project_id: 'no-such-project' } }),
      async () => client.createProject({ body: { project: {} } }),
      async () => client.createOrgApiKey({ path: { org_id }, body: { key_name: 'more' } }),
      async () => client.getPlatformStatus({}),
      async () => client.getPlatformPool({}),
      async () => client.getPlatformChecks({}),
    ]
    for (const ask of refused) await expect(ask()).rejects.toMatchObject(said)
    await expect(
      client.deleteProject({ path: { project_id: mine }, query: {} }),
    ).rejects.toMatchObject({ status: 403, code: 'not_permitted' })
  })

  test('ends with its project', async () => {
    const { project } = await control.client.createProject({ body: { project: {} } })
    const { client } = await makeKey(project.id)
    const path = { project_id: project.id }
    await control.client.deleteProject({ path, query: {} })
    await expect(client.getProject({ path })).rejects.toMatchObject({ code: 'project_not_found' })
    expect((await client.listProjects({ query: {} })).projects).toEqual([])
    await control.client.recoverProject({ path })
    expect((await client.getProject({ path })).project.id).toBe(project.id)
    await control.client.deleteProject({ path, query: { hard_delete: true } })
    await expect(client.getAuthDetails({})).rejects.toMatchObject({ status: 401 })
  })

  test('does not open the console of the pooler, which the others do', async () => {
    const { context, apiKey } = control
    const controlPlane = createControlPlane({ ...context, timeTravel: new TimeTravel(context) })
    expect(await controlPlane.isAdminKey((await makeKey(mine)).made.key)).toBe(false)
    expect(await controlPlane.isAdminKey((await makeKey()).made.key)).toBe(true)
    expect(await controlPlane.isAdminKey(apiKey)).toBe(true)
  })

  test('is not made for a project that does not exist, nor by another organization', async () => {
    await expect(makeKey('no-such-project')).rejects.toMatchObject({ code: 'project_not_found' })
    const body = { key_name: 'ci' }
    const path = { org_id: 'org-somebody-else' }
    await expect(control.client.createOrgApiKey({ path, body })).rejects.toMatchObject({
      status: 404,
      code: 'org_not_found',
    })
  })
})

test('the one member of the organization is the owner', async () => {
  const { client } = control
  const path = { org_id }
  const { members } = await client.getOrganizationMembers({ path, query: {} })
  const { id, email } = await client.getCurrentUserInfo({})
  expect(members).toMatchObject([{ member: { user_id: id, role: 'admin' }, user: { email } }])
  const member_id = members[0]?.member.id ?? ''
  expect(await client.getOrganizationMember({ path: { org_id, member_id } })).toEqual(
    members[0]?.member,
  )
  await expect(
    client.getOrganizationMember({ path: { org_id, member_id: crypto.randomUUID() } }),
  ).rejects.toMatchObject({ code: 'member_not_found' })
})

test('another organization is told apart, and not an empty list of projects', async () => {
  const org = 'org-somebody-else'
  const said = { status: 404, code: 'org_not_found' }
  const { client } = control
  await expect(client.listProjects({ query: { org_id: org } })).rejects.toMatchObject(said)
  await expect(client.createProject({ body: { project: { org_id: org } } })).rejects.toMatchObject(
    said,
  )
})
