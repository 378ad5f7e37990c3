import { expect } from 'vitest'

import { psql } from '../platform.ts'
import type { Suite } from './suite.ts'

export interface Branch {
  id: string
  name: string
  expires_at?: string
}

export interface BranchCreated {
  branch: Branch
  connection_uris?: { connection_uri: string }[]
}

export function branchTests(suite: Suite): void {
  const { neon, json, works } = suite
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString()

  works(
    ['branches create'],
    'has the data, the size, the timeout and the expiry asked for',
    async () => {
      await psql(suite.platform.connectionUri, 'CREATE TABLE kept AS SELECT 42 AS answer')
      const size = ['--cu', '0.25-1', '--suspend-timeout', '600']
      const from = ['--name', 'dev', '--parent', 'main', '--expires-at', tomorrow]
      const created = await json<BranchCreated>(['branches', 'create', ...from, ...size])
      expect(created).toMatchObject({
        branch: { name: 'dev', expires_at: tomorrow, protected: false },
        endpoints: [
          {
            suspend_timeout_seconds: 600,
            autoscaling_limit_min_cu: 0.25,
            autoscaling_limit_max_cu: 1,
          },
        ],
      })
      const uri = created.connection_uris?.[0]?.connection_uri ?? ''
      expect(await psql(uri, 'SELECT answer FROM kept')).toBe('42')
    },
  )

  works(['branches create'], 'without a name, a compute or secrets; protected', async () => {
    const unnamed = await neon(['branches', 'create', '--no-compute'])
    expect(unnamed).toMatch(/^Name +\S+$/m)
    expect(unnamed).not.toContain('endpoints')
    const guarded = ['branches', 'create', '--name', 'guarded', '--protected', '--no-secrets']
    expect(await neon(guarded)).not.toContain('postgresql://')
    expect(await suite.findBranch('guarded')).toMatchObject({ protected: true })
  })

  works(['branches create'], 'opens psql on it', async () => {
    const query = ['--psql', '--', '-Atc', 'SELECT answer FROM kept']
    expect(await neon(['branches', 'create', '--name', 'at once', ...query])).toMatch(/^42$/m)
  })

  works(['branches list', 'branches get'], 'by name and by id', async () => {
    expect(await neon(['branches', 'list'])).toMatch(/^\[default] main +br-/m)
    const { id } = await suite.findBranch('dev')
    expect(await json(['branches', 'get', 'dev'])).toMatchObject({ id })
    expect(await neon(['branches', 'get', id, '-o', 'yaml'])).toContain('name: dev')
    await expect(neon(['branches', 'get', 'nowhere'])).rejects.toThrow('Branch nowhere not found')
  })

  works(['branches rename', 'branches set-expiration'], 'change a branch', async () => {
    await neon(['branches', 'rename', 'at once', 'feature/one'])
    const expiring = ['branches', 'set-expiration', 'feature/one', '--expires-at', tomorrow]
    expect(await json(expiring)).toHaveProperty('expires_at', tomorrow)
    const lasting = ['branches', 'set-expiration', 'feature/one']
    expect(await json(lasting)).not.toHaveProperty('expires_at')
  })

  works(['branches add-compute'], 'lets a branch without a compute be connected to', async () => {
    await suite.platform.client.createProjectBranch({
      path: { project_id: suite.platform.projectId },
      body: { branch: { name: 'bare' } },
    })
    const add = ['branches', 'add-compute', 'bare', '--type', 'read_write', '--cu', '0.5']
    expect(await neon(add)).toMatch(/^Host +ep-/m)
    expect(await suite.sql('bare', 'SELECT answer FROM kept')).toBe('42')
  })

  works(['branches create', 'branches add-compute'], 'make read replicas', async () => {
    // Unless told otherwise a compute that is added is one.
    await neon(['branches', 'add-compute', 'dev'])
    const replica = ['psql', 'dev', '--endpoint-type', 'read_only', '--', '-Atc']
    expect(await neon([...replica, 'SELECT answer FROM kept'])).toBe('42\n')
    await expect(neon([...replica, 'DELETE FROM kept'])).rejects.toThrow('read-only')
    await neon(['branches', 'create', '--name', 'only to read', '--type', 'read_only'])
    const reader = ['psql', 'only to read', '--', '-Atc', 'SELECT answer FROM kept']
    expect(await neon(reader)).toBe('42\n')
  })

  works(['branches set-default'], 'decides which is meant when none is named', async () => {
    await neon(['branches', 'set-default', 'feature/one'])
    expect(await suite.findBranch('feature/one')).toMatchObject({ default: true })
    await neon(['branches', 'set-default', 'main'])
  })

  works(['branches delete'], 'by name and by id', async () => {
    const { id } = await suite.findBranch('feature/one')
    await neon(['branches', 'delete', 'bare'])
    await neon(['branches', 'delete', id])
    await expect(suite.findBranch('bare')).rejects.toThrow('no branch bare')
    await expect(suite.findBranch('feature/one')).rejects.toThrow('no branch feature/one')
  })
}
