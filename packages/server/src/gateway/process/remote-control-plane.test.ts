import { expect, test, vi } from 'vitest'

import { AppError } from '../../lib/errors.ts'
import { createChannelPair } from '../../testing/channel-pair.ts'
import { until } from '../../testing/until.ts'
import type { ControlPlane, SessionDetails } from '../control-plane.ts'
import { serveControlPlane } from './control-plane-server.ts'
import type { DaemonProcedures } from './protocol.ts'
import { platformRestarting, RemoteControlPlane } from './remote-control-plane.ts'
import { Rpc } from './rpc.ts'

const details: SessionDetails = {
  endpointId: 'ep-1',
  role: 'r',
  database: 'd',
  applicationName: 'test',
  clientAddress: '127.0.0.1',
  pooled: false,
  quiet: false,
}

interface Recorded {
  events: string[]
  /** Let the compute start. */
  startCompute: () => void
  failStart: (error: Error) => void
  remote: RemoteControlPlane
  cut: () => void
}

function connect(): Recorded {
  const events: string[] = []
  let settle: { resolve(): void; reject(error: Error): void } | undefined
  const real: ControlPlane = {
    findEndpoint: async (endpointId) =>
      endpointId === 'ep-1'
        ? {
            endpointId,
            dataDirectory: '/pool/br-1/pgdata',
            disabled: false,
            blockedBecause: '',
            allowedIps: [],
            poolerSettings: {},
            logicalReplication: false,
            blockPublicConnections: false,
            quietApplications: [],
          }
        : undefined,
    findVerifier: async (endpointId, role) => `${endpointId} ${role}`,
    wake: async (endpointId) => {
      events.push(`wake ${endpointId}`)
      await new Promise<void>((resolve, reject) => {
        settle = { resolve, reject }
      })
      return { socketPath: '/socket' }
    },
    openSession: (session) => {
      events.push(`open ${session.applicationName}`)
      return {
        touch: (user) => void events.push(user?.quiet === true ? 'touch quietly' : 'touch'),
        setListening: (isListening) => void events.push(`listening ${isListening}`),
        setBackend: (pid) => void events.push(`backend ${pid}`),
        end: () => void events.push('end'),
      }
    },
    countSent: (endpointId, bytes) => void events.push(`sent ${endpointId} ${bytes}`),
    jwksFor: async (endpointId) => [
      { jwksUrl: `https://${endpointId}`, roleNames: ['a'], audience: 'b' },
    ],
    prepareTokens: async (endpointId, database) => `${endpointId} ${database}`,
    isAdminKey: async (key) => key === 'right',
  }
  const { ends, cut } = createChannelPair()
  const server = serveControlPlane(real)
  new Rpc<unknown, DaemonProcedures>(ends[1], {
    ours: server.procedures,
    closedError: () => new Error('ended'),
  })
  const daemon = new Rpc<DaemonProcedures>(ends[0], { ours: {}, closedError: platformRestarting })
  return {
    events,
    startCompute: () => settle?.resolve(),
    failStart: (error) => settle?.reject(error),
    remote: new RemoteControlPlane(daemon),
    cut: () => {
      cut()
      server.close()
    },
  }
}

test('questions are answered as the daemon answers them', async () => {
  const { remote } = connect()
  expect(await remote.findEndpoint('ep-1')).toMatchObject({ endpointId: 'ep-1', disabled: false })
  expect(await remote.findEndpoint('ep-2')).toBeUndefined()
  expect(await remote.findVerifier('ep-1', 'alice')).toBe('ep-1 alice')
  expect(await remote.isAdminKey('right')).toBe(true)
})

test('many who wait for one compute are one question, and the next is another', async () => {
  const { remote, events, startCompute, failStart } = connect()
  const waiting = [remote.wake('ep-1'), remote.wake('ep-1'), remote.wake('ep-1')]
  await until(() => events.length > 0)
  startCompute()
  expect(await Promise.all(waiting)).toEqual(Array(3).fill({ socketPath: '/socket' }))
  expect(events).toEqual(['wake ep-1'])
  const refused = Promise.allSettled([remote.wake('ep-1'), remote.wake('ep-1')])
  await until(() => events.length > 1)
  failStart(new AppError('endpoint_disabled', 'disabled'))
  for (const outcome of await refused) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'endpoint_disabled' } })
  }
  expect(events).toEqual(['wake ep-1', 'wake ep-1'])
})

