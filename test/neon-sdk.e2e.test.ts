import { routes } from '@coppice/api'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { checkSection, renderTable } from './compatibility-document.ts'
import { landed } from './landed.ts'
import { reasons, reasonsByTag } from './neon-sdk/absent.ts'
import { apiClientTests, connectApiClient, type SdkSuite } from './neon-sdk/api-client.ts'
import { neonActionTests } from './neon-sdk/neon-actions.ts'
import { type ApiOperation, type NeonApi, readNeonApi } from './neon-sdk/openapi.ts'
import { createRecorder } from './neon-sdk/recorder.ts'
import { sdkTests } from './neon-sdk/sdk.ts'
import { startTestPlatform } from './platform.ts'

/**
 * Neon's own clients against Coppice: `@neondatabase/api-client` and `@neon/sdk`. Every answer is compared
 * with Neon's published document, and which calls were answered is the table of routes in
 * docs/compatibility.md.
 */
let suite: SdkSuite | undefined
let api: NeonApi

function started(): SdkSuite {
  if (suite === undefined) throw new Error('the platform runs only within tests')
  return suite
}

beforeAll(async () => {
  api = await readNeonApi()
  const platform = await startTestPlatform()
  const recorder = createRecorder(api, platform.apiUrl)
  suite = { platform, recorder, client: connectApiClient(platform, recorder) }
})

afterAll(async () => {
  await suite?.platform.remove()
})

apiClientTests(started)
sdkTests(started)
neonActionTests(started)

test.runIf(landed.account)('answers are as Neon documents them', () => {
  expect(started().recorder.answered.size).toBeGreaterThan(40)
  expect([...new Set(started().recorder.mismatches)]).toEqual([])
})

/** The contract's calls in the spelling of Neon's document, and what they do. */
const ownCalls = new Map(
  Object.values(routes).map(({ method, url, summary }) => [
    `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`,
    summary,
  ]),
)

test('what is not here says so, in a way that clients understand', async () => {
  const { platform } = started()
  const absent = api.operations.filter(({ call }) => !ownCalls.has(call))
  expect(absent.length).toBeGreaterThan(0)
  await Promise.all(
    absent.map(async ({ call }) => {
      const [method = '', template = ''] = call.split(' ')
      const path = template
        .replace('{project_id}', platform.projectId)
        .replaceAll(/\{\w+\}/g, 'one-that-is-not')
      const response = await fetch(platform.apiUrl + path, {
        method,
        headers: { authorization: `Bearer ${platform.apiKey}` },
      })
      expect({ call, status: response.status, body: await response.json() }).toMatchObject({
        call,
        status: 404,
        body: { message: 'this route does not exist' },
      })
    }),
  )
})

test('docs/compatibility.md says of every route whether it is here', async () => {
  const { answered } = started().recorder
  const neons = new Set(api.operations.map(({ call }) => call))
  const reasonOf = ({ id, tag }: ApiOperation): string => reasons[id] ?? reasonsByTag[tag] ?? ''
  // Each is called by the tests above, or it is said why not; not both.
  const unexplained = api.operations.filter(
    (operation) => !answered.has(operation.call) && reasonOf(operation) === '',
  )
  expect(unexplained.map(({ id }) => id)).toEqual([])
  const outdated = api.operations.filter(({ id, call }) => answered.has(call) && id in reasons)
  expect(outdated.map(({ id }) => id)).toEqual([])

  const rows = api.operations.map((operation) => [
    `\`${operation.call}\``,
    answered.has(operation.call) ? 'yes' : 'no',
    answered.has(operation.call) ? '' : reasonOf(operation),
  ])
  await checkSection('routes', renderTable(['route', 'works', 'what is missing'], rows))
  const own = [...ownCalls].filter(([call]) => !neons.has(call))
  await checkSection(
    'own-routes',
    renderTable(
      ['route', 'what it does'],
      own.map(([call, summary]) => [`\`${call}\``, summary]),
    ),
  )
})
