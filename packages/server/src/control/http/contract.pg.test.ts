import { apiBasePath, type Route, type RouteName, routes } from '@coppice/api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { startTestControl, type TestControl } from '../../testing/control.ts'
import { fuzzRuns } from '../../testing/fuzz-runs.ts'
import {
  type Schema,
  type Sources,
  someOf,
  textsOf,
  valuesOf,
} from '../../testing/generate-requests.ts'
import {
  type NeonParameter,
  neonOperations,
  problemsOf,
  resolveReference,
} from '../../testing/neon-document.ts'
import { until } from '../../testing/until.ts'
import { listOpenOperations } from '../store/operations.ts'

/** The API against Neon's published document: which operations there are, and what any request is answered. */
let control: TestControl
/** What there is, by the names of parameters and properties that take it. */
let ids: Record<string, unknown[]>

/** For operations that change what the others need: what may go. */
const expendable: Partial<Record<RouteName, Record<string, unknown[]>>> = {
  deleteProject: { project_id: ['no-such-project-1'] },
  deleteProjectBranch: { branch_id: ['br-no-such-branch1', 'nowhere'] },
  deleteProjectBranchDatabase: { database_name: ['nowhere'] },
  deleteProjectBranchRole: { role_name: ['nobody'] },
  deleteProjectCompute: { compute_id: ['compute-no-such-compute1', 'nowhere'] },
  deleteProjectEndpoint: { endpoint_id: ['ep-no-such-endpoint1'] },
  // The first is the test's own.
  revokeApiKey: { key_id: ['2', '0', '-1', '9007199254740991', '9007199254740993', '1.5', 'x'] },
}

beforeAll(async () => {
  control = await startTestControl()
  const { client } = control
  const { project, branch } = await client.createProject({ body: { project: {} } })
  const path = { project_id: project.id }
  const made = await client.createProjectBranch({
    path,
    body: { branch: { name: 'alpha' }, endpoints: [{ type: 'read_write' }] },
  })
  const bare = await client.createProjectBranch({ path, body: { branch: { name: 'bare' } } })
  const shared = await client.createProjectCompute({ path, body: { compute: { name: 'dev' } } })
  expendable.createProjectEndpoint = { branch_id: [bare.branch.id] }
  ids = {
    project_id: [project.id],
    branch_id: [branch.id, made.branch.id],
    endpoint_id: made.endpoints.map(({ id }) => id),
    compute_id: [shared.compute.id, 'dev'],
    role_name: ['neondb_owner'],
    database_name: ['neondb'],
    db_name: ['neondb'],
    owner_name: ['neondb_owner'],
    org_id: ['org-coppice'],
    operation_id: made.operations.map(({ id }) => id),
    member_id: ['00000000-0000-4000-8000-000000000002'],
    region_id: ['local'],
    parent_id: [branch.id],
    source_branch_id: [branch.id],
    pg_version: [control.context.settings.defaultPgVersion],
    jwks_url: ['https://example.com/jwks', 'https://example.com/other', 'http://example.com/'],
    cursor: [''],
    type: ['read_write'],
    hipaa: [false],
    audit_log_level: [undefined],
    passwordless_access: [false],
    enabled_libraries: [['pg_prewarm'], []],
    ips: [['192.0.2.1'], []],
    provisioner: ['k8s-neonvm', 'k8s-pod'],
  }
})
afterAll(async () => {
  // What a request has started in the background is not torn away from below it.
  await until(async () => (await listOpenOperations(control.context.store)).length === 0, 120_000)
  await control.close()
}, 180_000)

const ours = Object.entries(routes) as [RouteName, Route][]
const ourUrl = (route: Route): string => route.url.replaceAll(/:(\w+)/g, '{$1}')

