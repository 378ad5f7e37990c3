import type { Socket } from 'node:net'

import {
  authenticate,
  openTcp,
  openTls,
  query,
  startupPacket,
  wireClient,
} from '../../packages/server/src/testing/wire-client.ts'
import type { Leg, Peer } from './leg.ts'

/** Clients that have logged in and wait: sockets, for drivers would take memory of their own. */
export interface IdleClients {
  count: number
  /** Connections that the other side has closed. */
  dropped(): number
  /** Asks each for one answer; resolves with how many gave it. */
  answering(): Promise<number>
  close(): void
}

const atOnce = 50

export async function openIdleClients(leg: Leg, peer: Peer, count: number): Promise<IdleClients> {
  const sockets: Socket[] = []
  await inParallel(count, async () => {
    sockets.push(leg.isTls ? await openSecure(leg, peer) : await openPlain(leg, peer))
  })
  return {
    count,
    dropped: () => sockets.filter((socket) => socket.destroyed || socket.readableEnded).length,
    answering: async () => {
      let answered = 0
      await inParallel(count, async (index) => {
        const socket = sockets[index]
        if (socket && (await ask(socket))) answered++
      })
      return answered
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function openPlain({ served }: Leg, peer: Peer): Promise<Socket> {
  const socket = await openTcp(peer.port)
  return logIn(socket, startupPacket({ user: served.role, database: served.database }))
}

async function openSecure({ served }: Leg, peer: Peer): Promise<Socket> {
  const socket = await openTls(peer.port, served.host)
  const client = wireClient(socket)
  socket.write(startupPacket({ user: served.role, database: served.database }))
  const accepted = await authenticate(client, { password: served.password })
  if (accepted.type !== 'R') throw new Error(`${peer.name} has refused a login`)
  await client.nextUntil('Z')
  socket.on('data', () => undefined)
  return socket
}

async function logIn(socket: Socket, startup: Buffer): Promise<Socket> {
  const ready = untilReady(socket)
  socket.write(startup)
  if (!(await ready)) throw new Error('a login was refused')
  return socket
}

async function ask(socket: Socket): Promise<boolean> {
  const ready = untilReady(socket)
  socket.write(query('select 1'))
  return ready
}

/** Whether ReadyForQuery comes, rather than the end. */
async function untilReady(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    let tail = Buffer.alloc(0)
    const settle = (isReady: boolean) => {
      socket.off('data', onData).off('end', onEnd).off('close', onEnd)
      resolve(isReady)
    }
    // Its type, its length and its status are the last six bytes.
    const onData = (chunk: Buffer) => {
      tail = Buffer.concat([tail, chunk]).subarray(-6)
      if (tail[0] === 0x5a && tail.readUInt32BE(1) === 5) settle(true)
    }
    const onEnd = () => settle(false)
    socket.on('data', onData).once('end', onEnd).once('close', onEnd).resume()
  })
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker))
}
