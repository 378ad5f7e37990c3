import { routes } from '@coppice/api'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { checkSection, renderTable } from './compatibility-document.ts'
import { reasons, reasonsByTag } from './neon-sdk/absent.ts'
import { apiClientTests, connectApiClient, type SdkSuite } from './neon-sdk/api-client.ts'
import { neonActionTests } from './neon-sdk/neon-actions.ts'
import { type ApiOperation, readNeonOperations } from './neon-sdk/openapi.ts'
import { createRecorder } from './neon-sdk/recorder.ts'
import { sdkTests } from './neon-sdk/sdk.ts'
import { startTestPlatform } from './platform.ts'

/**
 * Neon's own clients against Coppice: `@neondatabase/api-client` and `@neon/sdk`. Which of the operations of
 * Neon's published document were answered is the table of routes in docs/compatibility.md.
 */
let suite: SdkSuite | undefined
let operations: ApiOperation[]

function started(): SdkSuite {
  if (suite === undefined) throw new Error('the platform runs only within tests')
  return suite
}

beforeAll(async () => {
  operations = await readNeonOperations()
  const platform = await startTestPlatform()
  const recorder = createRecorder(operations, platform.apiUrl)
  suite = { platform, recorder, client: connectApiClient(platform, recorder) }
})

afterAll(async () => {
  await suite?.platform.remove()
})

apiClientTests(started)
sdkTests(started)
neonActionTests(started)

/** The contract's calls in the spelling of Neon's document, and what they do. */
const ownCalls = new Map(
  Object.values(routes).map(({ method, url, summary }) => [
    `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`,
    summary,
  ]),
)

test('what is not here says so, in a way that clients understand', async () => {
  const { platform } = started()
  const absent = operations.filter(({ call }) => !ownCalls.has(call))
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
  const rows = operations.map(({ id, tag, call }) => {
    const works = answered.has(call)
    return { id, call, works, why: works ? '' : (reasons[id] ?? reasonsByTag[tag] ?? '') }
  })
  // Each is called by the tests above, or it is said why not; not both.
  const unexplained = rows.filter(({ works, why }) => !works && why === '')
  expect(unexplained.map(({ id }) => id)).toEqual([])
  const outdated = rows.filter(({ id, works }) => works && id in reasons)
  expect(outdated.map(({ id }) => id)).toEqual([])

  await checkSection(
    'routes',
    renderTable(
      ['route', 'works', 'what is missing'],
      rows.map(({ call, works, why }) => [`\`${call}\``, works ? 'yes' : 'no', why]),
    ),
  )
  const neons = new Set(operations.map(({ call }) => call))
  const own = [...ownCalls].filter(([call]) => !neons.has(call))
  await checkSection(
    'own-routes',
    renderTable(
      ['route', 'what it does'],
      own.map(([call, summary]) => [`\`${call}\``, summary]),
    ),
  )
})
