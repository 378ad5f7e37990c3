import { readFile } from 'node:fs/promises'

import type { Command } from 'commander'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'

import { createProgram } from './program.ts'
import { type Bench, startBench } from './testing/cli.ts'
import { addBranch, addProject } from './testing/fake-world.ts'

const project = 'quiet-sea-00000001'

let bench: Bench

beforeEach(async () => {
  bench = await startBench()
})
afterEach(async () => bench.stop())

test.each([
  [['--bogus'], "unknown option '--bogus'", 'coppice --help'],
  [['branches', 'list', '--bogus'], "unknown option '--bogus'", 'coppice branches list --help'],
  [['branch', 'creat'], '(Did you mean create?)', 'coppice branches --help'],
  [['branchs', 'list'], '(Did you mean one of branch, branches?)', 'coppice --help'],
  [['cs', '--poled'], '(Did you mean --pooled?)', 'coppice connection-string --help'],
  [['cs', 'main', 'other'], 'too many arguments', 'coppice connection-string --help'],
  [['branches', 'create', '--cu', 'big'], 'Give a size (1) or a range', '--help'],
  [['branches', 'create', '--cu', '2-1'], 'begins above its end', '--help'],
  [['branches', 'create', '--suspend-timeout', '999999'], 'from -1 to 604800', '--help'],
  [['branches', 'create', '--expires-at', 'soon'], 'a span (12h, 7d)', '--help'],
  [['-o', 'xml', 'me'], 'Allowed choices are table, json, yaml', '--help'],
])('refuses %j', async (argv, message, help) => {
  const { code, stdout, stderr } = await bench.run(...argv)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^ERROR: /)
  expect(stderr).toContain(message)
  expect(stderr).toContain(help)
  expect(bench.api.requests).toEqual([])
})

test('every command and every option has a sentence', async () => {
  const program = createProgram({ stdout: process.stdout, stderr: process.stderr })
  const { addCommands } = await import('./program.ts')
  // Nothing is run, so nothing is asked of the CLI.
  addCommands(program, {} as Parameters<typeof addCommands>[1])
  const bare: string[] = []
  const visit = (command: Command) => {
    const help = command.createHelp()
    if (!/^.*[.:]/s.test(command.description())) bare.push(command.name())
    for (const option of help.visibleOptions(command)) {
      if (!option.description.endsWith('.')) bare.push(`${command.name()} ${option.flags}`)
    }
    for (const argument of command.registeredArguments) {
      if (!argument.description.endsWith('.')) bare.push(`${command.name()} ${argument.name()}`)
    }
    for (const child of command.commands) visit(child)
  }
  visit(program)
  expect(bare).toEqual([])
})

test('docs/cli.md has every command', async () => {
  const page = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
  const program = createProgram({ stdout: process.stdout, stderr: process.stderr })
  const { addCommands } = await import('./program.ts')
  addCommands(program, {} as Parameters<typeof addCommands>[1])
  const missing: string[] = []
  const visit = (command: Command, path: string) => {
    const children = command.createHelp().visibleCommands(command)
    const own = children.filter((child) => child.name() !== 'help')
    for (const child of own) visit(child, `${path} ${child.name()}`.trim())
    const name = path.replace(/^inspect db /, '')
    if (own.length === 0 && !page.includes(`\`${name}\``)) missing.push(path)
  }
  visit(program, '')
  expect(missing).toEqual([])
})

test('help fits 80 columns and goes to stdout', async () => {
  for (const argv of [[], ['branches'], ['branches', 'create'], ['cs'], ['up'], ['logs']]) {
    const { code, stdout } = await bench.run(...argv, '--help')
    expect(code).toBe(0)
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  }
})

