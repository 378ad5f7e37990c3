import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

import { expect, onTestFinished, test } from 'vitest'

import { listenToChanges } from './changes.ts'
import { openStore } from './store.ts'

/** ErrorResponse (manual, "Message Formats"). */
function refusal(): Buffer {
  const fields = 'SFATAL\0C57P03\0Mthe database system is starting up\0\0'
  const header = Buffer.from('E\0\0\0\0')
  header.writeInt32BE(4 + fields.length, 1)
  return Buffer.concat([header, Buffer.from(fields)])
}

test('a store that refuses connections is not asked again and again without a pause', async () => {
  let asked = 0
  const server = createServer((socket) => {
    asked += 1
    socket.once('data', () => socket.end(refusal()))
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  onTestFinished(() => void server.close())
  const address = { url: `postgres://user@127.0.0.1:${port}/postgres` }
  const ignore = (): void => undefined
  await expect(listenToChanges(address, ignore, ignore)).rejects.toThrow('starting up')
  await delay(1_000)
  expect(asked).toBeGreaterThan(0)
  expect(asked).toBeLessThan(12)
})

/** AuthenticationOk and ReadyForQuery (manual, "Message Formats"). */
const welcome = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49])

test('a new connection asks nothing that nobody waits for', async () => {
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.write(welcome)
      socket.once('data', (query) => server.emit('query', String(query)))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const store = openStore({ url: `postgres://user@127.0.0.1:${port}/postgres` })
  onTestFinished(async () => {
    await store.end({ timeout: 0 })
    server.close()
  })
  const answer = store`select 42`.catch(() => undefined)
  const [query] = (await once(server, 'query')) as [string]
  expect(query).toContain('select 42')
  await store.end({ timeout: 0 })
  await answer
})
