import { createServer, request as httpRequest, type RequestListener, type Server } from 'node:http'

import { createNeonClient, type NeonClient } from '@neon/sdk'
import { expect, test } from 'vitest'

import { psql } from '../platform.ts'
import type { SdkSuite } from './api-client.ts'

/** Neon's newer SDK: it waits until what it asked for is ready, retries, and knows kinds of errors. */
export function sdkTests(suite: () => SdkSuite): void {
  const connect = (baseUrl = suite().platform.apiUrl): NeonClient<true> =>
    createNeonClient({
      apiKey: suite().platform.apiKey,
      baseUrl,
      throwOnError: true,
      fetch: async (input, init) => {
        const response = await fetch(input, init)
        const { method, url } = input instanceof Request ? input : new Request(input, init)
        suite().recorder.observe(method, url, response.status)
        return response
      },
    })

  test('@neon/sdk: a project or a branch can be connected to once it is there', async () => {
    const neon = connect()
    const made = await neon.projects.createAndConnect({ name: 'by sdk', pooled: false })
    expect(await psql(made.connectionString, 'SHOW pool_mode')).toBe('session')
    const projectId = made.project.id
    const { branch, connectionString } = await neon.branches.createAndConnect({
      projectId,
      name: 'dev',
      compute: { maxCu: 1 },
    })
    expect(await psql(connectionString, 'SHOW pool_mode')).toBe('transaction')
    const asked = await neon.postgres.connectionString({ projectId, branchId: branch.id })
    expect(await psql(asked, 'SHOW pool_mode')).toBe('transaction')
    // Every page of a list, in pages of one.
    const names = (await neon.branches.list({ projectId, limit: 1 }).all()).map(({ name }) => name)
    expect(names.toSorted()).toEqual(['dev', 'main'])
    await neon.projects.delete({ projectId })
  })

  test('@neon/sdk: waits for every operation it is told of', async () => {
    const neon = connect()
    const { projectId } = suite().platform
    const waiting = { waitForReadiness: true, wait: { pollIntervalMs: 50 } }
    const branch = await neon.branches.create({ projectId, name: 'awaited' }, waiting)
    const role = await neon.postgres.roles.create(
      { projectId, branchId: branch.id, name: 'carol' },
      waiting,
    )
    expect(role.name).toBe('carol')
    await neon.branches.delete({ projectId, branchId: branch.id }, waiting)
    const { data: operations = [] } = await neon.operations
      .list({ projectId }, { throwOnError: false })
      .all()
    expect(operations.filter(({ status }) => status !== 'finished')).toEqual([])
  })

  test('@neon/sdk: errors have their kinds', async () => {
    const neon = connect()
    const quiet = { throwOnError: false } as const
    const lost = await neon.branches.get(
      { projectId: suite().platform.projectId, branchId: 'br-nowhere-at-all' },
      quiet,
    )
    expect(lost.error).toMatchObject({
      kind: 'not_found',
      status: 404,
      code: 'branch_not_found',
      requestId: expect.any(String),
    })
    const stranger = createNeonClient({ apiKey: 'wrong', baseUrl: suite().platform.apiUrl })
    expect((await stranger.user.me()).error).toMatchObject({ kind: 'auth', status: 401 })
  })

  test('@neon/sdk: tries again where the answer is 423, 429 or 503', async () => {
    const refusals = [423, 429, 503]
    const { origin, pathname } = new URL(suite().platform.apiUrl)
    // What stands before a platform refuses three times, then passes the same request on.
    const proxy = await listen((request, response) => {
      const status = refusals.shift()
      if (status === undefined) {
        const { url = '', headers } = request
        const onward = httpRequest(origin + url, { headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers)
          answer.pipe(response)
        })
        request.pipe(onward)
      } else {
        response.writeHead(status, { 'retry-after': '0', 'content-type': 'application/json' })
        response.end('{"code":"","message":"busy"}')
      }
    })
    try {
      const address = proxy.address()
      const port = typeof address === 'object' ? address?.port : 0
      const neon = createNeonClient({
        apiKey: suite().platform.apiKey,
        baseUrl: `http://127.0.0.1:${port}${pathname}`,
        retries: 3,
      })
      expect((await neon.user.me()).data).toMatchObject({ login: 'owner' })
      expect(refusals).toEqual([])
    } finally {
      proxy.close()
    }
  })

  test('@neon/sdk: finds what PostgreSQL logged', async () => {
    const neon = connect()
    const { projectId, connectionUri } = suite().platform
    await expect(psql(connectionUri, 'SELECT never_there')).rejects.toThrow('never_there')
    const { id: branchId } = await neon.branches.getDefault({ projectId })
    const logs = await neon.logs.query({ projectId, branchId }).all()
    expect(logs.map(({ message }) => message).join('\n')).toContain('never_there')
    expect(await neon.logs.fields({ projectId, branchId })).not.toEqual([])
    const severity = { projectId, branchId, fieldName: 'severity_text' }
    expect((await neon.logs.fieldValues(severity)).values).toContain('ERROR')
  })

  test('@neon/sdk: resets a branch from its parent', async () => {
    const neon = connect()
    const { projectId } = suite().platform
    const { branch, connectionString } = await neon.branches.createAndConnect({
      projectId,
      name: 'astray',
    })
    await psql(connectionString, 'CREATE TABLE astray AS SELECT 1 AS x')
    await neon.branches.resetFromParent({ projectId, branchId: branch.id })
    await expect(psql(connectionString, 'SELECT * FROM astray')).rejects.toThrow('does not exist')
    await neon.branches.delete({ projectId, branchId: branch.id })
  })
}

async function listen(onRequest: RequestListener): Promise<Server> {
  const server = createServer(onRequest)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return server
}
