import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

import { expect, onTestFinished, test } from 'vitest'

import { listenToChanges } from './changes.ts'
import { openStore, type StoreAddress } from './store.ts'

/** ErrorResponse (manual, "Message Formats"). */
function refusal(): Buffer {
  const fields = 'SFATAL\0C57P03\0Mthe database system is starting up\0\0'
  const header = Buffer.from('E\0\0\0\0')
  header.writeInt32BE(4 + fields.length, 1)
  return Buffer.concat([header, Buffer.from(fields)])
}

/** AuthenticationOk and ReadyForQuery. */
const welcome = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49])
/** CommandComplete of LISTEN, and ReadyForQuery. */
const listening = Buffer.from('C\0\0\0\x0bLISTEN\0Z\0\0\0\x05I')

/** A server for a test, whose clients are greeted by this. */
async function serve(greet: (client: Socket) => void): Promise<StoreAddress> {
  const server = createServer((client) => {
    client.on('error', () => undefined)
    client.once('data', () => greet(client))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { url: `postgres://user@127.0.0.1:${port}/postgres` }
}

const ignore = (): void => undefined

test('whoever would hear of changes is told where the store refuses, and it is not asked on', async () => {
  let asked = 0
  const address = await serve((client) => {
    asked += 1
    client.end(refusal())
  })
  await expect(listenToChanges(address, ignore, ignore)).rejects.toThrow('starting up')
  await delay(1_000)
  expect(asked).toBeGreaterThan(0)
  expect(asked).toBeLessThan(12)
})

test('a store that refuses connections is not asked again and again without a pause', async () => {
  let asked = 0
  const address = await serve((client) => {
    asked += 1
    if (asked === 1) {
      client.write(welcome)
      client.once('data', () => client.end(listening))
    } else client.end(refusal())
  })
  const stop = await listenToChanges(address, ignore, ignore)
  onTestFinished(stop)
  await delay(1_500)
  expect(asked).toBeGreaterThan(1)
  expect(asked).toBeLessThan(12)
})

test('a new connection asks nothing that nobody waits for', async () => {
  const queries: string[] = []
  const address = await serve((client) => {
    client.write(welcome)
    client.once('data', (bytes) => {
      queries.push(String(bytes))
      client.destroy()
    })
  })
  const store = openStore(address)
  await expect(store`select 42`).rejects.toThrow('CONNECTION_CLOSED')
  await store.end({ timeout: 0 })
  expect(queries[0]).toContain('select 42')
})
