import { createClient } from '@coppice/api'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

import { createLog } from '../../lib/log.ts'
import { Turns } from '../../lib/turns.ts'
import { notAsked, startTestControl, type TestControl } from '../../testing/control.ts'
import { TimeTravel } from '../time-travel.ts'
import { createHandlers } from './handlers.ts'
import { changeShares, createHttpServer } from './server.ts'

let control: TestControl

beforeAll(async () => {
  control = await startTestControl()
})

afterAll(async () => control?.close())

/** A server that makes so many changes at once; those that `holds` names wait until they may go on. */
async function serve(max: number, holds: 'createProject' | 'resetProjectBranchRolePassword') {
  const { context, consoleParts, apiKey } = control
  const handlers = createHandlers(context, new TimeTravel(context), notAsked)
  let goOn = (): void => undefined
  const held = new Promise<void>((resolve) => (goOn = resolve))
  const answer = handlers[holds] as (...given: unknown[]) => Promise<unknown>
  const app = await createHttpServer({
    store: context.store,
    handlers: {
      ...handlers,
      [holds]: async (...given: unknown[]) => {
        await held
        return answer(...given)
      },
    },
    log: createLog({ level: 'silent', toStderr: false }),
    version: 'test',
    console: consoleParts,
    turns: new Turns({ shares: changeShares(max), waitMs: 50 }),
  })
  onTestFinished(async () => app.close())
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  return { client: createClient({ baseUrl: `${address}/api/v2`, apiKey }), goOn: () => goOn() }
}

test('changes beyond those that can be made in time are refused; whoever reads is answered', async () => {
  const { client, goOn } = await serve(1, 'createProject')
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

test('a project takes no more than its share of the changes, and is told so; others make theirs', async () => {
  const { client, goOn } = await serve(2, 'resetProjectBranchRolePassword')
  const busy = await client.createProject({ body: { project: {} } })
  const quiet = await client.createProject({ body: { project: {} } })
  const reset = async ({ project, branch, roles }: typeof busy) =>
    client.resetProjectBranchRolePassword({
      path: {
        project_id: project.id,
        branch_id: branch.id,
        role_name: roles[0]?.name ?? '',
      },
    })
  const both = [reset(busy), reset(busy)]
  // Whichever came second; the other is at work until it may go on.
  await expect(Promise.race(both)).rejects.toMatchObject({
    status: 429,
    code: 'too_many_requests',
    message: expect.stringContaining(`project ${busy.project.id} has 1 of the 2 changes`),
  })
  const others = reset(quiet)
  goOn()
  await others
  const ends = await Promise.allSettled(both)
  expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
})