test('a quiet use of a connection takes nothing back of a use that counts', async () => {
  const { remote, events } = connect()
  const user = { applicationName: 'uptime', clientAddress: '', quiet: true }
  const [first, second, third] = [0, 0, 0].map(() => remote.openSession(details))
  first?.touch(user)
  second?.touch({ ...user, quiet: false })
  second?.touch(user)
  third?.touch(user)
  third?.touch()
  await until(() => events.length > 5)
  expect(events.slice(3)).toEqual(['touch quietly', 'touch', 'touch'])
})

test('a use after a silence is told at once, also a quiet one: a frozen compute has to go on for it', async () => {
  const { remote, events } = connect()
  const session = remote.openSession(details)
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 2_000)
  session.touch({ applicationName: 'uptime', clientAddress: '', quiet: true })
  vi.restoreAllMocks()
  await new Promise(setImmediate)
  expect(events).toEqual(['open test', 'touch quietly'])
})

test('bytes that no daemon can be told of are kept', async () => {
  const { remote, events, cut } = connect()
  remote.countSent('ep-1', 10)
  cut()
  remote.countSent('ep-1', 5)
  const untold = async () => remote.takeUntold().get('ep-1')
  expect(await untold()).toBe(15)
  expect(await untold()).toBeUndefined()
  expect(events).toEqual([])
})

test('a busy session is told of in few messages, and its end comes last', async () => {
  const { remote, events } = connect()
  const session = remote.openSession(details)
  for (let chunk = 0; chunk < 1000; chunk++) session.touch()
  session.setListening(true)
  await until(() => events.includes('touch'))
  expect(events).toEqual(['open test', 'listening true', 'touch'])
  session.touch()
  session.end()
  await until(() => events.includes('end'))
  expect(events.at(-1)).toBe('end')
  expect(events.filter((event) => event === 'touch').length).toBe(1)
})

test('what is sent is told as sums, and whole before the end of a session', async () => {
  const { remote, events } = connect()
  const session = remote.openSession(details)
  for (let chunk = 0; chunk < 1000; chunk++) remote.countSent('ep-1', 10)
  remote.countSent('ep-2', 1)
  await until(() => events.includes('sent ep-2 1'))
  expect(events).toEqual(['open test', 'sent ep-1 10000', 'sent ep-2 1'])
  remote.countSent('ep-1', 7)
  session.end()
  await until(() => events.includes('end'))
  expect(events.slice(-2)).toEqual(['sent ep-1 7', 'end'])
})

test('the sessions of a process that dies are ended', async () => {
  const { remote, events, cut } = connect()
  remote.openSession(details)
  remote.openSession(details).end()
  await until(() => events.includes('end'))
  cut()
  expect(events.filter((event) => event === 'end').length).toBe(2)
  remote.openSession(details).end()
  expect(events.filter((event) => event === 'end').length).toBe(2)
})

test('without a daemon, clients are told to try again', async () => {
  const { remote, events, cut } = connect()
  const waiting = remote.wake('ep-1').catch((error: unknown) => error)
  await until(() => events.length > 0)
  cut()
  const restarting = { sqlstate: '57P03', message: 'the platform is restarting, try again' }
  expect(await waiting).toMatchObject(restarting)
  await expect(remote.findEndpoint('ep-1')).rejects.toMatchObject(restarting)
})

test('issuers of tokens and the key of their sessions come over as they are', async () => {
  const { remote } = connect()
  const issuer = { jwksUrl: 'https://ep-1', roleNames: ['a'], audience: 'b' }
  expect(await remote.jwksFor('ep-1')).toEqual([issuer])
  expect(await remote.prepareTokens('ep-1', 'app')).toBe('ep-1 app')
})