test.each([
  [
    ['branch', 'create', '--parent-branch-id', 'main', '--branch-name', 'a'],
    ['branches', 'create', '--parent', 'main', '--name', 'a'],
    ['branches', 'create', '--parent-id', 'br-quiet-sea-00000001', '--branch', 'a'],
    ['branches', 'create', 'a', '--parent', 'br-quiet-sea-00000001'],
  ],
  [
    ['branches', 'create', '--name', 'a', '--autoscale-limit', '4'],
    ['branches', 'create', '--name', 'a', '--cu', '0.25-4'],
    ['branches', 'create', '--name', 'a', '--cu=0.25-4', '--compute'],
  ],
  [
    ['branches', 'delete', 'dev'],
    ['branch', 'delete', '--branch-name', 'dev'],
    ['branch', 'delete', '--name', 'dev'],
    ['branch', 'delete', '--branch', 'dev'],
    ['branch', 'delete', 'dev', '--branch-name', 'dev'],
  ],
  [
    ['branches', 'rename', 'dev', 'other'],
    ['branch', 'rename', '--branch-name', 'dev', 'other'],
  ],
  [
    ['databases', 'list', '--branch', 'dev'],
    ['database', 'list', '--branch-name', 'dev'],
    ['db', 'list', '--project-id', project, '--branch', 'dev'],
  ],
  [
    ['endpoints', 'suspend', 'dev'],
    ['endpoint', 'suspend', '--branch', 'dev'],
  ],
])('says the same in other words: %j', async (...lines) => {
  const dev = () => addBranch(bench.world, project, { name: 'dev' })
  const sent: unknown[] = []
  for (const line of lines) {
    await bench.stop()
    bench = await startBench()
    await bench.run('branches', 'add-compute', dev().id, '--type', 'read_write')
    bench.api.requests.length = 0
    const { code, stderr } = await bench.run(...line)
    expect({ line, code, stderr }).toEqual({ line, code: 0, stderr: '' })
    sent.push(bench.api.requests.filter(({ path }) => path !== '/projects').at(-1))
  }
  expect(new Set(sent.map((request) => JSON.stringify(request))).size).toBe(1)
})

test('global options are taken before and after the command', async () => {
  const [before, after, alias] = [
    await bench.run('-o', 'json', '--project-id', project, 'branches', 'list'),
    await bench.run('branches', 'list', '--output=json', '--project-id', project),
    await bench.run('branches', '--format', 'json', 'list'),
  ]
  expect(JSON.parse(before.stdout)).toEqual(JSON.parse(after.stdout))
  expect(alias.stdout).toBe(after.stdout)
})

test('lists are bare arrays, as Neon prints them, except projects', async () => {
  for (const noun of ['branches', 'databases', 'roles', 'operations', 'endpoints', 'api-keys']) {
    const { stdout } = await bench.run(noun, 'list', '-o', 'json')
    expect([noun, Array.isArray(JSON.parse(stdout))]).toEqual([noun, true])
  }
  const projects: unknown = JSON.parse((await bench.run('projects', 'list', '-o', 'json')).stdout)
  expect(projects).toMatchObject({ projects: [{ id: project }], shared_with_you: [] })
})

test('a created branch is printed with its endpoints and connection strings', async () => {
  const { stdout } = await bench.run('branches', 'create', '--name', 'dev', '-o', 'json')
  expect(JSON.parse(stdout)).toMatchObject({
    branch: { name: 'dev' },
    endpoints: [{ type: 'read_write' }],
    connection_uris: [{ connection_uri: expect.stringMatching(/^postgresql:/) }],
    operations: [{ action: 'create_branch' }],
  })
  const hidden = await bench.run('branches', 'create', '--name', 'log', '--no-secrets')
  expect(hidden.stdout).toContain('log')
  expect(hidden.stdout).not.toContain('postgresql:')
})

test('YAML holds what JSON holds', async () => {
  const json = await bench.run('branches', 'get', 'main', '-o', 'json')
  const yaml = await bench.run('branches', 'get', 'main', '-o', 'yaml')
  expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout))
})

test('flags of a branch become fields of the request', async () => {
  const line = ['--no-compute', '--expires-at', '2030-01-01T00:00:00Z', '--protected']
  await bench.run('branches', 'create', '--name', 'a', ...line)
  const [request] = bench.api.requests.filter((one) => one.method === 'POST')
  expect(request?.body).toEqual({
    branch: { name: 'a', expires_at: '2030-01-01T00:00:00.000Z', protected: true },
    endpoints: [],
  })
  const { code, stderr } = await bench.run('branches', 'create', '--no-compute', '--cu', '1')
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('--cu') })
})

test('names of every sort reach the API whole', async () => {
  const names = [
    'feature/new-column',
    'two words',
    `it's "so"`,
    'größe-分支',
    '$HOME',
    '100%',
    '-x',
  ]
  for (const name of names) {
    expect((await bench.run('branches', 'create', '--name', name)).code).toBe(0)
    const got = await bench.run('branches', 'get', `--branch=${name}`, '-o', 'json')
    expect(JSON.parse(got.stdout)).toMatchObject({ name })
    expect((await bench.run('branches', 'delete', '--name', name)).code).toBe(0)
  }
})

test('deleting a branch that is not there is an error, though the API answers 204', async () => {
  const { code, stderr } = await bench.run('branches', 'delete', 'misspelt')
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'ERROR: branch misspelt does not exist\n' })
})

test('a name that a URL would drop does not reach the project', async () => {
  for (const name of ['.', '..']) {
    const { code, stderr } = await bench.run('branches', 'delete', name)
    expect({ code, stderr }).toEqual({ code: 1, stderr: `ERROR: "${name}" cannot be a branch.\n` })
  }
  expect(bench.api.requests.map((request) => request.method)).not.toContain('DELETE')
})

