import { expect, test } from 'vitest'

import { connectionDetails, connectionUri } from './connection-uri.ts'
import type { Settings } from './context.ts'

const settings: Settings = {
  platformId: 'p',
  region: 'local',
  domain: 'coppice.localhost',
  namesResolve: true,
  directPort: 5432,
  pooledPort: 6432,
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

test('and in the options where they do not', () => {
  const uri = connectionUri(target, { ...settings, namesResolve: false, directPort: 5433 })
  expect(uri).toContain('@localhost:5433/neondb?')
  expect(uri.endsWith(`${security}&options=endpoint%3Dep-calm-oak-1a2b3c4d`)).toBe(true)
  expect(new URL(uri).searchParams.get('options')).toBe('endpoint=ep-calm-oak-1a2b3c4d')
})

test.each([true, false])(
  'the pooled host in place of the host pools, names resolve: %s',
  (namesResolve) => {
    const ports = { directPort: 5433, pooledPort: 5434 }
    const { connection_uri, connection_parameters } = connectionDetails(target, {
      ...settings,
      ...ports,
      namesResolve,
    })
    const { host, pooler_host } = connection_parameters
    const pooled = new URL(connection_uri.replace(host, pooler_host))
    expect(pooled.host).toBe(
      namesResolve ? 'ep-calm-oak-1a2b3c4d-pooler.coppice.localhost:5433' : 'localhost:5434',
    )
  },
)
