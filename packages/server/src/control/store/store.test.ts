import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

import { expect, onTestFinished, test } from 'vitest'

import { openListener } from './store.ts'

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
  const store = openListener({ url: `postgres://user@127.0.0.1:${port}/postgres` })
  onTestFinished(async () => {
    await store.end({ timeout: 0 })
    server.close()
  })
  await expect(store.listen('changes', () => undefined)).rejects.toThrow('starting up')
  await delay(1_000)
  expect(asked).toBeGreaterThan(0)
  expect(asked).toBeLessThan(12)
})
