import { readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'

import { expect } from 'vitest'

import { psql, repository, run } from '../platform.ts'
import type { Suite } from './suite.ts'

/** Commands that keep a directory, its git branches and its `.env` in step with branches. */
export function workspaceTests(suite: Suite): void {
  const { neon, json, works } = suite
  let cwd = ''
  const context = async (): Promise<Record<string, string>> =>
    JSON.parse(await readFile(join(cwd, '.neon'), 'utf8')) as Record<string, string>
  const git = async (...args: string[]): Promise<string> => {
    const author = ['-c', 'user.name=a', '-c', 'user.email=a@example.com']
    return run('git', [...author, ...args], { cwd, env: suite.environment() })
  }

  works(['link', 'status', 'set-context'], 'tie a directory to the project', async () => {
    cwd = await suite.makeDirectory()
    await git('init', '-q', '-b', 'main')
    await git('commit', '-q', '--allow-empty', '-m', 'start')
    const { projectId } = suite.platform
    await neon(['link', '--project-id', projectId, '-y'], { cwd })
    expect(await context()).toEqual({ orgId: 'org-coppice', projectId, branch: 'main' })
    expect(await json(['status'], { cwd })).toMatchObject({
      project: { id: projectId },
      branch: { name: 'main', isDefault: true },
    })
    expect(await neon(['status', '--current-branch'], { cwd })).toBe('main\n')
    await neon(['set-context', '--project-id', projectId], { cwd })
    expect(await context()).toMatchObject({ projectId })
  })

  works(['checkout', 'env pull'], 'the .env has strings that connect', async () => {
    await neon(['checkout', 'feature-x', '--create'], { cwd })
    expect(await context()).toMatchObject({ branch: 'feature-x' })
    await neon(['env', 'pull', '--file', '.env.test'], { cwd })
    const variables = parseEnv(await readFile(join(cwd, '.env.test'), 'utf8'))
    expect(variables['NEON_BRANCH']).toBe('feature-x')
    expect(await psql(variables['DATABASE_URL'] ?? '', 'SHOW pool_mode')).toBe('transaction')
    expect(await psql(variables['DATABASE_URL_UNPOOLED'] ?? '', 'SHOW pool_mode')).toBe('session')
    await expect(neon(['checkout', 'nowhere'], { cwd })).rejects.toThrow('nowhere')
  })

  works(
    ['config init', 'config plan', 'config apply', 'config status', 'deploy'],
    'size the compute of a branch as neon.ts says',
    async () => {
      // What `config init` would install comes with the CLI.
      await symlink(join(repository, 'test/clients/node_modules'), join(cwd, 'node_modules'))
      await writeFile(join(cwd, 'package.json'), '{"type":"module"}')
      await neon(['config', 'init', '--no-install', '--services', 'none'], { cwd })
      await writeFile(
        join(cwd, 'neon.ts'),
        `import { defineConfig } from '@neon/config/v1'
         export default defineConfig({
           branch: () => ({ postgres: { computeSettings: { autoscalingLimitMaxCu: 1 } } }),
         })`,
      )
      expect(await neon(['config', 'plan'], { cwd })).toContain('autoscalingLimitMaxCu')
      await neon(['config', 'apply', '--update-existing'], { cwd })
      expect(await json(['config', 'status'], { cwd })).toMatchObject({
        branch: { name: 'feature-x' },
        config: { branch: { postgres: { computeSettings: { autoscalingLimitMaxCu: 1 } } } },
      })
      await neon(['deploy'], { cwd })
    },
  )

  works(
    ['git install', 'git sync', 'git status', 'git cleanup', 'git uninstall'],
    'a git branch has a branch of the database',
    async () => {
      await neon(['git', 'install'], { cwd })
      await git('checkout', '-q', '-b', 'feature-x')
      await neon(['git', 'sync'], { cwd })
      expect(await neon(['git', 'status'], { cwd })).toMatch(/feature-x/)
      await git('checkout', '-q', 'main')
      // The hook has followed: `neon` on the path of git is theirs.
      expect(await context()).toMatchObject({ branch: 'main' })
      await git('branch', '-q', '-D', 'feature-x')
      await neon(['git', 'cleanup', '--prune-neon-branches', '--yes'], { cwd })
      await expect(suite.findBranch('feature-x')).rejects.toThrow('no branch feature-x')
      await neon(['git', 'uninstall'], { cwd })
    },
  )
}