describe("Neon's document", () => {
  /** Products that are not part of this one, and what one owner has no use for. */
  const notHere = [
    /Auth|DataAPI|Bucket|Storage|AiGateway|Credential|Function/,
    /VPC|SpendingLimit|Advisor|Transfer|transfer/,
    /Consumption/,
    /^(update|remove)OrganizationMember$|^createOrganizationInvitations$/,
    /^revokePermissionFromProject$/,
  ]
  const missing = neonOperations.filter(({ operationId }) => !Object.hasOwn(routes, operationId))

  test('is served under its own methods and URLs', () => {
    const documented = new Map(
      neonOperations.map(({ operationId, method, path }) => [operationId, `${method} ${path}`]),
    )
    const elsewhere = ours.filter(([name, route]) => {
      const place = documented.get(name)
      return place !== undefined && place !== `${route.method} ${ourUrl(route)}`
    })
    expect(elsewhere.map(([name]) => name)).toEqual([])
  })

  test('has nothing that is forgotten here', () => {
    const forgotten = missing.filter(
      ({ operationId }) => !notHere.some((pattern) => pattern.test(operationId)),
    )
    expect(forgotten.map(({ operationId }) => operationId)).toEqual([])
  })

  test.each(missing)(
    '$operationId is answered that the route does not exist',
    async (operation) => {
      const { method, path } = operation
      const url = path.replaceAll(/\{(\w+)\}/g, 'abc')
      const answer = await send(method, url, method === 'GET' ? undefined : '{}')
      expect(answer.status).toBe(404)
      expect(JSON.parse(answer.body)).toMatchObject({
        code: '',
        message: 'this route does not exist',
      })
    },
  )
})

describe('any request is answered as documented, never with a fault:', () => {
  const costly = new Set<RouteName>([
    'createProject',
    'createProjectBranch',
    'createProjectBranchAnonymized',
    'createProjectEndpoint',
    'planSchemaMerge',
    'getPlatformChecks',
  ])

  test.each(ours)('%s', async (name, route) => {
    const known = { ...ids, ...expendable[name] }
    await fc.assert(
      fc.asyncProperty(requestsFor(name, route, known), async ({ url, body }) => {
        const answer = await send(route.method, url, body)
        expect(answer).not.toMatchObject({ status: 500 })
        expect(problemsOf(answer)).toEqual([])
      }),
      {
        ...fuzzRuns(costly.has(name) ? 4 : 15),
        endOnFailure: true,
      },
    )
  })
})

interface GeneratedRequest {
  url: string
  body: string | undefined
}

/** By Neon's document, which its clients are made from, where it has the operation; else by our contract. */
function requestsFor(
  name: RouteName,
  route: Route,
  known: Sources['known'],
): fc.Arbitrary<GeneratedRequest> {
  const operation = neonOperations.find(({ operationId }) => operationId === name)
  const parameters: readonly NeonParameter[] = operation?.parameters ?? ownParameters(route)
  const body = operation ? operation.body : (route.body as Schema | undefined)
  const requests = (isHostile: boolean) => {
    const sources: Sources = { resolve: resolveReference, known, isHostile }
    const texts = (where: (parameter: NeonParameter) => boolean) =>
      Object.fromEntries(
        parameters.filter(where).map((one) => [one.name, textsOf(one.schema, sources, one.name)]),
      )
    return fc.record({
      path: fc.record(texts((one) => one.in === 'path')),
      query: fc.record(texts((one) => one.in === 'query' && one.required === true)),
      more: someOf(texts((one) => one.in === 'query' && one.required !== true)),
      body: body === undefined ? fc.constant(undefined) : bodies(body, sources),
    })
  }
  return fc.oneof(requests(false), requests(true)).map(({ path, query, more, body: text }) => {
    const search = new URLSearchParams({ ...query, ...(more as Record<string, string>) })
    const filled = route.url.replaceAll(/:(\w+)/g, (_, key: string) =>
      encodeSegment(path[key] ?? ''),
    )
    return { url: search.size > 0 ? `${filled}?${search.toString()}` : filled, body: text }
  })
}

function bodies(schema: Schema, sources: Sources): fc.Arbitrary<string | undefined> {
  const sound = valuesOf(schema, sources).map((value) => JSON.stringify(value))
  if (!sources.isHostile) return sound
  const broken = fc.constantFrom('', '{', '[1', '"', '{"a":1}x', '\ud800', undefined)
  return fc.oneof({ weight: 11, arbitrary: sound }, { weight: 1, arbitrary: broken })
}

const ownParameters = (route: Route): NeonParameter[] =>
  (['path', 'query'] as const).flatMap((place) =>
    Object.entries(route[place]?.properties ?? {}).map(([name, schema]) => ({
      name,
      in: place,
      schema: schema as Schema,
    })),
  )

/** A lone surrogate has no percent-encoding, and dots would be taken as directories. */
const encodeSegment = (text: string): string =>
  /^\.{0,2}$/.test(text) ? '%20' : encodeURIComponent(Buffer.from(text).toString())

async function send(method: string, url: string, body: string | undefined) {
  const response = await fetch(control.apiUrl + url, {
    method,
    headers: {
      authorization: `Bearer ${control.apiKey}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body }),
  })
  return { method, url: apiBasePath + url, status: response.status, body: await response.text() }
}
