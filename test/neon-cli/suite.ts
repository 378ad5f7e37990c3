import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'

import type { Branch } from '@coppice/api'
import { expect, test } from 'vitest'

import { psql, repository, run, startTestPlatform, type TestPlatform } from '../platform.ts'

export interface NeonOptions {
  /** The user's home if absent, where no `.neon` is. */
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** The program: `neonctl` is the older name, a package of its own. */
  bin?: 'neon' | 'neonctl'
  /** Whether it may tell Neon what it does, as it would unasked. */
  analytics?: boolean
}

type Body = () => Promise<void>

/** What the tests showed of a command of Neon's CLI. */
export interface Finding {
  works: boolean
  /** What it cannot do here, in the words of the table. */
  lacks: string[]
}

/** What the parts of the suite share: the real CLI against one platform, and what its tests find. */
export interface Suite {
  readonly platform: TestPlatform
  readonly findings: ReadonlyMap<string, Finding>
  /** Names of the tests that were declared and have not passed (yet). */
  readonly pending: ReadonlySet<string>
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** What the programs of a user have in their environment. */
  readonly environment: () => NodeJS.ProcessEnv
  /** Of the first project; rejects if there is none of the name. */
  readonly findBranch: (name: string) => Promise<Branch>
  /** How to connect to a branch of the first project. */
  readonly connectionUri: (branch: string) => Promise<string>
  /** psql's answer from a branch of the first project. */
  readonly sql: (branch: string, text: string) => Promise<string>
  /** A new directory below the platform's. */
  readonly makeDirectory: () => Promise<string>
  /** stdout of Neon's CLI; rejects with what it printed when it fails. */
  readonly neon: (args: readonly string[], options?: NeonOptions) => Promise<string>
  /** The same with `-o json`, parsed. */
  readonly json: <T>(args: readonly string[], options?: NeonOptions) => Promise<T>
  /** Declares a test which shows that these commands work. It has to run them. */
  readonly works: (commands: readonly string[], what: string, body: Body) => void
  /** Declares a test which shows that commands refuse cleanly what Coppice has not, by what that is. */
  readonly lacks: (missing: Readonly<Record<string, string>>, body: Body) => void
}

const bin = join(repository, 'test', 'clients', 'node_modules', '.bin')

/** The environment in which a user of Coppice runs Neon's own programs. */
export function clientEnvironment(platform: TestPlatform, home: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    NEON_API_HOST: platform.apiUrl,
    NEON_API_KEY: platform.apiKey,
    NODE_EXTRA_CA_CERTS: platform.caFile,
    NODE_OPTIONS: `--import=${join(repository, 'test', 'resolve-localhost.mjs')}`,
    // libpq's own way to say where a name leads; the name stays what TLS is told.
    PGHOSTADDR: '127.0.0.1',
    NO_UPDATE_NOTIFIER: '1',
    NO_COLOR: '1',
  }
}

export function createSuite(): Suite {
  const findings = new Map<string, Finding>()
  const pending = new Set<string>()
  let platform: TestPlatform | undefined
  let home = ''
  let commandLines: string[] = []

  const running = (): TestPlatform => {
    if (platform === undefined) throw new Error('the platform runs only within tests')
    return platform
  }
  const neon: Suite['neon'] = async (args, options = {}) => {
    commandLines.push(args.join(' '))
    return run(
      join(bin, options.bin ?? 'neon'),
      options.analytics ? args : ['--no-analytics', ...args],
      {
        cwd: options.cwd ?? home,
        env: { ...clientEnvironment(running(), home), ...options.env },
      },
    )
  }
  const declare = (
    name: string,
    commands: readonly string[],
    body: Body,
    record: (finding: Finding, command: string) => void,
  ): void => {
    pending.add(name)
    test(`${name}`, async () => {
      commandLines = []
      await body()
      for (const command of commands) {
        const ran = commandLines.some((line) => `${line} `.startsWith(`${command} `))
        expect(ran, `the test runs \`neon ${command}\``).toBe(true)
        const finding = findings.get(command) ?? { works: false, lacks: [] }
        record(finding, command)
        findings.set(command, finding)
      }
      pending.delete(name)
    })
  }
  const findBranch: Suite['findBranch'] = async (name) => {
    const path = { project_id: running().projectId }
    const { branches } = await running().client.listProjectBranches({ path, query: {} })
    const found = branches.find((branch) => branch.name === name)
    if (found === undefined) throw new Error(`no branch ${name}`)
    return found
  }
  const connectionUri: Suite['connectionUri'] = async (branch) => {
    const { uri } = await running().client.getConnectionURI({
      path: { project_id: running().projectId },
      query: {
        branch_id: (await findBranch(branch)).id,
        database_name: 'neondb',
        role_name: 'neondb_owner',
      },
    })
    return uri
  }
  return {
    get platform() {
      return running()
    },
    findings,
    pending,
    neon,
    start: async () => {
      platform = await startTestPlatform()
      home = await mkdtemp(join(platform.home, 'user-'))
    },
    stop: async () => platform?.remove(),
    environment: () => clientEnvironment(running(), home),
    findBranch,
    connectionUri,
    sql: async (branch, text) => psql(await connectionUri(branch), text),
    makeDirectory: async () => mkdtemp(join(running().home, 'work-')),
    json: async <T>(args: readonly string[], options: NeonOptions = {}) =>
      JSON.parse(await neon([...args, '-o', 'json'], options)) as T,
    works: (commands, what, body) =>
      declare(`neon ${commands.join(', ')}: ${what}`, commands, body, (finding) => {
        finding.works = true
      }),
    lacks: (missing, body) => {
      const commands = Object.keys(missing)
      const name = `neon ${commands.join(', ')}: refuse what is not here`
      declare(name, commands, body, (finding, command) => {
        finding.lacks.push(missing[command] ?? '')
      })
    },
  }
}
