import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { createClient } from '@coppice/api'

import { psql, type TestPlatform } from '../platform.ts'
import { platformCommands } from './processes.ts'

/** What ARCHITECTURE.md says always holds, as far as it can be seen from outside at any time. */

/** No password and no key is in a log, or on a command line. */
export function expectNoSecrets(platform: TestPlatform, uris: readonly string[]): void {
  const passwords = uris.map((uri) => decodeURIComponent(new URL(uri).password))
  const secrets = [...new Set([...passwords, platform.apiKey])].filter((one) => one !== '')
  const texts = new Map([
    ...logFiles(platform).map((path) => [path, readFileSync(path, 'utf8')] as const),
    ...platformCommands(platform).map((command) => [command, command] as const),
  ])
  const found = [...texts].filter(([, text]) => secrets.some((secret) => text.includes(secret)))
  assert.deepEqual(
    found.map(([name]) => name),
    [],
  )
}

function logFiles({ home }: TestPlatform): string[] {
  return ['logs', 'store', 'computes'].flatMap((directory) =>
    readdirSync(join(home, directory), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.log') && !name.includes('pgdata/'))
      .map((name) => join(home, directory, name)),
  )
}

/** Who cannot log in wakes nobody. */
export async function expectAuthBeforeWake(
  platform: TestPlatform,
  projectId: string,
  { endpointId, uri }: { endpointId: string; uri: string },
): Promise<void> {
  const path = { project_id: projectId, endpoint_id: endpointId }
  await platform.client.suspendProjectEndpoint({ path })
  const wrong = new URL(uri)
  wrong.password = 'wrong'
  await assert.rejects(psql(wrong.toString(), 'SELECT 1'), /password authentication failed/)
  const { endpoint } = await platform.client.getProjectEndpoint({ path })
  assert.equal(endpoint.current_state, 'idle')
}

/** A key for one project reaches that project. */
export async function expectScopedKey(
  platform: TestPlatform,
  { own, other }: { own: string; other: string },
): Promise<void> {
  const { key, id } = await platform.client.createOrgApiKey({
    path: { org_id: 'org-coppice' },
    body: { key_name: 'scope', project_id: own },
  })
  const client = createClient({ baseUrl: platform.apiUrl, apiKey: key })
  await client.getProject({ path: { project_id: own } })
  await assert.rejects(client.getProject({ path: { project_id: other } }))
  await platform.client.revokeOrgApiKey({ path: { org_id: 'org-coppice', key_id: id } })
}

/** A list is as long as it was asked to be. */
export async function expectBoundedLists(platform: TestPlatform): Promise<void> {
  const query = { limit: 1 }
  const { projects } = await platform.client.listProjects({ query })
  assert.equal(projects.length, 1)
  const path = { project_id: projects[0]?.id ?? '' }
  const { branches } = await platform.client.listProjectBranches({ path, query })
  assert.equal(branches.length, 1)
}
