import { once } from 'node:events'
import { createServer } from 'node:net'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { openTcp, type WireClient, wireClient } from '../../testing/wire-client.ts'
import { Admission } from '../admission.ts'
import { renderError } from '../errors.ts'
import { defaultLimits } from '../limits.ts'
import { authenticationOk, message } from '../wire/messages.ts'
import { logInAdministrator, wantsAdminLogin } from './admin-login.ts'

const key = 'coppice_0123456789abcdef'

let port: number
let isStoreDown: boolean
let admission: Admission
const server = createServer((socket) => {
  const { signal } = new AbortController()
  const controlPlane = {
    isAdminKey: async (given: string) => {
      if (isStoreDown) throw new Error('connection refused by /the/store')
      return given === key
    },
  }
  const request = { user: 'coppice', clientAddress: '192.0.2.7' }
  logInAdministrator(socket, request, { controlPlane, admission }, signal).then(
    () => socket.end(authenticationOk()),
    (error: unknown) => socket.end(renderError(error)),
  )
})

beforeAll(async () => {
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
})

afterAll(() => void server.close())

async function logIn(password: string): Promise<string> {
  const client: WireClient = wireClient(await openTcp(port))
  const asked = await client.next()
  if (asked.type !== 'R') return String(asked.body)
  client.stream.write(message('p', Buffer.from(`${password}\0`)))
  const { type, body } = await client.next()
  client.close()
  return type === 'R' ? `authenticated ${body.readUInt32BE(0)}` : String(body)
}

test('an API key lets in', async () => {
  isStoreDown = false
  admission = new Admission(defaultLimits)
  expect(await logIn(key)).toBe('authenticated 0')
})

test('anything else fails as a wrong password does, and is counted', async () => {
  isStoreDown = false
  admission = new Admission({ ...defaultLimits, maxFailuresPerAddress: 2 })
  expect(await logIn(`${key}0`)).toContain(
    "C28P01\0Mpassword authentication failed for user 'coppice'",
  )
  expect(await logIn('')).toContain('C28P01')
  expect(await logIn(key)).toContain('C53300')
})

test('a store that is down lets nobody in, tells nothing of itself and is no guess', async () => {
  isStoreDown = true
  admission = new Admission({ ...defaultLimits, maxFailuresPerAddress: 1 })
  const told = await logIn(key)
  expect(told).toContain('Control plane request failed')
  expect(told).not.toContain('/the/store')
  isStoreDown = false
  expect(await logIn(key)).toBe('authenticated 0')
})

test.each([
  ['coppice', 'pgbouncer', undefined, true],
  ['pgbouncer', 'pgbouncer', undefined, true],
  ['coppice', 'pgbouncer', 'ep-calm-moss-e5f6a7b8', false],
  ['coppice', 'neondb', undefined, false],
  ['neondb_owner', 'pgbouncer', undefined, false],
])('user %s of database %s at %s: asked for a key %s', (user, database, endpointId, isAsked) => {
  expect(wantsAdminLogin({ user, database, endpointId })).toBe(isAsked)
})
