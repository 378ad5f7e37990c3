import { expect } from 'vitest'

import { psql } from '../platform.ts'
import type { Suite } from './suite.ts'

export function databaseAndRoleTests(suite: Suite): void {
  const { neon, json, works, lacks } = suite
  const branch = ['--branch', 'main']

  works(['roles create', 'roles list', 'roles delete'], 'a role can log in at once', async () => {
    await neon(['roles', 'create', '--name', 'alice', ...branch])
    const roles = await json<{ name: string }[]>(['roles', 'list', ...branch])
    expect(roles.map(({ name }) => name)).toEqual(['neondb_owner', 'alice'])
    const asAlice = ['psql', 'main', '--role-name', 'alice', '--', '-Atc', 'SELECT current_user']
    expect(await neon(asAlice)).toBe('alice\n')
    // Two roles: the CLI asks which one is meant.
    await expect(neon(['connection-string'])).rejects.toThrow('Multiple roles found')
    await neon(['roles', 'delete', 'alice', ...branch])
    await expect(neon(asAlice)).rejects.toThrow('role alice')
  })

  lacks({ 'roles create': '`--no-login`, which the CLI does not send' }, async () => {
    await neon(['roles', 'create', '--name', 'group', '--no-login'])
    const canLogin = `SELECT rolcanlogin FROM pg_roles WHERE rolname = 'group'`
    expect(await psql(suite.platform.connectionUri, canLogin)).toBe('t')
    await neon(['roles', 'delete', 'group'])
  })

  works(
    ['databases create', 'databases list', 'databases delete'],
    'a database can be used at once',
    async () => {
      await neon(['databases', 'create', '--name', 'shop', '--owner-name', 'neondb_owner'])
      expect(await json(['databases', 'list', ...branch])).toMatchObject([
        { name: 'neondb', owner_name: 'neondb_owner' },
        { name: 'shop', owner_name: 'neondb_owner' },
      ])
      const inShop = ['psql', '--database-name', 'shop', '--', '-Atc', 'SELECT current_database()']
      expect(await neon(inShop)).toBe('shop\n')
      await neon(['databases', 'delete', 'shop', ...branch])
      await expect(neon(inShop)).rejects.toThrow('Database not found: shop')
    },
  )
}
