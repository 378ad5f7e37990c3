import { createClient } from '@coppice/api'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

import { createLog } from '../../lib/log.ts'
import { Turns } from '../../lib/turns.ts'
import { notAsked, startTestControl, type TestControl } from '../../testing/control.ts'
import { TimeTravel } from '../time-travel.ts'
import { createHandlers } from './handlers.ts'
import { createHttpServer } from './server.ts'

let control: TestControl

beforeAll(async () => {
  control = await startTestControl()
})

afterAll(async () => control?.close())

test('changes beyond those that can be made in time are refused; whoever reads is answered', async () => {
  const { context, consoleParts, apiKey } = control
  const handlers = createHandlers(context, new TimeTravel(context), notAsked)
  let goOn = (): void => undefined
  const held = new Promise<void>((resolve) => (goOn = resolve))
  const app = await createHttpServer({
    store: context.store,
    handlers: {
      ...handlers,
      createProject: async (...given) => {
        await held
        return handlers.createProject(...given)
      },
    },
    log: createLog({ level: 'silent', toStderr: false }),
    version: 'test',
    console: consoleParts,
    turns: new Turns({ atOnce: 1, waitMs: 50 }),
  })
  onTestFinished(async () => app.close())
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const client = createClient({ baseUrl: `${address}/api/v2`, apiKey })

  const first = client.createProject({ body: { project: { name: 'first' } } })
  const second = client.createProject({ body: { project: { name: 'second' } } })
  await expect(second).rejects.toMatchObject({ status: 429, code: 'too_many_requests' })
  await client.listProjects({ query: {} })
  goOn()
  expect((await first).project.name).toBe('first')
  await client.createProject({ body: { project: { name: 'third' } } })
  const { projects } = await client.listProjects({ query: {} })
  expect(projects.map(({ name }) => name)).not.toContain('second')
})
