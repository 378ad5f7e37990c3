import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { createClient } from '@coppice/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { findInstallations } from '../packages/server/src/compute/installations.ts'
import { psql, startTestPlatform, type TestPlatform } from './platform.ts'
import { facts, type Fixture, fixtures, unpackFixture } from './upgrade/fixture.ts'

/** The state that each earlier release has left, started by this one. */
const releases = readdirSync(fixtures)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join(fixtures, name), 'utf8')) as Fixture)
const majors = new Set((await findInstallations()).map(({ majorVersion }) => majorVersion))
const nobody = { uid: 65_534, gid: 65_534 }

test('there is state of an earlier release to begin with', () => {
  expect(releases.map(({ release }) => release)).toContain('0.1.0')
})

describe.for(releases.filter(({ pg_version: major }) => majors.has(major)))(
  'the state of $release',
  (fixture) => {
    let platform: TestPlatform

    beforeAll(async () => {
      const isRoot = process.getuid?.() === 0
      platform = await startTestPlatform({
        ...(isRoot && { user: nobody }),
        prepare: async ({ home }) => {
          await unpackFixture(fixture.release, home)
          if (isRoot) execFileSync('chown', ['-R', `${nobody.uid}:${nobody.gid}`, home])
        },
      })
    })

    afterAll(async () => {
      await platform?.remove()
    })

    const uriOf = (branch: string): string => {
      const uri = new URL(fixture.connection_uris[branch] ?? '')
      uri.port = String(platform.directPort)
      return uri.toString().replaceAll('+', '%20')
    }

    test('has its projects, branches and keys', async () => {
      const client = createClient({ baseUrl: platform.apiUrl, apiKey: fixture.api_key })
      const { projects } = await client.listProjects({ query: {} })
      expect(projects.map(({ id }) => id)).toEqual([fixture.project_id])
      const { branches } = await client.listProjectBranches({
        path: { project_id: fixture.project_id },
        query: {},
      })
      const names = branches.map(({ name }) => name).toSorted()
      expect(names).toEqual(Object.keys(fixture.connection_uris).toSorted())
    })

    test('has its data, behind the passwords that it had', async () => {
      for (const [branch, answer] of Object.entries(fixture.facts)) {
        expect(await psql(uriOf(branch), facts)).toBe(answer)
      }
      expect(platform.connectionUri).toBe(uriOf('main').replaceAll('%20', '+'))
    })

    test('goes on: branches are made and written to', async () => {
      await platform.neon('branches', 'create', '--name', 'after', '--parent', 'dev')
      const uri = (await platform.neon('connection-string', 'after')).trim()
      await psql(uri, 'INSERT INTO facts VALUES (0, 0)')
      expect(await psql(uri, 'SELECT count(*) FROM facts')).toBe('101')
      const config = JSON.parse(readFileSync(join(platform.home, 'config.json'), 'utf8'))
      expect(config.state_version).toBeGreaterThanOrEqual(fixture.state_version)
      expect(existsSync(join(platform.home, 'restoring.json'))).toBe(false)
    })
  },
)
