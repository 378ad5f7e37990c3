import { expect } from 'vitest'

import { psql } from '../platform.ts'
import type { Suite } from './suite.ts'

interface ProjectCreated {
  project: { id: string }
  connection_uris: { connection_uri: string }[]
}

export function projectTests(suite: Suite): void {
  const { neon, json, works } = suite

  works(
    [
      'projects create',
      'projects get',
      'projects list',
      'projects update',
      'projects delete',
      'projects recover',
    ],
    'a life of a project',
    async () => {
      const named = ['--name', 'second', '--database', 'app', '--role', 'app_owner']
      const { project, connection_uris } = await json<ProjectCreated>([
        'projects',
        'create',
        ...named,
        '--cu',
        '0.25-2',
      ])
      const uri = connection_uris[0]?.connection_uri ?? ''
      expect(await psql(uri, 'SELECT current_database(), current_user')).toBe('app|app_owner')
      expect(await json(['projects', 'get', project.id])).toMatchObject({
        name: 'second',
        default_endpoint_settings: { autoscaling_limit_min_cu: 0.25, autoscaling_limit_max_cu: 2 },
      })
      // Two projects: the CLI cannot guess any more.
      await expect(neon(['branches', 'list'])).rejects.toThrow('Multiple projects found')

      const change = ['--name', 'renamed', '--cu', '1-2', '--enable-logical-replication', '--yes']
      await neon(['projects', 'update', project.id, ...change])
      expect(await psql(uri, 'SHOW wal_level')).toBe('logical')
      expect(await neon(['projects', 'list'])).toMatch(/^\S+ +renamed +local/m)
      await neon(['projects', 'delete', project.id])
      await expect(psql(uri, 'SELECT 1')).rejects.toThrow('password authentication failed')
      expect(await neon(['projects', 'list', '--recoverable-only'])).toContain('renamed')
      await neon(['projects', 'recover', project.id])
      expect(await psql(uri, 'SELECT 1')).toBe('1')
      await neon(['projects', 'delete', project.id])
    },
  )

  works(
    ['ip-allow list', 'ip-allow add', 'ip-allow remove', 'ip-allow reset'],
    'decide who may connect',
    async () => {
      const { connectionUri } = suite.platform
      const refused = 'is not allowed to connect to this endpoint'
      await neon(['ip-allow', 'add', '10.0.0.0/8', '192.0.2.1'])
      await expect(psql(connectionUri, 'SELECT 1')).rejects.toThrow(refused)
      await neon(['ip-allow', 'remove', '10.0.0.0/8'])
      expect(await json(['ip-allow', 'list'])).toMatchObject({ IP_addresses: ['192.0.2.1'] })
      // Protected branches only: main is none.
      await neon(['ip-allow', 'add', '192.0.2.2', '--protected-only'])
      expect(await psql(connectionUri, 'SELECT 1')).toBe('1')
      await neon(['ip-allow', 'reset', '127.0.0.0/8', '::1'])
      expect(await psql(connectionUri, 'SELECT 1')).toBe('1')
      expect(await neon(['ip-allow', 'reset'])).toMatch(/^IP Addresses *$/m)
    },
  )

  works(['operations list'], 'shows what was done', async () => {
    const operations = await json<{ action: string; status: string }[]>(['operations', 'list'])
    expect(operations).toContainEqual(
      expect.objectContaining({ action: 'create_branch', status: 'finished' }),
    )
  })
}