test('escape sequences in names do not reach the terminal', async () => {
  await bench.run('branches', 'create', '--name', 'red\u001B[31m')
  const { stdout } = await bench.run('branches', 'list')
  expect(stdout).toContain('red\uFFFD[31m')
})

test('the project is the only one, or has to be named', async () => {
  bench.world.projects.length = 0
  expect(await bench.run('branches', 'list')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('No projects found'),
  })
  addProject(bench.world, 'quiet-sea-00000008', 'one')
  expect((await bench.run('branches', 'list')).code).toBe(0)
  addProject(bench.world, 'quiet-sea-00000009', 'two')
  const { code, stderr } = await bench.run('branches', 'list')
  expect(code).toBe(1)
  expect(stderr).toContain(
    'Multiple projects found, please provide one with the --project-id option',
  )
  expect(stderr).toContain('quiet-sea-00000009  two')
})

test('projects are listed past the first page', async () => {
  for (let at = 0; at < 230; at++) addProject(bench.world, `many-${at}`, `many ${at}`)
  const { stdout } = await bench.run('projects', 'list', '-o', 'json')
  const { projects }: { projects: unknown[] } = JSON.parse(stdout)
  expect(projects.length).toBe(231)
})

test('an empty list says how to begin', async () => {
  bench.world.projects.length = 0
  expect((await bench.run('projects', 'list')).stdout).toBe(
    'No projects found. Create one with `coppice projects create --name <name>`.\n',
  )
  expect((await bench.run('operations', 'list', '--project-id', project)).stdout).toBe(
    'No operations yet.\n',
  )
})

test('deleting a project needs its name and tells how to bring it back', async () => {
  const { stdout: hard } = await bench.run('branches', 'delete', 'main', '--hard-delete')
  expect(hard).toBe('Branch main is deleted for good.\n')
  expect(bench.api.requests.at(-1)?.query).toEqual({ hard_delete: 'true' })
  expect((await bench.run('projects', 'delete')).code).toBe(1)
  const { stdout } = await bench.run('projects', 'delete', project)
  expect(stdout).toContain(`coppice projects recover ${project}`)
})

test('a database belongs to the only role, or to the one named', async () => {
  await bench.run('databases', 'create', '--name', 'shop')
  expect(bench.api.requests.at(-1)?.body).toEqual({
    database: { name: 'shop', owner_name: 'neondb_owner' },
  })
  await bench.run('roles', 'create', 'app', '--no-login')
  expect(bench.api.requests.at(-1)?.body).toEqual({ role: { name: 'app', no_login: true } })
  const { code, stderr } = await bench.run('databases', 'create', '--name', 'two')
  expect(code).toBe(1)
  expect(stderr).toContain('--owner-name option: neondb_owner, app')
  expect((await bench.run('db', 'create', 'two', '--owner-name', 'app')).code).toBe(0)
})

test('passwords are shown where they are made', async () => {
  const { stdout } = await bench.run('roles', 'reset-password', 'neondb_owner')
  expect(stdout).toContain("p@ss w:rd/%'$")
})

test('status tells what keeps a compute awake', async () => {
  const { stdout } = await bench.run('status')
  expect(stdout).toContain('45.3 GB of 50.0 GB free')
  expect(stdout).toMatch(/ep-quiet-sea-00000001 +main +active +2 +61\.0 MB +LISTEN \(worker as/)
})

test('account commands', async () => {
  expect((await bench.run('me')).stdout).toContain('admin')
  expect((await bench.run('org', 'list', '-o', 'json')).stdout).toContain('org-local')
  expect((await bench.run('api-keys', 'create', '--name', 'ci')).stdout).toContain('coppice_secret')
  const scoped = ['api-keys', 'create', 'ci', '--project-id', 'quiet-sea-00000001']
  expect((await bench.run(...scoped)).stdout).toContain('secret of org-local quiet-sea-00000001')
  expect((await bench.run('api-key', 'revoke', '2')).stdout).toBe('API key 2 (ci) is revoked.\n')
  expect((await bench.run('api-key', 'revoke', 'ci')).code).toBe(1)
})

test('the completion script is one that bash accepts', async () => {
  const { execFileSync } = await import('node:child_process')
  const { stdout } = await bench.run('completion', 'bash')
  const script = `${stdout}
COMP_WORDS=(coppice branch cre); COMP_CWORD=2; _coppice; echo "\${COMPREPLY[*]}"
COMP_WORDS=(coppice branches create --par); COMP_CWORD=3; _coppice; echo "\${COMPREPLY[*]}"`
  const answer = execFileSync('bash', ['-c', script], { encoding: 'utf8' })
  expect(answer).toBe('create\n--parent\n')
})
