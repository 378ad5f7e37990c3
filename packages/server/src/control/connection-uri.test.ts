import { expect, test } from 'vitest'

import { connectionDetails, connectionUri } from './connection-uri.ts'
import type { Settings } from './context.ts'
import { endpointHost } from './present.ts'

const settings: Settings = {
  platformId: 'p',
  region: 'local',
  domain: 'coppice.localhost',
  namesResolve: true,
  directPort: 5432,
  pooledPort: 6432,
  publicPorts: { direct: 5432, pooled: 6432 },
  hostHasPort: true,
  sqlPort: 8443,
  defaultSuspendTimeoutSeconds: 300,
  recoveryWindowSeconds: 60,
  defaultPgVersion: 18,
}
const target = {
  endpointId: 'ep-calm-oak-1a2b3c4d',
  role: 'a b',
  password: 'p@ss/w:rd',
  database: 'neondb',
  pooled: false,
}
const security = 'sslmode=require&channel_binding=require'

test('the endpoint is in the host name where names resolve', () => {
  expect(connectionUri(target, settings)).toBe(
    `postgresql://a%20b:p%40ss%2Fw%3Ard@ep-calm-oak-1a2b3c4d.coppice.localhost/neondb?${security}`,
  )
  expect(connectionUri({ ...target, pooled: true }, settings)).toContain(
    '@ep-calm-oak-1a2b3c4d-pooler.coppice.localhost:6432/',
  )
})

test('where something maps the ports, clients are told those', () => {
  const mapped = { ...settings, publicPorts: { direct: 15432, pooled: 16432 } }
  expect(connectionUri(target, mapped)).toContain('.coppice.localhost:15432/')
  expect(connectionUri({ ...target, pooled: true }, mapped)).toContain(':16432/')
})

test('a host has the port that Neon’s clients are to keep, unless that is switched off', () => {
  const id = target.endpointId
  const mapped = { ...settings, publicPorts: { direct: 15432, pooled: 16432 } }
  expect(endpointHost(id, settings)).toBe(`${id}.coppice.localhost`)
  expect(endpointHost(id, mapped)).toBe(`${id}.coppice.localhost:15432`)
  expect(endpointHost(id, mapped).replace(id, `${id}-pooler`)).toBe(
    `${id}-pooler.coppice.localhost:15432`,
  )
  expect(endpointHost(id, { ...mapped, hostHasPort: false })).toBe(`${id}.coppice.localhost`)
})

test('and in the options where they do not', () => {
  const publicPorts = { direct: 5433, pooled: 5434 }
  const uri = connectionUri(target, { ...settings, namesResolve: false, publicPorts })
  expect(uri).toContain('@localhost:5433/neondb?')
  expect(uri.endsWith(`${security}&options=endpoint%3Dep-calm-oak-1a2b3c4d`)).toBe(true)
  expect(new URL(uri).searchParams.get('options')).toBe('endpoint=ep-calm-oak-1a2b3c4d')
})

test.each([true, false])(
  'the pooled host in place of the host pools, names resolve: %s',
  (namesResolve) => {
    const { connection_uri, connection_parameters } = connectionDetails(target, {
      ...settings,
      publicPorts: { direct: 5433, pooled: 5434 },
      namesResolve,
    })
    const { host, pooler_host } = connection_parameters
    const pooled = new URL(connection_uri.replace(host, pooler_host))
    expect(pooled.host).toBe(
      namesResolve ? 'ep-calm-oak-1a2b3c4d-pooler.coppice.localhost:5433' : 'localhost:5434',
    )
  },
)
