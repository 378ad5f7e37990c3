import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'vitest'

import type { Suite } from './suite.ts'

interface ApiKey {
  id: number
  name: string
  key: string
}

/** Who calls, with which key, and any route by hand. */
export function accountTests(suite: Suite): void {
  const { neon, json, works } = suite

  works(['me', 'orgs list'], 'say who calls, and the one organization', async () => {
    expect(await json(['me'])).toMatchObject({ login: 'owner', projects_limit: 100_000 })
    expect(await neon(['me', '-o', 'yaml'])).toContain('login: owner')
    expect(await json(['orgs', 'list'])).toMatchObject([{ id: 'org-coppice', name: 'Coppice' }])
  })

  works(['me'], 'also where it may tell Neon of its use', async () => {
    expect(await neon(['me'], { analytics: true })).toMatch(/^Login +owner$/m)
  })

  works(['branches list'], 'also under its older name, neonctl', async () => {
    const args = ['branches', 'list', '--project-id', suite.platform.projectId]
    expect(await neon(args, { bin: 'neonctl' })).toContain('main')
  })

  works(
    ['api-keys list', 'api-keys create', 'api-keys revoke'],
    'a key works until it is revoked',
    async () => {
      const { id, key } = await json<ApiKey>(['api-keys', 'create', '--name', 'ci'])
      const withKey = { env: { NEON_API_KEY: key } }
      expect(await json<ApiKey[]>(['api-keys', 'list'], withKey)).toContainEqual(
        expect.objectContaining({ id, name: 'ci' }),
      )
      expect(await neon(['api-keys', 'revoke', String(id)])).toMatch(/^Revoked +true$/m)
      await expect(neon(['me'], withKey)).rejects.toThrow('the Neon API rejected the API key')
    },
  )

  works(
    ['profile create', 'profile list', 'profile rotate-key', 'profile remove'],
    'keep a key, exchange it and revoke it',
    async () => {
      const directory = await suite.makeDirectory()
      const profile = ['--config-dir', directory]
      await neon(['profile', 'create', 'work', '--api-key', suite.platform.apiKey, ...profile])
      expect(await neon(['profile', 'list', ...profile])).toMatch(/^ *work +owner@.* +api key/m)
      await neon(['profile', 'rotate-key', 'work', ...profile])
      const minted = await readMintedKey(directory)
      expect(minted).not.toBe(suite.platform.apiKey)
      // The variable would go before the profile.
      const byProfile = ['me', '--profile', 'work', ...profile]
      expect(await neon(byProfile, { env: { NEON_API_KEY: '' } })).toContain('owner')
      await neon(['profile', 'remove', 'work', '--yes', ...profile])
      await expect(neon(['me'], { env: { NEON_API_KEY: minted } })).rejects.toThrow('rejected')
    },
  )

  works(['api'], 'calls any route', async () => {
    const path = `/projects/${suite.platform.projectId}`
    const rename = [path, '-X', 'PATCH', '-F', 'project.name=by hand']
    expect(JSON.parse(await neon(['api', ...rename]))).toMatchObject({
      project: { name: 'by hand' },
    })
    await expect(neon(['api', '/nothing'])).rejects.toThrow('this route does not exist')
  })

  works(['completion'], 'prints a script for the shell', async () => {
    expect(await neon(['completion'])).toContain('_neon_yargs_completions')
  })
}

/** The key in the file that the CLI keeps of the only profile. */
async function readMintedKey(directory: string): Promise<string> {
  const names = await readdir(directory)
  const file = names.find((name) => name.startsWith('credentials.'))
  const text = await readFile(join(directory, file ?? 'credentials.json'), 'utf8')
  return /coppice_[\w-]+/.exec(text)?.[0] ?? ''
}
